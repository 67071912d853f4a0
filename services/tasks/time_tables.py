"""Hours in tables: by year, month, week or day and person, and in detail by task."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from chassis.binding import Id, is_uuid
from chassis.crud import Crud
from chassis.errors import Forbidden, Invalid, Refused
from chassis.messages import ADMIN, CLIENT, MANAGER, SUPERVISOR
from chassis.operations import query
from chassis.policy import Policy, signed_in
from chassis.resources import Fields, Record
from chassis.unit import Unit
from contracts import tasks as kinds
from contracts.access import NO_ONE, project_managers, project_of, role_in
from contracts.task_access import may_see_entity
from services.tasks.day_offs import INTEGRITY, period
from services.tasks.time_spent import sum_up

Table = dict[str, dict[str, float]]


# Generic records


def positive(unit: Unit, fields: Fields) -> Mapping[str, Any]:
    """Refuse hours of nothing. Source: POST /data/time-spents."""
    if fields.get("duration") is not None and fields["duration"] <= 0:
        raise Refused(INTEGRITY)
    return fields


def before_update(unit: Unit, row: Record, changes: Fields) -> Mapping[str, Any]:
    """As positive."""
    return positive(unit, changes)


class TimeCrud(Crud):
    """Hours keep the duration of their task: the sum of its rows."""

    def _create(self, unit: Unit, *, body: Any) -> Record:
        made = super()._create(unit, body=body)
        sum_up(unit, made["task_id"])
        return made

    def _update(self, unit: Unit, instance_id: str, *, body: Any) -> bytes:
        before = unit.need("time_spent", instance_id)["task_id"]
        found = super()._update(unit, instance_id, body=body)
        for task_id in {before, unit.need("time_spent", instance_id)["task_id"]}:
            sum_up(unit, task_id)
        return found

    def _delete(self, unit: Unit, instance_id: str) -> None:
        task_id = unit.need("time_spent", instance_id)["task_id"]
        super()._delete(unit, instance_id)
        sum_up(unit, task_id)


def _may_delete(unit: Unit, path: Mapping[str, str]) -> bool:
    if not is_uuid(path["instance_id"]):
        raise Invalid("Malformed ID.")
    row = unit.need("time_spent", path["instance_id"])
    task = unit.get("task", row["task_id"])
    if unit.actor.role == ADMIN:
        return True
    if task is None or row["person_id"] not in (task["assignees"] or []):
        return False
    manages = role_in(unit, unit.need("project", task["project_id"])) in (ADMIN, MANAGER)
    return manages or row["person_id"] == unit.actor.person_id


CRUD = TimeCrud(
    kinds.TIME_SPENT, before_create=positive, before_update=before_update,
    delete=Policy("admin, manager of the project or oneself", _may_delete),
)  # fmt: skip


# Tables of everybody


def _filter(unit: Unit, name: str) -> str | None:
    value = unit.request.one(name)
    if value and not is_uuid(value):
        raise Invalid("Wrong UUID format.")
    return value


OF_DEPARTMENT = (
    "t.task_id IN (SELECT w.id FROM task w JOIN task_type y ON y.id = w.task_type_id WHERE y.department_id = %s)"
)


def _rights(unit: Unit, department_id: str | None) -> Iterator[tuple[str, Any]]:
    """Yield the SQL of what the actor may see. Raises Invalid for a department that is not a supervisor's."""
    actor = unit.actor
    if actor.role not in (ADMIN, MANAGER, SUPERVISOR):
        yield "t.person_id = %s", actor.person_id or NO_ONE
    elif actor.role != ADMIN:
        team = "t.project_id IN (SELECT p.id FROM project p WHERE p.team @> ARRAY[%s]::uuid[])"
        yield team, actor.person_id or NO_ONE
    if actor.role == SUPERVISOR and actor.departments:
        if department_id and department_id not in actor.departments:
            raise Invalid("Supervisor not allowed to access this department")
        yield "a.departments && %s::uuid[]", list(actor.departments)


def _visible(unit: Unit) -> tuple[list[str], list[Any]]:
    """Return the SQL of the rows that the actor may see and of the query's filters. Raises Forbidden and Invalid."""
    project_id, department_id = _filter(unit, "project_id"), _filter(unit, "department_id")
    if project_id and role_in(unit, unit.need("project", project_id)) is None:
        raise Forbidden
    found = list(_rights(unit, department_id))
    columns = (
        ("t.project_id = %s", project_id),
        (OF_DEPARTMENT, department_id),
        ("a.studio_id = %s", _filter(unit, "studio_id")),
    )
    found += [(condition, value) for condition, value in columns if value]
    return ["true", *(condition for condition, _ in found)], [value for _, value in found]


def _table(unit: Unit, cell: str, first: date, last: date, order: str = "DESC") -> Table:
    where, args = _visible(unit)
    statement = (
        f"SELECT extract({cell} FROM t.date)::int AS cell, t.person_id::text, sum(t.duration) FROM time_spent t "
        f"LEFT JOIN person a ON a.id = t.person_id WHERE t.date BETWEEN %s AND %s AND {' AND '.join(where)} "
        f"GROUP BY 1, 2 ORDER BY 1 {order}"
    )
    found: Table = {}
    for number, person_id, minutes in unit.rows(statement, [first, last, *args]):
        found.setdefault(str(number), {})[person_id] = float(minutes)
    return found


@query(allow=signed_in)
def get_year_table(unit: Unit) -> Table:
    """Return year -> person id -> minutes. Source: GET /data/persons/time-spents/year-table."""
    where, args = _visible(unit)
    if _filter(unit, "department_id"):
        return _table(unit, "year", date.min, date.max)
    found: Table = {}
    rows = unit.rows(
        "SELECT t.year, t.person_id::text, sum(t.duration) FROM time_cell t LEFT JOIN person a ON a.id = t.person_id "
        f"WHERE {' AND '.join(where)} GROUP BY 1, 2 ORDER BY 1 DESC",
        args,
    )
    for year, person_id, minutes in rows:
        found.setdefault(str(year), {})[person_id] = float(minutes)
    return found


@query(allow=signed_in)
def get_month_table(unit: Unit, year: str) -> Table:
    """Return month -> person id -> minutes. Source: GET /data/persons/time-spents/month-table/{year}."""
    return _table(unit, "month", *period(year), order="ASC")


@query(allow=signed_in)
def get_week_table(unit: Unit, year: str) -> Table:
    """Return ISO week -> person id -> minutes. Source: GET /data/persons/time-spents/week-table/{year}."""
    # The weeks of a year begin with its week 1, in the old year's last days maybe, and end with week 52 or 53.
    first = period(year, week="1")[0]
    following = period(str(int(year) + 1), week="1")[0]
    return _table(unit, "week", first, date.fromordinal(following.toordinal() - 1), order="ASC")


@query(allow=signed_in)
def get_day_table(unit: Unit, year: str, month: str) -> Table:
    """Return day -> person id -> minutes. Source: GET /data/persons/time-spents/day-table/{year}/{month}."""
    return _table(unit, "day", *period(year, month), order="ASC")


# Projects and entities


def _no_client(unit: Unit, path: Mapping[str, str]) -> bool:
    if unit.actor.role == ADMIN:
        return True
    return role_in(unit, project_of(unit, path)) not in (None, CLIENT)


@query(allow=Policy("project team, not client", _no_client))
def list_project_time_spents(unit: Unit, project_id: Id) -> bytes:
    """List the hours of a project. Source: GET /data/projects/{project_id}/time-spents."""
    return unit.docs("time_spent", "t.project_id = %s", (project_id,), "t.date, t.created_at")


@query(allow=project_managers)
def list_task_type_time_spents(
    unit: Unit, project_id: Id, task_type_id: Id, *, start_date: date | None = None, end_date: date | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Return task id -> hours. Source: GET /data/projects/{project_id}/task-types/{task_type_id}/time-spents."""
    from services.tasks.shapes import wire

    where = (
        "t.project_id = %s AND t.task_id IN (SELECT w.id FROM task w WHERE w.task_type_id = %s) "
        "AND t.date BETWEEN %s AND %s"
    )
    args = (project_id, task_type_id, start_date or "0001-01-01", end_date or "9999-12-31")
    found: dict[str, list[dict[str, Any]]] = {}
    for row in unit.find("time_spent", where, args, "t.date"):
        found.setdefault(row["task_id"], []).append(wire(unit, row))
    return found


@query(allow=signed_in)
def list_entity_time_spents(unit: Unit, entity_id: Id) -> bytes:
    """List the hours on an entity's tasks. Source: GET /data/entities/{entity_id}/time-spents."""
    entity = unit.need("entity", entity_id)
    if not may_see_entity(unit, entity["project_id"], entity.id):
        raise Forbidden
    where = "t.task_id IN (SELECT w.id FROM task w WHERE w.entity_id = %s)"
    return unit.docs("time_spent", where, (entity_id,), "t.date, t.created_at")
