"""The hours that a person took, by day, week, month and year."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from chassis.binding import Id, is_uuid
from chassis.errors import Invalid
from chassis.messages import ADMIN, MANAGER, SUPERVISOR
from chassis.operations import query
from chassis.policy import Policy
from chassis.resources import Record
from chassis.unit import Unit
from contracts.access import NO_ONE
from services.tasks.day_offs import period

DETAILS = """
SELECT t.task_id::text, w.task_type_id::text, w.project_id::text, p.name, e.name, et.name,
    CASE WHEN e.kind = 'shot' THEN up.name END, CASE WHEN e.kind = 'shot' THEN top.name END, sum(t.duration)
FROM time_spent t JOIN task w ON w.id = t.task_id JOIN project p ON p.id = w.project_id
    LEFT JOIN entity e ON e.id = w.entity_id LEFT JOIN entity_type et ON et.id = e.entity_type_id
    LEFT JOIN entity up ON up.id = e.parent_id LEFT JOIN entity top ON top.id = up.parent_id
WHERE t.person_id = %s AND t.date BETWEEN %s AND %s {more}
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY p.name, e.name
"""


KEYS = ("task_id", "task_type_id", "project_id", "project_name", "entity_name", "entity_type_name", "sequence_name",
        "episode_name", "duration")  # fmt: skip


def _person_of(unit: Unit, path: Mapping[str, str]) -> Record:
    if not is_uuid(path["person_id"]):
        raise Invalid("Wrong UUID format.")
    return unit.need("person", path["person_id"])


def _may_read(unit: Unit, path: Mapping[str, str]) -> bool:
    person, actor = _person_of(unit, path), unit.actor
    if person["is_bot"]:
        return False
    if actor.role in (ADMIN, MANAGER) or actor.person_id == person.id:
        return True
    theirs = set(person["departments"] or [])
    return actor.role == SUPERVISOR and (not actor.departments or bool(theirs & set(actor.departments)))


def _self_or_admin(unit: Unit, path: Mapping[str, str]) -> bool:
    person = _person_of(unit, path)
    return not person["is_bot"] and (unit.actor.role == ADMIN or unit.actor.person_id == person.id)


watchers = Policy("oneself, admin, manager or supervisor", _may_read)


oneself = Policy("oneself or admin", _self_or_admin)


def _limits(unit: Unit, person_id: str) -> tuple[str, list[Any]]:
    """Return the SQL that keeps managers and supervisors to hours on their projects."""
    more, args = "", []
    project_id = unit.request.one("project_id")
    if project_id:
        if not is_uuid(project_id):
            raise Invalid("Wrong UUID format.")
        more, args = " AND t.project_id = %s", [project_id]
    if unit.actor.role != ADMIN and unit.actor.person_id != person_id:
        more += " AND t.project_id IN (SELECT q.id FROM project q WHERE q.team @> ARRAY[%s]::uuid[])"
        args.append(unit.actor.person_id or NO_ONE)
    return more, args


def _rows(unit: Unit, person_id: str, first: Any, last: Any) -> bytes:
    more, args = _limits(unit, person_id)
    where = f"t.person_id = %s AND t.date BETWEEN %s AND %s{more}"
    return unit.docs("time_spent", where, (person_id, first, last, *args), "t.date, t.created_at")


def _details(unit: Unit, person_id: str, first: date, last: date) -> list[dict[str, Any]]:
    more, args = _limits(unit, person_id)
    found = unit.rows(DETAILS.format(more=more), (person_id, first, last, *args))
    return [dict(zip(KEYS, row, strict=True)) for row in found]


@query(allow=watchers)
def list_person_time_spents(
    unit: Unit, person_id: Id, *, start_date: date | None = None, end_date: date | None = None
) -> bytes:
    """List a person's hours, of a range if given. Source: GET /data/persons/{person_id}/time-spents."""
    return _rows(unit, person_id, start_date or "0001-01-01", end_date or "9999-12-31")


@query(allow=watchers)
def list_person_time_spents_of_date(unit: Unit, person_id: Id, date: str) -> bytes:
    """List a person's hours of a day. Source: GET /data/persons/{person_id}/time-spents/{date}."""
    day = _day(date)
    return _rows(unit, person_id, day, day)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid("Wrong date format.") from None


@query(allow=watchers)
def list_person_hours_of_day(unit: Unit, person_id: Id, year: str, month: str, day: str) -> list[dict[str, Any]]:
    """Return minutes by task. Source: GET /data/persons/{person_id}/time-spents/day/{year}/{month}/{day}."""
    found = _day(f"{year:0>4}-{month:0>2}-{day:0>2}")
    return _details(unit, person_id, found, found)


@query(allow=watchers)
def list_person_hours_of_week(unit: Unit, person_id: Id, year: str, week: str) -> list[dict[str, Any]]:
    """Return minutes by task. Source: GET /data/persons/{person_id}/time-spents/week/{year}/{week}."""
    return _details(unit, person_id, *period(year, week=week))


@query(allow=watchers)
def list_person_hours_of_month(unit: Unit, person_id: Id, year: str, month: str) -> list[dict[str, Any]]:
    """Return minutes by task. Source: GET /data/persons/{person_id}/time-spents/month/{year}/{month}."""
    return _details(unit, person_id, *period(year, month))


@query(allow=watchers)
def list_person_hours_of_year(unit: Unit, person_id: Id, year: str) -> list[dict[str, Any]]:
    """Return minutes by task. Source: GET /data/persons/{person_id}/time-spents/year/{year}."""
    return _details(unit, person_id, *period(year))


@query(allow=oneself)
def list_person_rows_of_month(unit: Unit, person_id: Id, year: str, month: str) -> bytes:
    """List the rows of a month. Source: GET /data/persons/{person_id}/time-spents/month/all/{year}/{month}."""
    return _rows(unit, person_id, *period(year, month))
