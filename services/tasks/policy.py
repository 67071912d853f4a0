"""Who may act on tasks, in the words of the studio."""

from collections.abc import Mapping, Sequence

from chassis.errors import NotFound
from chassis.messages import ADMIN, MANAGER, SUPERVISOR, SYSTEM, VENDOR
from chassis.policy import Policy
from chassis.resources import Record
from chassis.unit import Unit
from contracts.access import NO_ONE, my_projects
from contracts.task_access import may_act, role_on, supervises, works_on


def may_see(unit: Unit, task: Record) -> bool:
    """Tell whether the actor may read `task`: the team, vendors only when assigned."""
    role = role_on(unit, task)
    return role is not None and (role != VENDOR or works_on(unit, task["entity_id"]))


def may_direct(unit: Unit, task: Record) -> bool:
    """Tell whether the actor may assign people to `task`: managers and supervisors of its department."""
    role = role_on(unit, task)
    return role in (ADMIN, MANAGER) or (role == SUPERVISOR and supervises(unit, task["task_type_id"]))


def _task(unit: Unit, path: Mapping[str, str]) -> Record:
    task = unit.get("task", path.get("task_id") or path.get("instance_id"))
    if task is None:
        raise NotFound
    return task


task_readers = Policy("team of the task", lambda unit, path: may_see(unit, _task(unit, path)))
task_actors = Policy("may act on the task", lambda unit, path: may_act(unit, _task(unit, path)))
task_directors = Policy("managers or department supervisors", lambda unit, path: may_direct(unit, _task(unit, path)))
task_managers = Policy(
    "managers of the task's project", lambda unit, path: role_on(unit, _task(unit, path)) in (ADMIN, MANAGER)
)


def visible_tasks(unit: Unit) -> tuple[str, Sequence[str]] | None:
    """Return the SQL over task alias t that limits lists to what the actor may see; None for everything."""
    if unit.actor.role == SYSTEM:
        return None
    limits = my_projects(unit)
    if limits and unit.actor.role == VENDOR:
        return f"{limits[0]} AND t.assignees @> ARRAY[%s]::uuid[]", [*limits[1], unit.actor.person_id or NO_ONE]
    return limits


__all__ = ["may_act", "may_direct", "may_see", "role_on", "supervises", "task_readers", "visible_tasks"]
