"""Entities as the pages read them, in lists, with the names around them."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from chassis import filters
from chassis.binding import Id
from chassis.errors import NotFound
from chassis.operations import query
from chassis.policy import no_guests, no_vendors, signed_in
from chassis.unit import Unit
from contracts.access import NO_ONE, project_team
from services.production.access import entity_readers, entity_team, project_no_vendors, visible_entities
from services.production.projects import OPEN

NOT_ASSETS = ("Shot", "Sequence", "Episode", "Scene", "Edit", "Concept", "ConceptFolder")
PROJECT_NAME = {"project_name": "(SELECT p.name FROM project p WHERE p.id = t.project_id)"}
SEQUENCE_NAME = {"sequence_name": "(SELECT s.name FROM entity s WHERE s.id = t.parent_id)"}
BOTH_NAMES = {**PROJECT_NAME, **SEQUENCE_NAME}
ALIASES = {"asset_type_id": "entity_type_id", "sequence_id": "parent_id", "episode_id": "parent_id"}


def docs(
    unit: Unit, where: str, args: Sequence[Any], more: Mapping[str, str] | None = None, *, relations: bool = False
) -> bytes:
    """Return finished entity documents in the order of their names, each with the SQL expressions of `more`."""
    if not more and not relations:
        return unit.docs("entity", where, args, "t.name, t.id")
    cell = "left(t.doc, -1) || t.rel" if relations else "t.doc"
    for name, expression in (more or {}).items():
        cell = f"left({cell}, -1) || ',\"{name}\":' || coalesce(to_json({expression})::text, 'null') || '}}'"
    # to_json writes `%` nowhere, but psycopg2 reads the statement: expressions here hold none.
    statement = f"SELECT string_agg({cell}, ',' ORDER BY t.name, t.id) FROM entity t WHERE {where}"
    return b"[" + unit.raw(statement, args) + b"]"


def _listed(unit: Unit, kind: str, more: Mapping[str, str] | None = None) -> bytes:
    """Return the entities of `kind` that the query and the actor's rights leave, paged when asked for."""
    request = unit.request
    for alias, column in ALIASES.items():
        if alias in request.query and (alias != "episode_id" or kind in ("sequence", "edit")):
            request.query[column] = request.query.pop(alias)
    where, args = filters.conditions(unit.resource("entity"), request)
    limits = visible_entities(unit)
    if limits:
        where, args = [*where, limits[0]], [*args, *limits[1]]
    where, args = ["t.kind = %s", *where], [kind, *args]
    if more is None and "page" in request.query:
        return filters.listing(unit, unit.resource("entity"), where, args, order="t.name, t.id")
    return docs(unit, " AND ".join(where), args, more, relations=request.truth("relations"))


@query(allow=signed_in, kept=True)
def list_assets(unit: Unit) -> bytes:
    """List the actor's assets. Source: GET /data/assets, GET /data/assets/all."""
    return _listed(unit, "asset")


@query(allow=signed_in, kept=True)
def list_shots(unit: Unit) -> bytes:
    """List the actor's shots. Source: GET /data/shots, GET /data/shots/all."""
    return _listed(unit, "shot", BOTH_NAMES)


@query(allow=signed_in, kept=True)
def list_sequences(unit: Unit) -> bytes:
    """List the actor's sequences. Source: GET /data/sequences."""
    return _listed(unit, "sequence")


@query(allow=signed_in, kept=True)
def list_episodes(unit: Unit) -> bytes:
    """List the actor's episodes. Source: GET /data/episodes."""
    return _listed(unit, "episode")


@query(allow=signed_in, kept=True)
def list_edits(unit: Unit) -> bytes:
    """List the actor's edits. Source: GET /data/edits, GET /data/edits/all."""
    return _listed(unit, "edit", PROJECT_NAME)


@query(allow=no_vendors, kept=True)
def list_scenes(unit: Unit) -> bytes:
    """List the actor's scenes. Source: GET /data/scenes/all."""
    return _listed(unit, "scene", BOTH_NAMES)


@query(allow=no_guests, kept=True)
def list_concepts(unit: Unit) -> bytes:
    """List the actor's concepts. Source: GET /data/concepts."""
    return _listed(unit, "concept", PROJECT_NAME)


def _of_project(unit: Unit, project_id: str, kind: str, more: Mapping[str, str] | None = None) -> bytes:
    unit.request.query.pop("project_id", None)
    if "asset_type_id" in unit.request.query:
        unit.request.query["entity_type_id"] = unit.request.query.pop("asset_type_id")
    where, args = filters.conditions(unit.resource("entity"), unit.request)
    limits = visible_entities(unit)
    if limits:
        where, args = [*where, limits[0]], [*args, *limits[1]]
    return docs(unit, " AND ".join(["t.project_id = %s", "t.kind = %s", *where]), [project_id, kind, *args], more)


@query(allow=project_team, kept=True)
def list_project_assets(unit: Unit, project_id: Id) -> bytes:
    """List the assets of a project. Source: GET /data/projects/{project_id}/assets."""
    return _of_project(unit, project_id, "asset")


@query(allow=project_team)
def list_project_assets_of_type(unit: Unit, project_id: Id, asset_type_id: Id) -> bytes:
    """List its assets of one type. Source: GET /data/projects/{project_id}/asset-types/{asset_type_id}/assets."""
    unit.request.query["entity_type_id"] = [asset_type_id]
    return _of_project(unit, project_id, "asset")


@query(allow=project_team, kept=True)
def list_project_shots(unit: Unit, project_id: Id) -> bytes:
    """List the shots of a project. Source: GET /data/projects/{project_id}/shots."""
    return _of_project(unit, project_id, "shot")


@query(allow=project_team, kept=True)
def list_project_sequences(unit: Unit, project_id: Id) -> bytes:
    """List the sequences of a project. Source: GET /data/projects/{project_id}/sequences."""
    return _of_project(unit, project_id, "sequence")


@query(allow=project_team, kept=True)
def list_project_episodes(unit: Unit, project_id: Id) -> bytes:
    """List the episodes of a project. Source: GET /data/projects/{project_id}/episodes."""
    return _of_project(unit, project_id, "episode")


@query(allow=project_team)
def list_project_edits(unit: Unit, project_id: Id) -> bytes:
    """List the edits of a project. Source: GET /data/projects/{project_id}/edits."""
    return _of_project(unit, project_id, "edit")


@query(allow=project_team)
def list_project_scenes(unit: Unit, project_id: Id) -> bytes:
    """List the scenes of a project. Source: GET /data/projects/{project_id}/scenes."""
    return _of_project(unit, project_id, "scene")


@query(allow=project_no_vendors)
def list_project_concepts(unit: Unit, project_id: Id) -> bytes:
    """List the concepts of a project. Source: GET /data/projects/{project_id}/concepts."""
    return _of_project(unit, project_id, "concept")


def _children(unit: Unit, parent: str, kind: str, more: Mapping[str, str] | None = None) -> bytes:
    limits = visible_entities(unit)
    where = "t.parent_id = %s AND t.kind = %s" + (f" AND {limits[0]}" if limits else "")
    args = [parent, kind, *(limits[1] if limits else [])]
    return docs(unit, where, args, more, relations=unit.request.truth("relations"))


@query(allow=entity_team, kept=True)
def list_sequence_shots(unit: Unit, sequence_id: Id) -> bytes:
    """List the shots of a sequence with both names. Source: GET /data/sequences/{sequence_id}/shots."""
    return _children(unit, sequence_id, "shot", BOTH_NAMES)


@query(allow=entity_readers)
def list_sequence_scenes(unit: Unit, sequence_id: Id) -> bytes:
    """List the scenes of a sequence. Source: GET /data/sequences/{sequence_id}/scenes."""
    return _children(unit, sequence_id, "scene")


@query(allow=entity_team, kept=True)
def list_episode_sequences(unit: Unit, episode_id: Id) -> bytes:
    """List the sequences of an episode. Source: GET /data/episodes/{episode_id}/sequences."""
    return _children(unit, episode_id, "sequence")


@query(allow=entity_readers)
def list_episode_edits(unit: Unit, episode_id: Id) -> bytes:
    """List the edits of an episode. Source: GET /data/episodes/{episode_id}/edits."""
    return _children(unit, episode_id, "edit")


@query(allow=entity_readers)
def list_episode_shots(unit: Unit, episode_id: Id) -> bytes:
    """List the shots of an episode's sequences. Source: GET /data/episodes/{episode_id}/shots."""
    where = "t.kind = 'shot' AND t.parent_id IN (SELECT s.id FROM entity s WHERE s.parent_id = %s)"
    return docs(unit, where, [episode_id], relations=unit.request.truth("relations"))


@query(allow=signed_in)
def list_my_sequence_shots(unit: Unit, sequence_id: Id) -> bytes:
    """List the shots of a sequence that the actor has tasks on.

    Source: GET /data/user/sequences/{sequence_id}/shots.
    """
    if unit.need("entity", sequence_id)["kind"] != "sequence":
        raise NotFound
    where = (
        "t.kind = 'shot' AND t.parent_id = %s "
        "AND EXISTS (SELECT 1 FROM task w WHERE w.entity_id = t.id AND w.assignees @> ARRAY[%s]::uuid[]) "
        f"AND t.project_id IN (SELECT t.id FROM project t WHERE {OPEN})"
    )
    return docs(unit, where, [sequence_id, unit.actor.person_id or NO_ONE])


@query(allow=signed_in, kept=True)
def list_asset_types(unit: Unit) -> list[dict[str, Any]]:
    """List the entity types that hold assets. Source: GET /data/asset-types."""
    where, args = filters.conditions(unit.resource("entity_type"), unit.request)
    condition = " AND ".join(["t.name <> ALL(%s)", *where])
    return as_asset_types(unit.docs("entity_type", condition, [list(NOT_ASSETS), *args], "t.name", relations=True))


def as_asset_types(rows: bytes) -> list[dict[str, Any]]:
    """Return entity types as asset types. Pure."""
    return [{**row, "type": "AssetType"} for row in orjson.loads(rows)]


@query(allow=signed_in, kept=True)
def get_asset_type(unit: Unit, asset_type_id: Id) -> dict[str, Any]:
    """Return an asset type. Source: GET /data/asset-types/{asset_type_id}."""
    found = unit.need("entity_type", asset_type_id)
    if found["name"] in NOT_ASSETS:
        raise NotFound
    resource = unit.resource("entity_type")
    return {**orjson.loads(resource.doc(found)[:-1] + resource.rel(found)), "type": "AssetType"}


# Single ones
