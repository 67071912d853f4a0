"""Time spent: minutes of a person on a task on a day; the task keeps the sum."""

from datetime import date as day
from typing import Annotated, Any

import msgspec

from chassis.binding import Id
from chassis.errors import Invalid
from chassis.messages import ADMIN, MANAGER
from chassis.operations import command, query
from chassis.policy import Policy
from chassis.resources import Record
from chassis.unit import Unit
from contracts.access import project_of, project_team, role_in

Minutes = Annotated[float, msgspec.Meta(gt=0)]
bookers = Policy(
    "oneself, or manager of the project",
    lambda unit, path: (
        (role := role_in(unit, project_of(unit, path))) in (ADMIN, MANAGER)
        or (role is not None and unit.actor.person_id == path["person_id"])
    ),
)


def _book(unit: Unit, task_id: str, date: str, person_id: str, minutes: float, *, add: bool) -> Record:
    task = unit.need("task", task_id)
    if person_id not in (task["assignees"] or []):
        raise Invalid("The person is not assigned to this task.")
    where = "t.task_id = %s AND t.person_id = %s AND t.date = %s"
    known = unit.first("time_spent", where, (task_id, person_id, date))
    if known is None:
        fields = {"task_id": task_id, "person_id": person_id, "date": date, "duration": minutes}
        booked = unit.create("time_spent", fields, project_id=task.project_id)
    else:
        booked = unit.update(known, {"duration": minutes + (known["duration"] if add else 0)})
    _sum_up(unit, task)
    return booked


def _sum_up(unit: Unit, task: Record) -> None:
    rows = unit.rows("SELECT coalesce(sum(duration), 0) FROM time_spent WHERE task_id = %s", (task.id,))
    unit.update(task, {"duration": rows[0][0]})


@command(allow=bookers, status=201)
def set_time_spent(unit: Unit, task_id: Id, date: day, person_id: Id, *, duration: Minutes) -> Record:
    """Set the minutes of a day. Source: POST /actions/tasks/{task_id}/time-spents/{date}/persons/{person_id}."""
    return _book(unit, task_id, str(date), person_id, duration, add=False)


@command(allow=bookers, status=201)
def add_time_spent(unit: Unit, task_id: Id, date: day, person_id: Id, *, duration: Minutes) -> Record:
    """Add minutes to a day. Source: POST /actions/tasks/{task_id}/time-spents/{date}/persons/{person_id}/add."""
    return _book(unit, task_id, str(date), person_id, duration, add=True)


@query(allow=project_team)
def get_task_time_spents(unit: Unit, task_id: Id) -> dict[str, Any]:
    """Return the time spent on a task by person, and the total. Source: GET /actions/tasks/{task_id}/time-spents."""
    found: dict[str, Any] = {"total": 0}
    resource = unit.resource("time_spent")
    for row in unit.find("time_spent", "t.task_id = %s", (task_id,), "t.date"):
        found["total"] += row["duration"]
        found.setdefault(row["person_id"], []).append(msgspec.json.decode(resource.doc(row)))
    return found
