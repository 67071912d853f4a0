"""Assets, shots, sequences and episodes: one kind of record, told apart by its entity type."""

from typing import Any

import orjson

from chassis.binding import Id, is_uuid
from chassis.errors import Invalid, NotFound
from chassis.operations import command, query
from chassis.policy import nobody
from chassis.resources import Record
from chassis.unit import Unit
from contracts.access import project_managers
from contracts.production import entity_kind, entity_noun
from services.production.access import project_no_guests, project_supervisors


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
    return known or new_entity(unit, project_id, entity_type, name, fields)


def new_entity(unit: Unit, project_id: str, entity_type: Record, name: str, fields: dict[str, Any]) -> Record:
    """Create an entity of a type below the parent among `fields`. Raises Invalid for an empty name."""
    if not name.strip():
        raise Invalid("Name cannot be empty.")
    values = {
        **{key: value for key, value in fields.items() if value is not None},
        "name": name,
        "project_id": project_id,
        "entity_type_id": entity_type.id,
        "kind": entity_kind(entity_type["name"]),
        "created_by": unit.person_id,
    }
    record = unit.create("entity", values, live=[])
    unit.announce(*_news(unit, record))
    return record


def _news(unit: Unit, entity: Record) -> tuple[str, dict[str, Any]]:
    """Return the event of a new entity; assets tell their type, shots their episode."""
    noun = entity_noun(entity.fields)
    more: dict[str, Any] = {}
    if noun == "asset":
        more["asset_type"] = entity["entity_type_id"]
    if noun == "shot":
        sequence = unit.get("entity", entity["parent_id"])
        more["episode_id"] = sequence["parent_id"] if sequence else None
    return f"{noun}:new", {f"{noun.replace('-', '_')}_id": entity.id, **more, "project_id": entity.project_id}


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
    return new_entity(unit, project_id, asset_type, name, fields)


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


@command(allow=project_managers, status=201)
def create_edit(
    unit: Unit,
    project_id: Id,
    *,
    name: str,
    episode_id: Id | None = None,
    description: str | None = None,
    data: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Create an edit, or return the one of this name. Source: POST /data/projects/{project_id}/edits."""
    parent = _parent(unit, project_id, episode_id, "episode")
    made = named_entity(unit, project_id, "Edit", name, parent_id=parent, description=description, data=data)
    return plain(unit, made)


@command(allow=project_managers, status=201)
def create_scene(unit: Unit, project_id: Id, *, name: str, sequence_id: Id | None = None) -> dict[str, Any]:
    """Create a scene, or return the one of this name. Source: POST /data/projects/{project_id}/scenes."""
    parent = _parent(unit, project_id, sequence_id, "sequence")
    return plain(unit, named_entity(unit, project_id, "Scene", name, parent_id=parent))


@command(allow=project_no_guests, status=201)
def create_concept(
    unit: Unit,
    project_id: Id,
    *,
    name: str,
    description: str | None = None,
    data: dict[str, Any] | None = None,
    entity_concept_links: list[Any] | None = None,
    parent_id: Id | None = None,
) -> dict[str, Any]:
    """Create a concept with links to entities. Source: POST /data/projects/{project_id}/concepts."""
    linked = [each["id"] if isinstance(each, dict) else each for each in entity_concept_links or []]
    known = unit.many("entity", [id_ for id_ in linked if is_uuid(id_)])
    if len(known) < len(set(linked)):
        raise Invalid("A linked entity is unknown.")
    parent = _parent(unit, project_id, parent_id, "concept_folder")
    more = {"description": description, "data": data, "entity_concept_links": linked, "parent_id": parent}
    return plain(unit, new_entity(unit, project_id, type_named(unit, "Concept"), name, more))


@query(allow=project_no_guests)
def list_concept_folders(unit: Unit, project_id: Id) -> bytes:
    """List the folders of concepts. Source: GET /data/projects/{project_id}/concept-folders."""
    return unit.docs("entity", "t.project_id = %s AND t.kind = 'concept_folder'", (project_id,), "t.name")


@command(allow=project_supervisors, status=201)
def create_concept_folder(unit: Unit, project_id: Id, *, name: str) -> dict[str, Any]:
    """Create a folder of concepts. Source: POST /data/projects/{project_id}/concept-folders."""
    return plain(unit, named_entity(unit, project_id, "ConceptFolder", name))


@command(allow=project_supervisors)
def move_concepts(
    unit: Unit, project_id: Id, *, concept_ids: list[Id], concept_folder_id: Id | None = None
) -> list[dict[str, Any]]:
    """Put concepts into a folder, or out of any. Source: POST /actions/projects/{project_id}/move-concepts."""
    folder = _parent(unit, project_id, concept_folder_id, "concept_folder")
    concepts = unit.many("entity", concept_ids).values()
    mine = [each for each in concepts if each["project_id"] == project_id and each["kind"] == "concept"]
    return [plain(unit, unit.update(each, {"parent_id": folder})) for each in mine]


def plain(unit: Unit, entity: Record) -> dict[str, Any]:
    """Return the wire form without relations."""
    found: dict[str, Any] = orjson.loads(unit.resource("entity").doc(entity))
    return found


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
