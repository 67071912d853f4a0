"""Changing and removing entities: merged data, kept versions, canceling first, erasing with what hangs on it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from chassis.binding import Id, is_uuid
from chassis.crud import Crud, expect_version
from chassis.errors import BadRequest, Forbidden, Refused
from chassis.messages import ADMIN, MANAGER, SUPERVISOR, SYSTEM
from chassis.operations import command
from chassis.policy import managers, signed_in
from chassis.resources import Fields, Record
from chassis.unit import Unit
from contracts import production as kinds
from contracts.access import project_team, role_in
from contracts.production import entity_noun
from services.production.access import (
    entity_managers,
    entity_of,
    entity_owners,
    visible_entities,
)
from services.production.entity_pages import document

SAME_EDIT, LONGEST_EDIT = timedelta(seconds=60), timedelta(minutes=5)
BLOCKED = "The change conflicts with records referencing this one."


def before_update(unit: Unit, entity: Record, changes: Fields) -> Mapping[str, Any]:
    """Merge `data`, refuse taken names, keep a version of changed shots. Source: PUT /data/entities/{instance_id}."""
    role = role_in(unit, unit.need("project", entity["project_id"])) if unit.actor.role != SYSTEM else ADMIN
    mine = bool(unit.actor.person_id) and entity["created_by"] == unit.actor.person_id
    if role not in (ADMIN, MANAGER) and not (role is not None and mine):
        if role != SUPERVISOR:
            raise Forbidden
        changes = {"data": _own_columns(unit, entity, changes.get("data"))}
    if isinstance(changes.get("data"), dict):
        changes["data"] = {**(entity["data"] or {}), **changes["data"]}
    if changes.get("name") == "":
        raise Refused("A required field is missing.")
    if any(changes.get(key, entity[key]) != entity[key] for key in ("name", "parent_id", "entity_type_id")):
        _refuse_twin(unit, entity, changes)
    if entity["kind"] == "shot":
        _keep_version(unit, entity, changes)
    if changes.get("entity_type_id"):
        changes["kind"] = kinds.entity_kind(unit.need("entity_type", changes["entity_type_id"])["name"])
    return changes


def _own_columns(unit: Unit, entity: Record, data: Any) -> Fields:
    """Return the keys of `data` whose columns belong to the supervisor's departments; all when they have none."""
    if not isinstance(data, dict):
        raise Forbidden
    if not unit.actor.departments:
        return data
    where = "t.project_id = %s AND t.departments && %s::uuid[]"
    columns = unit.find("metadata_descriptor", where, (entity["project_id"], list(unit.actor.departments)))
    return {key: value for key, value in data.items() if key in {column["field_name"] for column in columns}}


def _refuse_twin(unit: Unit, entity: Record, changes: Fields) -> None:
    after = {key: changes.get(key, entity[key]) for key in ("name", "parent_id", "entity_type_id")}
    where = (
        't.project_id = %s AND t."name" = %s AND t.entity_type_id = %s AND t.parent_id IS NOT DISTINCT FROM %s '
        "AND t.id <> %s"
    )
    args = (entity["project_id"], after["name"], after["entity_type_id"], after["parent_id"], entity.id)
    if unit.count("entity", where, args):
        raise BadRequest("A record with the same unique values already exists.")


def _keep_version(unit: Unit, shot: Record, changes: Fields) -> None:
    """Keep the shot as it was when frames or name change; quick edits of one person fold into one version."""
    before, after = shot["data"] or {}, changes.get("data") or shot["data"] or {}
    moved = any(before.get(key) != after.get(key) for key in ("frame_in", "frame_out"))
    if not moved and changes.get("name", shot["name"]) == shot["name"]:
        return
    data = {key: before.get(key) for key in ("frame_in", "frame_out")}
    last = unit.first("entity_version", "t.entity_id = %s", (shot.id,), "t.created_at DESC")
    if last is not None and last["person_id"] == unit.actor.person_id:
        fresh = unit.now - _moment(last.updated_at) < SAME_EDIT
        if fresh and unit.now - _moment(last.created_at) < LONGEST_EDIT:
            unit.note(last, name="production.entity-version-folded", live=[])
            return
    fields = {"name": shot["name"], "data": {**data, "name": shot["name"]}, "entity_id": shot.id}
    unit.create("entity_version", {**fields, "person_id": unit.actor.person_id}, project_id=shot.project_id, live=[])


def _moment(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


CRUD = Crud(
    kinds.ENTITY,
    read=signed_in,
    update=signed_in,
    delete=managers,
    visible=visible_entities,
    before_update=before_update,
    only=("list", "get", "update"),
)


@command(allow=entity_managers)
def update_shot(unit: Unit, shot_id: Id, *, body: Any) -> dict[str, Any]:
    """Change a shot's name, description, frames, data, sequence or cancellation. Source: PUT /data/shots/{shot_id}."""
    shot = unit.need("entity", shot_id)
    expect_version(unit, shot)
    wanted = ("name", "description", "nb_frames", "data", "parent_id", "canceled")
    given = {key: value for key, value in (body or {}).items() if key in wanted and value is not None}
    changes = dict(before_update(unit, shot, CRUD.checked(unit, given, creating=False)))
    return {**document(unit, unit.update(shot, changes), relations=False), "type": "Entity"}


# Removing


def _ids(entity: Record) -> dict[str, Any]:
    key = f"{entity_noun(entity.fields).replace('-', '_')}_id"
    return {key: entity.id, "project_id": entity.project_id}


def erase(unit: Unit, entity: Record) -> None:
    """Erase an entity with its children, links and instances; tasks and previews follow by their services."""
    for child in unit.find("entity", "t.parent_id = %s", (entity.id,)):
        erase(unit, child)
    for asset in unit.find("entity", "t.source_id = %s", (entity.id,)):
        unit.update(asset, {"source_id": None})
    for link in unit.find("entity_link", "t.entity_in_id = %s OR t.entity_out_id = %s", (entity.id, entity.id)):
        unit.delete(link, live=[])
    where = "t.asset_id = %s OR t.scene_id = %s OR t.target_asset_id = %s"
    for instance in unit.find("asset_instance", where, (entity.id,) * 3):
        unit.delete(instance, live=[])
    for version in unit.find("entity_version", "t.entity_id = %s", (entity.id,)):
        unit.delete(version, live=[])
    unit.delete(entity, live=[(f"{entity_noun(entity.fields)}:delete", _ids(entity))])


def remove(unit: Unit, entity: Record, *, force: bool) -> None:
    """Cancel an entity that has tasks; erase it without tasks, once canceled, or by force."""
    kept = not force and not entity["canceled"] and entity["kind"] in ("asset", "shot", "edit", "concept")
    if kept and unit.count("task", "t.entity_id = %s", (entity.id,)):
        unit.update(entity, {"canceled": True}, name="production.entity-canceled")
        return
    erase(unit, entity)


def _remove(unit: Unit, entity_id: str) -> None:
    remove(unit, unit.need("entity", entity_id), force=unit.request.truth("force"))


@command(allow=entity_owners)
def delete_asset(unit: Unit, asset_id: Id) -> None:
    """Cancel or erase an asset. Source: DELETE /data/assets/{asset_id}."""
    _remove(unit, asset_id)


@command(allow=entity_owners)
def delete_shot(unit: Unit, shot_id: Id) -> None:
    """Cancel or erase a shot. Source: DELETE /data/shots/{shot_id}."""
    _remove(unit, shot_id)


@command(allow=entity_owners)
def delete_edit(unit: Unit, edit_id: Id) -> None:
    """Cancel or erase an edit. Source: DELETE /data/edits/{edit_id}."""
    _remove(unit, edit_id)


@command(allow=entity_owners)
def delete_concept(unit: Unit, concept_id: Id) -> None:
    """Cancel or erase a concept. Source: DELETE /data/concepts/{concept_id}."""
    _remove(unit, concept_id)


@command(allow=entity_owners)
def delete_scene(unit: Unit, scene_id: Id) -> None:
    """Erase a scene, or cancel it while shots or instances refer to it. Source: DELETE /data/scenes/{scene_id}."""
    scene = unit.need("entity", scene_id)
    used = unit.count("asset_instance", "t.scene_id = %s", (scene_id,)) or unit.count(
        "entity", "t.source_id = %s", (scene_id,)
    )
    if used and not scene["canceled"]:
        live = [("scene:delete", _ids(scene))]
        unit.update(scene, {"canceled": True}, name="production.entity-canceled", live=live)
        return
    erase(unit, scene)


def _remove_parent(unit: Unit, entity_id: str) -> None:
    force = unit.request.truth("force")
    if not force and unit.count("entity", "t.parent_id = %s OR t.source_id = %s", (entity_id, entity_id)):
        raise Refused(BLOCKED)
    erase(unit, unit.need("entity", entity_id))


@command(allow=entity_owners)
def delete_sequence(unit: Unit, sequence_id: Id) -> None:
    """Erase a sequence; `force` takes its shots along. Source: DELETE /data/sequences/{sequence_id}."""
    _remove_parent(unit, sequence_id)


@command(allow=entity_owners)
def delete_episode(unit: Unit, episode_id: Id) -> None:
    """Erase an episode; `force` takes its sequences along. Source: DELETE /data/episodes/{episode_id}."""
    _remove_parent(unit, episode_id)


@command(allow=signed_in, wrong_id="Malformed ID.")
def delete_entity(unit: Unit, instance_id: Id) -> None:
    """Cancel or erase an entity of any kind. Source: DELETE /data/entities/{instance_id}."""
    entity = entity_of(unit, {"instance_id": instance_id})
    entity_owners(unit, {"entity_id": instance_id})
    expect_version(unit, entity)
    if unit.count("entity", "t.parent_id = %s", (entity.id,)) and not unit.request.truth("force"):
        raise Refused(BLOCKED)
    remove(unit, entity, force=unit.request.truth("force"))


@command(allow=project_team)
def delete_entities(unit: Unit, project_id: Id, *, body: Any) -> list[str]:
    """Cancel or erase many; return the ids handled. Source: POST /actions/projects/{project_id}/delete-entities."""
    ids = body.get("entity_ids") if isinstance(body, dict) else body
    if not isinstance(ids, list):
        raise BadRequest("The body must be a list of entity ids.")
    manager = role_in(unit, unit.need("project", project_id)) in (ADMIN, MANAGER)
    handled = []
    for id_, entity in unit.many("entity", [each for each in ids if is_uuid(each)]).items():
        mine = bool(unit.actor.person_id) and entity["created_by"] == unit.actor.person_id
        if entity["project_id"] == project_id and (manager or mine):
            remove(unit, entity, force=unit.request.truth("force"))
            handled.append(id_)
    return [id_ for id_ in ids if id_ in handled]


# Shared assets
