"""Assets, shots, sequences and episodes: one kind of record, told apart by its entity type."""

from typing import Any

import orjson

from chassis import filters
from chassis.binding import Id
from chassis.errors import NotFound, Refused
from chassis.operations import command, query
from chassis.policy import nobody, signed_in
from chassis.resources import Record
from chassis.unit import Unit
from contracts.access import my_projects, project_managers, project_team
from contracts.production import entity_kind

NOT_ASSETS = ("Shot", "Sequence", "Episode", "Scene", "Edit", "Concept", "ConceptFolder")


def type_named(unit: Unit, name: str) -> Record:
    """Return the entity type called `name`, made on first use."""
    found = unit.first("entity_type", 'lower(t."name") = lower(%s)', (name,))
    return found or unit.create("entity_type", {"name": name})


def named_entity(unit: Unit, project_id: str, type_name: str, name: str, **fields: Any) -> Record:
    """Return the entity `name` below the same parent, made when there is none."""
    entity_type = type_named(unit, type_name)
    parent = fields.get("parent_id")
    known = unit.first(
        "entity",
        't.project_id = %s AND t.entity_type_id = %s AND t."name" = %s AND t.parent_id IS NOT DISTINCT FROM %s',
        (project_id, entity_type.id, name, parent),
    )
    return known or _create(unit, project_id, entity_type, name, fields)


def _create(unit: Unit, project_id: str, entity_type: Record, name: str, fields: dict[str, Any]) -> Record:
    values = {
        **{key: value for key, value in fields.items() if value is not None},
        "name": name,
        "project_id": project_id,
        "entity_type_id": entity_type.id,
        "kind": entity_kind(entity_type["name"]),
        "created_by": unit.actor.person_id,
    }
    return unit.create("entity", values)


def _parent(unit: Unit, project_id: str, id_: str | None, kind: str) -> str | None:
    if id_ is None:
        return None
    parent = unit.get("entity", id_)
    if parent is None or parent["kind"] != kind or parent["project_id"] != project_id:
        raise NotFound
    return parent.id


@command(allow=project_managers, status=201)
def create_asset(
    unit: Unit,
    project_id: Id,
    asset_type_id: Id,
    *,
    name: str,
    description: str | None = None,
    data: dict[str, Any] | None = None,
    is_shared: bool = False,
    episode_id: Id | None = None,
) -> Record:
    """Create an asset. Source: POST /data/projects/{project_id}/asset-types/{asset_type_id}/assets/new."""
    asset_type = unit.need("entity_type", asset_type_id)
    source = _parent(unit, project_id, episode_id, "episode")
    fields = {"description": description, "data": data, "is_shared": is_shared, "source_id": source}
    return _create(unit, project_id, asset_type, name, fields)


@command(allow=project_managers, status=201)
def create_shot(
    unit: Unit,
    project_id: Id,
    *,
    name: str,
    sequence_id: Id | None = None,
    data: dict[str, Any] | None = None,
    nb_frames: int | None = None,
    description: str | None = None,
) -> Record:
    """Create a shot, or return the one of this name. Source: POST /data/projects/{project_id}/shots."""
    parent = _parent(unit, project_id, sequence_id, "sequence")
    more = {"data": data, "nb_frames": nb_frames, "description": description}
    return named_entity(unit, project_id, "Shot", name, parent_id=parent, **more)


@command(allow=project_managers, status=201)
def create_sequence(
    unit: Unit,
    project_id: Id,
    *,
    name: str,
    episode_id: Id | None = None,
    description: str | None = None,
    data: dict[str, Any] | None = None,
) -> Record:
    """Create a sequence, or return the one of this name. Source: POST /data/projects/{project_id}/sequences."""
    parent = _parent(unit, project_id, episode_id, "episode")
    return named_entity(unit, project_id, "Sequence", name, parent_id=parent, description=description, data=data)


@command(allow=project_managers, status=201)
def create_episode(
    unit: Unit,
    project_id: Id,
    *,
    name: str,
    status: str | None = None,
    description: str | None = None,
    data: dict[str, Any] | None = None,
) -> Record:
    """Create an episode, or return the one of this name. Source: POST /data/projects/{project_id}/episodes."""
    return named_entity(unit, project_id, "Episode", name, status=status, description=description, data=data)


def _of_project(unit: Unit, project_id: str, kind: str) -> bytes:
    where, args = filters.conditions(unit.resource("entity"), unit.request)
    condition = " AND ".join(["t.project_id = %s", "t.kind = %s", *where])
    return unit.docs("entity", condition, [project_id, kind, *args], "t.name, t.id")


@query(allow=project_team)
def list_project_assets(unit: Unit, project_id: Id) -> bytes:
    """List the assets of a project. Source: GET /data/projects/{project_id}/assets."""
    return _of_project(unit, project_id, "asset")


@query(allow=project_team)
def list_project_shots(unit: Unit, project_id: Id) -> bytes:
    """List the shots of a project. Source: GET /data/projects/{project_id}/shots."""
    return _of_project(unit, project_id, "shot")


@query(allow=project_team)
def list_project_sequences(unit: Unit, project_id: Id) -> bytes:
    """List the sequences of a project. Source: GET /data/projects/{project_id}/sequences."""
    return _of_project(unit, project_id, "sequence")


@query(allow=project_team)
def list_project_episodes(unit: Unit, project_id: Id) -> bytes:
    """List the episodes of a project. Source: GET /data/projects/{project_id}/episodes."""
    return _of_project(unit, project_id, "episode")


@query(allow=project_team)
def list_sequence_shots(unit: Unit, sequence_id: Id) -> list[dict[str, Any]]:
    """List the shots of a sequence with both names. Source: GET /data/sequences/{sequence_id}/shots."""
    sequence = unit.need("entity", sequence_id)
    project = unit.need("project", sequence["project_id"])
    names = {"project_name": project["name"], "sequence_name": sequence["name"]}
    found = orjson.loads(unit.docs("entity", "t.parent_id = %s AND t.kind = 'shot'", (sequence_id,), "t.name"))
    return [{**shot, **names} for shot in found]


@query(allow=signed_in)
def list_asset_types(unit: Unit) -> list[dict[str, Any]]:
    """List the entity types that hold assets. Source: GET /data/asset-types."""
    found = orjson.loads(unit.docs("entity_type", "t.name <> ALL(%s)", (list(NOT_ASSETS),), "t.name", relations=True))
    return [{**row, "type": "AssetType"} for row in found]


@query(allow=project_team)
def get_asset(unit: Unit, asset_id: Id) -> dict[str, Any]:
    """Return an asset with the names around it. Source: GET /data/assets/{asset_id}."""
    asset = _of_kind(unit, asset_id, "asset")
    asset_type = unit.need("entity_type", asset["entity_type_id"])
    project = unit.need("project", asset["project_id"])
    around = {"asset_type_id": asset_type.id, "asset_type_name": asset_type["name"], "project_name": project["name"]}
    return {**_document(unit, asset), **around, "episode_id": asset["source_id"], "casting_episode_ids": []}


@query(allow=project_team)
def get_shot(unit: Unit, shot_id: Id) -> dict[str, Any]:
    """Return a shot with the names around it. Source: GET /data/shots/{shot_id}."""
    shot = _of_kind(unit, shot_id, "shot")
    sequence = unit.get("entity", shot["parent_id"])
    episode = unit.get("entity", sequence["parent_id"]) if sequence else None
    project = unit.need("project", shot["project_id"])
    around = {
        "project_name": project["name"],
        "sequence_id": sequence.id if sequence else None,
        "sequence_name": sequence["name"] if sequence else None,
        "episode_id": episode.id if episode else None,
        "episode_name": episode["name"] if episode else None,
    }
    data = shot["data"] or {}
    return {**_document(unit, shot), **around, **{key: data.get(key) for key in ("fps", "frame_in", "frame_out")}}


def _of_kind(unit: Unit, id_: str, kind: str) -> Record:
    entity = unit.need("entity", id_)
    if entity["kind"] != kind:
        raise NotFound
    return entity


def _document(unit: Unit, entity: Record) -> dict[str, Any]:
    resource = unit.resource("entity")
    found: dict[str, Any] = orjson.loads(resource.doc(entity)[:-1] + resource.rel(entity))
    return found


def visible(unit: Unit) -> tuple[str, list[str]] | None:
    """Limit entities to the actor's projects."""
    return my_projects(unit)


def before_update(unit: Unit, entity: Record, changes: dict[str, Any]) -> dict[str, Any]:
    """Merge `data` into what is stored. Raises Refused for a name that is taken."""
    if isinstance(changes.get("data"), dict):
        changes["data"] = {**(entity["data"] or {}), **changes["data"]}
    if changes.get("name") == "":
        raise Refused("A required field is missing.")
    return changes


def before_delete(unit: Unit, entity: Record) -> None:
    """Take the casting of an entity along; parents with children stay. Raises Refused."""
    if unit.count("entity", "t.parent_id = %s", (entity.id,)):
        raise Refused("The change conflicts with records referencing this one.")
    for link in unit.find("entity_link", "t.entity_in_id = %s OR t.entity_out_id = %s", (entity.id, entity.id)):
        unit.delete(link)


@command(allow=nobody)
def set_entity_preview(unit: Unit, entity_id: Id, *, preview_file_id: Id, status: str = "ready") -> Record:
    """Make a preview the main picture of an entity; asked by media."""
    entity = unit.need("entity", entity_id)
    ids = {"entity_id": entity.id, "preview_file_id": preview_file_id}
    facts = {**ids, "preview_file_status": status, "project_id": entity.project_id}
    updated = unit.update(entity, {"preview_file_id": preview_file_id})
    if updated is not entity:
        unit.announce("preview-file:set-main", facts)
    return updated
