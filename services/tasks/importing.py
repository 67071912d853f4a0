"""What imports bring in: tasks with statuses, comments and assignments, and estimations, in bulk."""

from typing import Any

from chassis.binding import Id
from chassis.crud import stored
from chassis.operations import command
from chassis.policy import nobody
from chassis.resources import Record, wire_datetime
from chassis.unit import Unit
from services.tasks.comments import post
from services.tasks.definitions import default_status
from services.tasks.progress import step


@command(allow=nobody)
def import_tasks(unit: Unit, project_id: Id, *, body: Any) -> dict[str, int]:
    """Create or change tasks: {rows: [{entity_id, task_type_id, task_status_id?, comment?, assignees?}]}.

    A known task gets another status by a comment, as people give it. Returns {created, changed}.
    """
    rows = body["rows"]
    known = _known(unit, rows)
    statuses = {record.id: record for record in unit.find("task_status")}
    default = default_status(unit)
    team = set(unit.need("project", project_id)["team"] or [])
    new, author = 0, unit.person_id
    for row in rows:
        status = statuses.get(row.get("task_status_id") or "") or default
        task = known.get((row["entity_id"], row["task_type_id"]))
        if task is None:
            task = known[(row["entity_id"], row["task_type_id"])] = _made(unit, project_id, row, status)
            new += 1
            changed = False
        else:
            changed = bool(row.get("task_status_id")) and task["task_status_id"] != row["task_status_id"]
        if status is not None and author and (changed or row.get("comment")):
            target = status if row.get("task_status_id") else statuses.get(task["task_status_id"], status)
            post(unit, task, target, author, {"comment": row.get("comment") or ""})
        _assign(unit, project_id, task.id, row.get("assignees") or [], team)
    return {"created": new, "changed": len(rows) - new}


def _known(unit: Unit, rows: list[dict[str, Any]]) -> dict[tuple[str, str], Record]:
    ids = sorted({row["entity_id"] for row in rows})
    found = unit.find("task", "t.entity_id = ANY(%s::uuid[])", (ids,), "t.created_at DESC")
    return {(task["entity_id"], task["task_type_id"]): task for task in found}


def _made(unit: Unit, project_id: str, row: dict[str, Any], status: Record | None) -> Record:
    fields: dict[str, Any] = {
        "name": "main",
        "project_id": project_id,
        "entity_id": row["entity_id"],
        "task_type_id": row["task_type_id"],
    }
    if status is not None:
        at = wire_datetime(unit.now) or ""
        dates = step(fields, status.fields, status.id, at) if row.get("task_status_id") else {}
        dates.pop("last_comment_date", None)
        fields.update({"task_status_id": status.id, **dates})
    return unit.create("task", fields)


def _assign(unit: Unit, project_id: str, task_id: str, people: list[str], team: set[str]) -> None:
    task = unit.need("task", task_id)
    held = list(task["assignees"] or [])
    for person_id in people:
        if person_id not in team:
            unit.ask("production.add_to_team", {"project_id": project_id}, {"person_id": person_id})
            team.add(person_id)
        if person_id in held:
            continue
        held.append(person_id)
        ids = {"task_id": task.id, "person_id": person_id, "project_id": project_id}
        update = ("task:update", {"task_id": task.id, "project_id": project_id})
        live = [("task:assign", ids), update]
        task = unit.update(task, {"assignees": list(held)}, name="tasks.task-assigned", live=live)


@command(allow=nobody)
def import_estimations(unit: Unit, project_id: Id, *, body: Any) -> None:
    """Set planning of tasks: {rows: [{task_id, changes}]}."""
    fields = unit.resource("task").by_name
    tasks = unit.many("task", [row["task_id"] for row in body["rows"]])
    for row in body["rows"]:
        task = tasks.get(row["task_id"])
        if task is not None and task["project_id"] == project_id:
            unit.update(task, {name: stored(fields[name], value) for name, value in row["changes"].items()})
