"""Who may see and change entities: policies over the entity or project that a path names."""

from collections.abc import Mapping
from typing import Any

from chassis.binding import is_uuid
from chassis.errors import Forbidden, Invalid, NotFound
from chassis.messages import ADMIN, CLIENT, MANAGER, SUPERVISOR, VENDOR
from chassis.policy import Policy
from chassis.resources import Record
from chassis.unit import Unit
from contracts.access import NO_ONE, my_projects, project_of, role_in
from contracts.task_access import may_see_entity

Path = Mapping[str, str]
KINDS = ("asset", "shot", "sequence", "episode", "scene", "edit", "concept")


def entity_of(unit: Unit, path: Path) -> Record:
    """Return the entity a path names; `shot_id` must name a shot, and so on. Raises NotFound and Invalid."""
    key = next((k for k in ("entity_id", *(f"{kind}_id" for kind in KINDS)) if k in path), "instance_id")
    if not is_uuid(path[key]):
        raise Invalid("Malformed ID." if key == "instance_id" else "Wrong UUID format.")
    entity = unit.need("entity", path[key])
    kind = key.removesuffix("_id")
    if kind in KINDS and entity["kind"] != kind:
        raise NotFound
    return entity


def entity_role(unit: Unit, path: Path) -> str | None:
    """Return the actor's role in the project of the entity."""
    return role_in(unit, unit.need("project", entity_of(unit, path)["project_id"]))


def _sees(unit: Unit, path: Path) -> bool:
    entity = entity_of(unit, path)
    return may_see_entity(unit, entity["project_id"], entity.id)


def _owns(unit: Unit, path: Path) -> bool:
    role = entity_role(unit, path)
    mine = entity_of(unit, path)["created_by"] == unit.actor.person_id
    return role in (ADMIN, MANAGER) or (role is not None and bool(unit.actor.person_id) and mine)


def inside(unit: Unit, path: Path, *keys: str) -> None:
    """Raise Forbidden when one of the entities that a path names lies in another project than the path's."""
    for key in keys:
        if key in path and unit.need("entity", path[key])["project_id"] != path["project_id"]:
            raise Forbidden


def project_role(unit: Unit, path: Path) -> str | None:
    """Return the actor's role in the project that a path names."""
    return role_in(unit, project_of(unit, path))


entity_readers = Policy("team of the entity, vendors with a task on it", _sees)
entity_team = Policy("team of the entity", lambda unit, path: entity_role(unit, path) is not None)
entity_owners = Policy("creator of the entity or manager", _owns)
entity_managers = Policy(
    "manager of the entity's project", lambda unit, path: entity_role(unit, path) in (ADMIN, MANAGER)
)
entity_no_vendors = Policy(
    "team of the entity, not vendor", lambda unit, path: entity_role(unit, path) not in (None, VENDOR)
)
project_no_vendors = Policy(
    "project team, not vendor", lambda unit, path: project_role(unit, path) not in (None, VENDOR)
)
project_no_clients = Policy(
    "project team, not client", lambda unit, path: project_role(unit, path) not in (None, CLIENT)
)
project_no_guests = Policy(
    "project team, neither vendor nor client", lambda unit, path: project_role(unit, path) not in (None, VENDOR, CLIENT)
)
project_supervisors = Policy(
    "supervisor or manager of the project",
    lambda unit, path: project_role(unit, path) in (ADMIN, MANAGER, SUPERVISOR),
)


def visible_entities(unit: Unit) -> tuple[str, list[Any]] | None:
    """Return the SQL over entity alias t that limits lists to what the actor may see; None for everything."""
    limits = my_projects(unit)
    if limits and unit.actor.role == VENDOR:
        mine = "EXISTS (SELECT 1 FROM task w WHERE w.entity_id = t.id AND w.assignees @> ARRAY[%s]::uuid[])"
        return f"{limits[0]} AND {mine}", [*limits[1], unit.actor.person_id or NO_ONE]
    return limits
