"""Who may see and move a task, as every service with the task's records (owned or replicated) asks it."""

from chassis.messages import ADMIN, CLIENT, MANAGER, SUPERVISOR, SYSTEM, VENDOR
from chassis.resources import Record
from chassis.unit import Unit
from contracts.access import role_in


def role_on(unit: Unit, task: Record) -> str | None:
    """Return the actor's role in the project of `task`, None for outsiders. Raises NotFound without a project."""
    if unit.actor.role in (SYSTEM, ADMIN):
        return ADMIN
    return role_in(unit, unit.need("project", task["project_id"]))


def supervises(unit: Unit, task_type_id: str | None) -> bool:
    """Tell whether a supervisor's departments cover the task type; none at all covers everything."""
    if not unit.actor.departments:
        return True
    task_type = unit.get("task_type", task_type_id)
    return task_type is not None and task_type["department_id"] in unit.actor.departments


def may_act(unit: Unit, task: Record) -> bool:
    """Tell whether the actor may comment on `task`, publish for it and change its status."""
    role = role_on(unit, task)
    if role in (ADMIN, MANAGER, CLIENT):
        return True
    if role is None:
        return False
    if unit.actor.person_id in (task["assignees"] or []):
        return True
    if role == SUPERVISOR and supervises(unit, task["task_type_id"]):
        return True
    entity = unit.get("entity", task["entity_id"])
    return entity is not None and bool(unit.actor.person_id) and entity["created_by"] == unit.actor.person_id


def works_on(unit: Unit, entity_id: str | None) -> bool:
    """Tell whether the actor has a task on the entity: what opens it to vendors."""
    where = "t.entity_id = %s AND t.assignees @> ARRAY[%s]::uuid[]"
    return bool(unit.actor.person_id) and unit.count("task", where, (entity_id, unit.actor.person_id)) > 0


def may_see_entity(unit: Unit, project_id: str | None, entity_id: str | None) -> bool:
    """Tell whether the actor may see an entity of a project: the team, vendors with a task on it."""
    role = role_in(unit, unit.need("project", project_id))
    return role is not None and (role != VENDOR or works_on(unit, entity_id))
