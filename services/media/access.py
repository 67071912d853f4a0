"""Who may see and publish files: policies over the task, the entity or the project that a path names."""

from collections.abc import Mapping

from chassis.binding import is_uuid
from chassis.errors import Invalid
from chassis.messages import ADMIN, CLIENT, MANAGER, SUPERVISOR, VENDOR
from chassis.policy import Policy
from chassis.resources import Record
from chassis.unit import Unit
from contracts.access import role_in
from contracts.task_access import may_act, may_see_entity, role_on, supervises

Path = Mapping[str, str]


def task_of(unit: Unit, path: Path) -> Record:
    """Return the task that a request is about, named itself or by its preview. Raises NotFound and Invalid."""
    if "task_id" in path:
        return unit.need("task", path["task_id"])
    return unit.need("task", preview_of(unit, path)["task_id"])


def preview_of(unit: Unit, path: Path) -> Record:
    """Return the preview file that a path names. Raises NotFound and Invalid."""
    id_ = path.get("preview_file_id") or path.get("instance_id") or ""
    if not is_uuid(id_):
        raise Invalid("Malformed ID.")
    return unit.need("preview_file", id_)


def may_see_preview(unit: Unit, preview: Record) -> bool:
    """Tell whether the actor may see a preview: the team, vendors with a task, all but vendors for shared assets."""
    if unit.actor.role == ADMIN:
        return True
    project = unit.get("project", preview.project_id)
    if project is not None and role_in(unit, project) not in (None, VENDOR):
        return True
    task = unit.need("task", preview["task_id"])
    if may_see_entity(unit, task["project_id"], task["entity_id"]):
        return True
    entity = unit.get("entity", task["entity_id"])
    shared = entity is not None and entity["is_shared"] and entity["preview_file_id"] == preview.id
    return bool(shared) and unit.actor.role != VENDOR


def _sees_task(unit: Unit, path: Path) -> bool:
    task = task_of(unit, path)
    return may_see_entity(unit, task["project_id"], task["entity_id"])


def _directs(unit: Unit, path: Path) -> bool:
    task = task_of(unit, path)
    role = role_on(unit, task)
    return role in (ADMIN, MANAGER, CLIENT) or (role == SUPERVISOR and supervises(unit, task["task_type_id"]))


def _edits(unit: Unit, path: Path) -> bool:
    task = task_of(unit, path)
    role = role_on(unit, task)
    assigned = role is not None and unit.actor.person_id in (task["assignees"] or [])
    supervisor = role == SUPERVISOR and supervises(unit, task["task_type_id"])
    return role in (ADMIN, MANAGER) or assigned or supervisor


viewers = Policy("team of the preview's project", lambda unit, path: may_see_preview(unit, preview_of(unit, path)))
task_viewers = Policy("team of the task, vendors with a task on its entity", _sees_task)
publishers = Policy(
    "assignee, creator, supervisor, manager or client", lambda unit, path: may_act(unit, task_of(unit, path))
)
annotators = Policy("manager, client or department supervisor", _directs)
editors = Policy("manager, assignee or department supervisor", _edits)
preview_managers = Policy(
    "manager of the preview's project", lambda unit, path: role_on(unit, task_of(unit, path)) in (ADMIN, MANAGER)
)
choosers = Policy(
    "team of the task, no client",
    lambda unit, path: _sees_task(unit, path) and role_on(unit, task_of(unit, path)) != CLIENT,
)


def _entity_id(path: Path) -> str:
    id_ = next(path[key] for key in ("entity_id", "shot_id", "edit_id", "concept_id") if key in path)
    if not is_uuid(id_):
        raise Invalid("Wrong UUID format.")
    return id_


def entity_of(unit: Unit, path: Path) -> Record:
    """Return the entity that a path names; `shot_id` must name a shot, and so on. Raises NotFound and Invalid."""
    entity = unit.need("entity", _entity_id(path))
    for kind in ("shot", "edit", "concept"):
        if f"{kind}_id" in path and entity["kind"] != kind:
            return unit.need("entity", None)
    return entity


def _sees_entity(unit: Unit, path: Path) -> bool:
    entity = entity_of(unit, path)
    return may_see_entity(unit, entity["project_id"], entity.id)


entity_viewers = Policy("team of the entity, vendors with a task on it", _sees_entity)


def _project_role(unit: Unit, path: Path) -> str | None:
    if not is_uuid(path["project_id"]):
        raise Invalid("Wrong UUID format.")
    return role_in(unit, unit.need("project", path["project_id"]))


project_no_vendors = Policy(
    "project team, not vendor", lambda unit, path: _project_role(unit, path) not in (None, VENDOR)
)
