"""Who may list files and register them."""

from collections.abc import Mapping

from chassis.binding import is_uuid
from chassis.errors import Invalid
from chassis.messages import ADMIN, MANAGER, VENDOR
from chassis.policy import Policy
from chassis.resources import Record
from chassis.unit import Unit
from contracts.access import NO_ONE, role_in
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


def _knows_instance(unit: Unit, path: Path) -> bool:
    """Tell whether the instance that a path may name is of an asset that is shared or of the actor's projects."""
    if "asset_instance_id" not in path:
        return True
    asset = unit.need("entity", _needed(unit, "asset_instance", path["asset_instance_id"])["asset_id"])
    return bool(asset["is_shared"]) or role_in(unit, unit.need("project", asset["project_id"])) is not None


def _in_team(unit: Unit, path: Path) -> bool:
    entity = place_of(unit, path)
    role = role_in(unit, unit.need("project", entity["project_id"]))
    return role not in (None, VENDOR) and _knows_instance(unit, path)


def _sees(unit: Unit, path: Path) -> bool:
    entity = place_of(unit, path)
    return may_see_entity(unit, entity["project_id"], entity.id) and _knows_instance(unit, path)


def _manages(unit: Unit, path: Path) -> bool:
    # An unknown project is an empty list for admins, and 404 for everybody else.
    return unit.actor.role == ADMIN or role_in(unit, _needed(unit, "project", path["project_id"])) == MANAGER


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


TEAM = "SELECT p.id FROM project p WHERE p.team @> ARRAY[%s]::uuid[]"
OPEN = "p.project_status_id IN (SELECT s.id FROM project_status s WHERE s.name = 'Open')"


def my_working_files(unit: Unit) -> tuple[str, list[str]] | None:
    """Return the SQL that limits working files (alias t) to the actor's projects; None for admins."""
    return _mine(unit, TEAM)


def my_output_files(unit: Unit) -> tuple[str, list[str]] | None:
    """Return the SQL that limits output files (alias t) to the actor's open projects; None for admins."""
    return _mine(unit, f"{TEAM} AND {OPEN}")


def _mine(unit: Unit, projects: str) -> tuple[str, list[str]] | None:
    if unit.actor.role == ADMIN:
        return None
    # By the entity, as files from the generic routes carry no project.
    where = f"t.entity_id IN (SELECT e.id FROM entity e WHERE e.project_id IN ({projects}))"
    return where, [unit.actor.person_id or NO_ONE]
