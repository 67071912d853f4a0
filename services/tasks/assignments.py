"""Who works on what."""

from typing import Any

from chassis.binding import Id, is_uuid
from chassis.errors import Invalid, NotFound
from chassis.operations import command
from chassis.policy import nobody, signed_in
from chassis.resources import Record
from chassis.unit import Unit
from services.tasks.policy import may_direct, role_on, task_directors
from services.tasks.shapes import wire
from services.tasks.telling import notify


def _assign(unit: Unit, task: Record, person_id: str) -> Record:
    held = list(task["assignees"] or [])
    if person_id in held:
        return task
    payload = {"task_id": task.id, "person_id": person_id, "project_id": task["project_id"]}
    update = ("task:update", {"task_id": task.id, "project_id": task["project_id"]})
    changes: dict[str, Any] = {"assignees": [*held, person_id]}
    task = unit.update(task, changes, name="tasks.task-assigned", live=[("task:assign", payload), update])
    notify(unit, "assignation", [person_id], task)
    return task


def _join_team(unit: Unit, project_id: str, person_id: str) -> None:
    project = unit.get("project", project_id)
    if project is not None and person_id not in (project["team"] or []):
        unit.ask("production.add_to_team", {"project_id": project_id}, {"person_id": person_id})


@command(allow=task_directors)
def assign_task(unit: Unit, task_id: Id, *, person_id: str) -> Record:
    """Assign one person; who is not in the team joins it. Source: PUT /actions/tasks/{id}/assign."""
    task = unit.need("task", task_id)
    if not is_uuid(person_id) or unit.get("person", person_id) is None:
        raise Invalid("Assignee doesn't exist in database.")
    _join_team(unit, task["project_id"], person_id)
    return _assign(unit, task, person_id)


@command(allow=nobody)
def assign_worker(unit: Unit, task_id: Id, *, person_id: Id) -> Record:
    """Assign who saves files for a task; the team stays as it is. Asked by media."""
    return _assign(unit, unit.need("task", task_id), person_id)


@command(allow=signed_in)
def assign_tasks(unit: Unit, person_id: Id, *, task_ids: list[str]) -> list[dict[str, Any]]:
    """Assign many tasks to one person, leaving out those the caller may not touch.

    Artists may take tasks themselves. Source: PUT /actions/persons/{id}/assign
    """
    if unit.get("person", person_id) is None:
        raise NotFound
    known = unit.many("task", [i for i in task_ids if is_uuid(i)])
    found = []
    for task_id in task_ids:
        task = known.get(task_id)
        if task is None:
            continue
        myself = person_id == unit.actor.person_id and role_on(unit, task) is not None
        if may_direct(unit, task) or myself:
            _join_team(unit, task["project_id"], person_id)
            found.append(wire(unit, _assign(unit, task, person_id), relations=True))
    return found


@command(allow=signed_in)
def clear_assignation(unit: Unit, *, task_ids: list[str], person_id: str | None = None) -> list[str]:
    """Take one person, or everybody, off tasks; returns the ids changed. Source: PUT …/clear-assignation."""
    found = []
    for task in unit.many("task", [i for i in task_ids if is_uuid(i)]).values():
        if not may_direct(unit, task) and person_id != unit.actor.person_id:
            continue
        held = list(task["assignees"] or [])
        gone = [p for p in held if person_id is None or p == person_id]
        base = {"task_id": task.id, "project_id": task["project_id"]}
        live = [("task:unassign", {**base, "person_id": p}) for p in gone]
        changes = {"assignees": [p for p in held if p not in gone]}
        unit.update(task, changes, name="tasks.task-unassigned", live=[*live, ("task:update", base)])
        found.append(task.id)
    return found


@command(allow=task_directors)
def unassign_task(unit: Unit, task_id: Id, *, person_id: str) -> Record:
    """Take one person off a task. Source: PUT /actions/tasks/{id}/unassign."""
    clear_assignation(unit, task_ids=[task_id], person_id=person_id)
    return unit.need("task", task_id)
