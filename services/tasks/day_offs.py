"""Days off: inclusive ranges per person, never overlapping; no hours are kept on them."""

from calendar import monthrange
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import orjson

from chassis.binding import Id, is_uuid
from chassis.crud import Crud
from chassis.errors import Forbidden, Invalid, NotFound, Refused
from chassis.messages import ADMIN, MANAGER, SUPERVISOR, SYSTEM
from chassis.operations import query
from chassis.policy import Policy, signed_in
from chassis.resources import Fields, Record
from chassis.unit import Unit
from contracts import tasks as kinds
from contracts.access import NO_ONE, project_staff
from services.tasks.time_spent import sum_up

Rows = list[dict[str, Any]]
FULL, WITHOUT_REASON = "full", "without reason"
INTEGRITY = "The data conflicts with database integrity rules."


def sight(unit: Unit, person: Record) -> str | None:
    """Return how much the actor may see of a person's days off: FULL, WITHOUT_REASON or None."""
    actor = unit.actor
    if actor.role in (ADMIN, SYSTEM) or actor.person_id == person.id:
        return FULL
    if actor.role not in (MANAGER, SUPERVISOR):
        return None
    both = "t.team @> ARRAY[%s, %s]::uuid[]"
    if not actor.person_id or not unit.count("project", both, (actor.person_id, person.id)):
        return None
    if actor.role == MANAGER:
        return FULL
    mine, theirs = set(actor.departments), set(person["departments"] or [])
    return WITHOUT_REASON if not mine or mine & theirs else None


def _person(unit: Unit, path: Mapping[str, str]) -> Record:
    if not is_uuid(path["person_id"]):
        raise Invalid("Wrong UUID format.")
    return unit.need("person", path["person_id"])


def _may_see(unit: Unit, path: Mapping[str, str]) -> bool:
    person = _person(unit, path)
    return not person["is_bot"] and sight(unit, person) is not None


def _own(unit: Unit, path: Mapping[str, str]) -> bool:
    if not is_uuid(path["instance_id"]):
        raise Invalid("Malformed ID.")
    found = unit.need("day_off", path["instance_id"])
    return unit.actor.role == ADMIN or found["person_id"] == unit.actor.person_id


watchers = Policy("oneself, admin, manager or supervisor of the person", _may_see)
owners = Policy("oneself or admin", _own)


def before_create(unit: Unit, fields: Fields) -> Mapping[str, Any]:
    """Check a new range; hours on its days go. Source: POST /data/day-offs."""
    fields.setdefault("person_id", unit.actor.person_id)
    if unit.actor.role != ADMIN and fields["person_id"] != unit.actor.person_id:
        raise Forbidden
    if fields.get("date") and fields.get("end_date"):
        _clear(unit, fields, None)
    return fields


def before_update(unit: Unit, found: Record, changes: Fields) -> Mapping[str, Any]:
    """Check a changed range with what stays. Source: PUT /data/day-offs/{instance_id}."""
    if unit.actor.role != ADMIN and changes.get("person_id", found["person_id"]) != found["person_id"]:
        raise Forbidden
    _clear(unit, {**found.fields, **changes}, found.id)
    return changes


def _clear(unit: Unit, fields: Mapping[str, Any], itself: str | None) -> None:
    first, last, person_id = fields["date"], fields["end_date"], fields["person_id"]
    if last < first:
        raise Refused(INTEGRITY)
    where = "t.person_id = %s AND t.date <= %s AND t.end_date >= %s AND t.id IS DISTINCT FROM %s"
    if unit.count("day_off", where, (person_id, last, first, itself)):
        raise Invalid("Day off already exists for this period")
    for row in unit.find("time_spent", "t.person_id = %s AND t.date BETWEEN %s AND %s", (person_id, first, last)):
        unit.delete(row)
        sum_up(unit, row["task_id"])


class DayOffCrud(Crud):
    """Ranges are refused by the words of the database, as the contract has them."""

    def checked(self, unit: Unit, body: Fields, *, creating: bool) -> Fields:
        """Return the body's values as stored. Raises Refused."""
        try:
            return super().checked(unit, body, creating=creating)
        except Invalid:
            raise Refused("One of the provided values has an invalid format.") from None


CRUD = DayOffCrud(
    kinds.DAY_OFF, create=signed_in, update=owners, delete=owners, before_create=before_create,
    before_update=before_update, only=("list", "create", "update", "delete"),
)  # fmt: skip


def _shown(unit: Unit, found: Record, how: str) -> dict[str, Any]:
    row: dict[str, Any] = orjson.loads(unit.resource("day_off").doc(found))
    if how == WITHOUT_REASON:
        row.pop("description", None)
    return row


@query(allow=signed_in, wrong_id="Malformed ID.")
def get_day_off(unit: Unit, instance_id: Id) -> dict[str, Any]:
    """Return one range. Source: GET /data/day-offs/{instance_id}."""
    found = unit.need("day_off", instance_id)
    how = sight(unit, unit.need("person", found["person_id"]))
    if how is None:
        raise Forbidden
    return _shown(unit, found, how)


def period(year: str, month: str | None = None, week: str | None = None) -> tuple[date, date]:
    """Return first and last day of a year, a month or an ISO week. Raises Invalid for impossible ones. Pure."""
    try:
        if week is not None:
            first = date.fromisocalendar(int(year), int(week), 1)
            return first, first + timedelta(days=6)
        if month is not None:
            number = int(month)
            return date(int(year), number, 1), date(int(year), number, monthrange(int(year), number)[1])
        return date(int(year), 1, 1), date(int(year), 12, 31)
    except (ValueError, OverflowError):
        raise Invalid(f"There is no such period: {'/'.join(p for p in (year, month, week) if p)}.") from None


def _touching(unit: Unit, person_id: str, first: date, last: date) -> Rows:
    how = sight(unit, unit.need("person", person_id)) or WITHOUT_REASON
    where = "t.person_id = %s AND t.date <= %s AND t.end_date >= %s"
    found = unit.find("day_off", where, (person_id, last.isoformat(), first.isoformat()), "t.date")
    return [_shown(unit, each, how) for each in found]


@query(allow=watchers)
def list_person_day_offs(unit: Unit, person_id: Id) -> Rows:
    """List a person's ranges. Source: GET /data/persons/{person_id}/day-offs."""
    return _touching(unit, person_id, date.min, date.max)


@query(allow=watchers)
def list_person_day_offs_of_week(unit: Unit, person_id: Id, year: str, week: str) -> Rows:
    """List those touching an ISO week. Source: GET /data/persons/{person_id}/day-offs/week/{year}/{week}."""
    return _touching(unit, person_id, *period(year, week=week))


@query(allow=watchers)
def list_person_day_offs_of_month(unit: Unit, person_id: Id, year: str, month: str) -> Rows:
    """List those touching a month. Source: GET /data/persons/{person_id}/day-offs/month/{year}/{month}."""
    return _touching(unit, person_id, *period(year, month))


@query(allow=watchers)
def list_person_day_offs_of_year(unit: Unit, person_id: Id, year: str) -> Rows:
    """List those touching a year. Source: GET /data/persons/{person_id}/day-offs/year/{year}."""
    return _touching(unit, person_id, *period(year))


def _of_day(unit: Unit, person_id: str, text: str) -> dict[str, Any]:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Invalid("Wrong date format.") from None
    found = _touching(unit, person_id, day, day)
    return found[0] if found else {}


@query(allow=watchers)
def get_person_day_off(unit: Unit, person_id: Id, date: str) -> dict[str, Any]:
    """Return the range that covers a day, or {}. Source: GET /data/persons/{person_id}/day-offs/{date}."""
    return _of_day(unit, person_id, date)


@query(allow=signed_in)
def get_my_day_off(unit: Unit, date: str) -> dict[str, Any]:
    """Return one's own range that covers a day, or {}. Source: GET /data/user/day-offs/{date}."""
    if not unit.actor.person_id:
        raise NotFound
    return _of_day(unit, unit.actor.person_id, date)


def _of_everybody(unit: Unit, first: date, last: date) -> Rows:
    """Return the ranges of everybody that the actor may see, by person."""
    found = unit.find("day_off", "t.date <= %s AND t.end_date >= %s", (last.isoformat(), first.isoformat()), "t.date")
    people = unit.many("person", {each["person_id"] for each in found})
    how = {id_: sight(unit, person) for id_, person in people.items()}
    return [_shown(unit, each, str(how[each["person_id"]])) for each in found if how.get(each["person_id"])]


@query(allow=signed_in)
def list_day_offs_of_year(unit: Unit, year: str) -> Rows:
    """List ranges touching a year. Source: GET /data/persons/day-offs/{year}."""
    return _of_everybody(unit, *period(year))


@query(allow=signed_in)
def list_day_offs_of_month(unit: Unit, year: str, month: str) -> Rows:
    """List ranges touching a month. Source: GET /data/persons/day-offs/{year}/{month}."""
    return _of_everybody(unit, *period(year, month))


@query(allow=project_staff)
def list_project_day_offs(
    unit: Unit, project_id: Id, *, start_date: date | None = None, end_date: date | None = None
) -> dict[str, Rows]:
    """Return person id -> ranges of the team. Source: GET /data/projects/{project_id}/day-offs."""
    team = unit.need("project", project_id)["team"] or []
    where = "t.person_id = ANY(%s::uuid[]) AND t.date <= %s AND t.end_date >= %s"
    args = (team or [NO_ONE], end_date or "9999-12-31", start_date or "0001-01-01")
    rows: dict[str, Rows] = {}
    people = unit.many("person", team)
    for each in unit.find("day_off", where, args, "t.date"):
        how = sight(unit, people[each["person_id"]]) or WITHOUT_REASON
        rows.setdefault(each["person_id"], []).append(_shown(unit, each, how))
    return rows
