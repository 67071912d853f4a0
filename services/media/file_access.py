"""Who may list files and register them."""

from collections.abc import Mapping

from chassis.binding import is_uuid
from chassis.errors import Invalid
from chassis.messages import ADMIN, CLIENT, MANAGER, VENDOR
from chassis.policy import Policy
from chassis.resources import Record
from chassis.unit import Unit
from contracts.access import role_in
from contracts.task_access import may_see_entity

Path = Mapping[str, str]


def _needed(unit: Unit, kind: str, id_: str) -> Record:
    if not is_uuid(id_):
        raise Invalid("Wrong UUID format.")
    return unit.need(kind, id_)


def place_of(unit: Unit, path: Path) -> Record:
    """Return the entity that files are about: the temporal one, the entity, or the asset of an instance."""
    for key in ("temporal_entity_id", "entity_id"):
        if key in path:
            return _needed(unit, "entity", path[key])
    return unit.need("entity", _needed(unit, "asset_instance", path["asset_instance_id"])["asset_id"])


def _in_team(unit: Unit, path: Path) -> bool:
    entity = place_of(unit, path)
    return role_in(unit, unit.need("project", entity["project_id"])) not in (None, VENDOR)


def _sees(unit: Unit, path: Path) -> bool:
    entity = place_of(unit, path)
    return may_see_entity(unit, entity["project_id"], entity.id)


def _manages(unit: Unit, path: Path) -> bool:
    return role_in(unit, _needed(unit, "project", path["project_id"])) in (ADMIN, MANAGER)


def _of_file(unit: Unit, path: Path) -> Record:
    file = _needed(unit, "output_file", path.get("file_id") or path["instance_id"])
    return unit.need("entity", file["temporal_entity_id"] or file["entity_id"])


def _reads_file(unit: Unit, path: Path) -> bool:
    entity = _of_file(unit, path)
    return may_see_entity(unit, entity["project_id"], entity.id)


def _edits_file(unit: Unit, path: Path) -> bool:
    entity = _of_file(unit, path)
    if role_in(unit, unit.need("project", entity["project_id"])) in (ADMIN, MANAGER):
        return True
    where = "t.entity_id = %s AND t.assignees @> ARRAY[%s]::uuid[]"
    return bool(unit.actor.person_id and unit.count("task", where, (entity.id, unit.actor.person_id)))


entity_team = Policy("team of the entity's project, not vendor", _in_team)
entity_watchers = Policy("team of the entity, vendors with a task on it", _sees)
project_team = Policy("manager of the project", _manages)
file_readers = Policy("team of the file's project, vendors with a task on its entity", _reads_file)
file_editors = Policy("manager of the project, or assigned on the entity", _edits_file)
no_vendors = Policy("not vendor or client", lambda unit, path: unit.actor.role not in (VENDOR, CLIENT))
