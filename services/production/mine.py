"""What the actor works on: entities that hold tasks assigned to them, in open projects."""

from typing import Any

import orjson

from chassis.binding import Id
from chassis.operations import query
from chassis.policy import nobody, signed_in
from chassis.unit import Unit
from contracts.access import NO_ONE
from services.production.projects import OPEN

WORKED_ON = """SELECT e.{field} FROM task w JOIN entity e ON e.id = w.entity_id {join}
    WHERE w.assignees @> ARRAY[%s]::uuid[] AND e.project_id = %s AND e.kind = %s"""
IN_OPEN = (
    f"EXISTS (SELECT 1 FROM project p WHERE p.id = t.project_id AND p.id IN (SELECT t.id FROM project t WHERE {OPEN}))"
)


def _me(unit: Unit) -> str:
    return unit.actor.person_id or NO_ONE


@query(allow=nobody)
def list_reach(unit: Unit, person_id: Id) -> dict[str, list[str]]:
    """Return {projects, entities}: projects with the person in their team, entities and tasks assigned to them."""
    teams = unit.rows("SELECT id::text FROM project WHERE team @> ARRAY[%s]::uuid[]", (person_id,))
    tasks = unit.rows("SELECT id::text, entity_id::text FROM task WHERE assignees @> ARRAY[%s]::uuid[]", (person_id,))
    return {"projects": [row[0] for row in teams], "entities": sorted({id_ for row in tasks for id_ in row if id_})}


@query(allow=signed_in)
def list_my_asset_types(unit: Unit, project_id: Id) -> list[dict[str, Any]]:
    """List asset types the actor works on. Source: GET /data/user/projects/{project_id}/asset-types."""
    where = f"t.id IN ({WORKED_ON.format(field='entity_type_id', join='')})"
    found = orjson.loads(unit.docs("entity_type", where, (_me(unit), project_id, "asset"), "t.name"))
    return [{**row, "type": "AssetType"} for row in found]


@query(allow=signed_in)
def list_my_assets(unit: Unit, project_id: Id, asset_type_id: Id) -> bytes:
    """List assets the actor works on.

    Source: GET /data/user/projects/{project_id}/asset-types/{asset_type_id}/assets.
    """
    where = f"t.id IN ({WORKED_ON.format(field='id', join='')}) AND t.entity_type_id = %s AND {IN_OPEN}"
    return unit.docs("entity", where, (_me(unit), project_id, "asset", asset_type_id), "t.name")


@query(allow=signed_in)
def list_my_sequences(unit: Unit, project_id: Id) -> bytes:
    """List sequences with shots the actor works on. Source: GET /data/user/projects/{project_id}/sequences."""
    where = f"t.id IN ({WORKED_ON.format(field='parent_id', join='')}) AND t.kind = 'sequence' AND {IN_OPEN}"
    return unit.docs("entity", where, (_me(unit), project_id, "shot"), "t.name")


@query(allow=signed_in)
def list_my_episodes(unit: Unit, project_id: Id) -> bytes:
    """List episodes with shots the actor works on. Source: GET /data/user/projects/{project_id}/episodes."""
    shots = WORKED_ON.format(field="parent_id", join="")
    where = f"t.id IN (SELECT q.parent_id FROM entity q WHERE q.id IN ({shots})) AND t.kind = 'episode' AND {IN_OPEN}"
    return unit.docs("entity", where, (_me(unit), project_id, "shot"), "t.name")


@query(allow=signed_in)
def list_my_scenes(unit: Unit, sequence_id: Id) -> bytes:
    """List scenes of a sequence the actor works on. Source: GET /data/user/sequences/{sequence_id}/scenes."""
    sequence = unit.need("entity", sequence_id)
    where = f"t.id IN ({WORKED_ON.format(field='id', join='')}) AND t.parent_id = %s AND {IN_OPEN}"
    return unit.docs("entity", where, (_me(unit), sequence["project_id"], "scene", sequence_id), "t.name")
