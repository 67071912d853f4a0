"""Time people spend on tasks, in minutes."""

from collections.abc import Iterable
from datetime import date as day
from typing import Any, NamedTuple

from chassis.binding import Id
from chassis.errors import Forbidden, Invalid
from chassis.messages import ADMIN, MANAGER, SUPERVISOR
from chassis.operations import command, query
from chassis.policy import signed_in
from chassis.resources import Record
from chassis.unit import Unit
from services.tasks.policy import role_on, supervises, task_readers
from services.tasks.shapes import wire


class _Held(NamedTuple):
    """The rows of a task, and the one among them that is for a day of a person, if there is one."""

    task: Record
    all: list[Record]
    one: Record | None

    @property
    def others(self) -> list[Record]:
        """Return all rows but that one."""
        return [row for row in self.all if row is not self.one]


def _checked(unit: Unit, task_id: str, date: str, person_id: str) -> _Held:
    task = unit.need("task", task_id)
    try:
        wanted = day.fromisoformat(date)
    except ValueError:
        raise Invalid("Wrong date format.") from None
    role = role_on(unit, task)
    chief = role in (ADMIN, MANAGER) or (role == SUPERVISOR and supervises(unit, task["task_type_id"]))
    if person_id not in (task["assignees"] or []) or not (chief or person_id == unit.actor.person_id):
        unit.need("person", person_id)
        raise Forbidden
    rows = _rows_of(unit, task)
    one = (r for r in rows if r["person_id"] == person_id and day.fromisoformat(str(r["date"])[:10]) == wanted)
    return _Held(task, rows, next(one, None))


def _rows_of(unit: Unit, task: Record) -> list[Record]:
    return unit.find("time_spent", "t.task_id = %s", (task.id,), planned=True)


def _sum_up(unit: Unit, task: Record, rows: Iterable[Record]) -> None:
    unit.update(task, {"duration": float(sum(row["duration"] or 0 for row in rows))})


def sum_up(unit: Unit, task_id: str | None) -> None:
    """Set a task's duration to the sum of its rows."""
    task = unit.get("task", task_id)
    if task is not None:
        _sum_up(unit, task, _rows_of(unit, task))


def _set(unit: Unit, held: _Held, date: str, person_id: str, minutes: float) -> Record:
    if minutes <= 0:
        raise Invalid("Duration must be greater than 0.")
    task = held.task
    if held.one is not None:
        found = unit.update(held.one, {"duration": minutes})
    else:
        fields = {"task_id": task.id, "person_id": person_id, "date": date, "duration": minutes}
        found = unit.create("time_spent", fields, project_id=task["project_id"])
    _sum_up(unit, task, [found, *held.others])
    return found


@command(allow=signed_in, status=201)
def set_time_spent(unit: Unit, task_id: Id, date: str, person_id: Id, *, duration: float) -> Record:
    """Set a day's minutes. Source: POST /actions/tasks/{id}/time-spents/{date}/persons/{id}."""
    return _set(unit, _checked(unit, task_id, date, person_id), date, person_id, duration)


@command(allow=signed_in, status=201)
def add_time_spent(unit: Unit, task_id: Id, date: str, person_id: Id, *, duration: float) -> Record:
    """Add to a day's minutes. Source: POST …/persons/{id}/add."""
    held = _checked(unit, task_id, date, person_id)
    return _set(unit, held, date, person_id, duration + (held.one["duration"] if held.one else 0))


@command(allow=signed_in, status=201)
def remove_time_spent(unit: Unit, task_id: Id, date: str, person_id: Id) -> dict[str, Any]:
    """Remove a day's minutes; answers the row with duration 0. Source: DELETE …/persons/{id}."""
    held = _checked(unit, task_id, date, person_id)
    if held.one is None:
        return {"task_id": task_id, "person_id": person_id, "date": date, "duration": 0, "type": "TimeSpent"}
    unit.delete(held.one)
    _sum_up(unit, held.task, held.others)
    return {**wire(unit, held.one), "duration": 0}


def _by_person(unit: Unit, rows: list[Record]) -> dict[str, Any]:
    found: dict[str, Any] = {"total": sum(row["duration"] for row in rows)}
    for row in rows:
        found.setdefault(row["person_id"], []).append(wire(unit, row))
    return found


@query(allow=task_readers)
def get_task_time_spents(unit: Unit, task_id: Id) -> dict[str, Any]:
    """Return {total, <person>: rows}. Source: GET /actions/tasks/{id}/time-spents."""
    return _by_person(unit, unit.find("time_spent", "t.task_id = %s", (task_id,), "t.date"))


@query(allow=task_readers)
def get_task_time_spents_of_day(unit: Unit, task_id: Id, date: str) -> dict[str, Any]:
    """Return {total, <person>: rows} of one day. Source: GET /actions/tasks/{id}/time-spents/{date}."""
    return _by_person(unit, unit.find("time_spent", "t.task_id = %s AND t.date = %s", (task_id, date)))


@query(allow=signed_in)
def list_my_time_spents(unit: Unit, *, start_date: str | None = None, end_date: str | None = None) -> bytes:
    """Return the caller's rows. Source: GET /data/user/time-spents."""
    where = "t.person_id = %s AND t.date >= %s AND t.date <= %s"
    args = (unit.actor.person_id, start_date or "0001-01-01", end_date or "9999-12-31")
    return unit.docs("time_spent", where, args, "t.date")


@query(allow=signed_in)
def list_my_time_spents_of_day(unit: Unit, date: str) -> bytes:
    """Return the caller's rows of one day. Source: GET /data/user/time-spents/{date}."""
    return unit.docs("time_spent", "t.person_id = %s AND t.date = %s", (unit.actor.person_id, date), "t.created_at")
