"""Budgets of a production: numbered revisions with an entry per person or post."""

from typing import Any

import orjson

from chassis.binding import Id
from chassis.crud import stored
from chassis.errors import Invalid, NotFound
from chassis.operations import command, query
from chassis.resources import Record
from chassis.unit import Unit
from contracts.access import project_managers

ENTRY = ("department_id", "person_id", "start_date", "months_duration", "daily_salary", "position", "seniority",
         "exceptions")  # fmt: skip


def _of(unit: Unit, project_id: str, budget_id: str) -> Record:
    budget = unit.need("budget", budget_id)
    if budget["project_id"] != project_id:
        raise NotFound
    return budget


def _doc(unit: Unit, record: Record) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(unit.resource(record.kind).doc(record))
    return found


@query(allow=project_managers)
def list_project_budgets(unit: Unit, project_id: Id) -> list[dict[str, Any]]:
    """List the budgets of a project. Source: GET /data/projects/{project_id}/budgets."""
    keys = ("id", "project_id", "revision", "name", "currency")
    found = unit.find("budget", "t.project_id = %s", (project_id,), "t.revision")
    return [{key: _doc(unit, budget)[key] for key in keys} for budget in found]


@command(allow=project_managers)
def add_budget(unit: Unit, project_id: Id, *, name: str, currency: str | None = None) -> dict[str, Any]:
    """Open the next revision. Source: POST /data/projects/{project_id}/budgets."""
    last = unit.first("budget", "t.project_id = %s", (project_id,), "t.revision DESC")
    fields = {
        "project_id": project_id,
        "name": name,
        "currency": currency,
        "revision": last["revision"] + 1 if last else 1,
    }
    made = unit.create("budget", fields, live=[])
    unit.announce("budget:create", {"budget_id": made.id, "project_id": project_id})
    return _doc(unit, made)


@query(allow=project_managers)
def get_project_budget(unit: Unit, project_id: Id, budget_id: Id) -> dict[str, Any]:
    """Return one budget. Source: GET /data/projects/{project_id}/budgets/{budget_id}."""
    return _doc(unit, _of(unit, project_id, budget_id))


@command(allow=project_managers)
def change_budget(
    unit: Unit, project_id: Id, budget_id: Id, *, name: str | None = None, currency: str | None = None
) -> dict[str, Any]:
    """Change name or currency of a budget. Source: PUT /data/projects/{project_id}/budgets/{budget_id}."""
    budget = unit.need("budget", budget_id)
    if budget["project_id"] != project_id:
        # Managers of one project must not reach into another: the path's project is what they were checked for.
        project_managers(unit, {"project_id": budget["project_id"]})
    given = {"name": name, "currency": currency}
    return _doc(unit, unit.update(budget, {key: value for key, value in given.items() if value is not None}))


@command(allow=project_managers)
def remove_budget(unit: Unit, project_id: Id, budget_id: Id) -> None:
    """Delete a budget with its entries. Source: DELETE /data/projects/{project_id}/budgets/{budget_id}."""
    budget = _of(unit, project_id, budget_id)
    for entry in unit.find("budget_entry", "t.budget_id = %s", (budget.id,)):
        unit.delete(entry, live=[])
    unit.delete(budget)


def _entry(unit: Unit, project_id: str, budget_id: str, entry_id: str) -> Record:
    _of(unit, project_id, budget_id)
    entry = unit.need("budget_entry", entry_id)
    if entry["budget_id"] != budget_id:
        raise NotFound
    return entry


@query(allow=project_managers)
def list_budget_entries_of(unit: Unit, project_id: Id, budget_id: Id) -> bytes:
    """List the entries of a budget. Source: GET /data/projects/{project_id}/budgets/{budget_id}/entries."""
    _of(unit, project_id, budget_id)
    return unit.docs("budget_entry", "t.budget_id = %s", (budget_id,), "t.created_at")


@query(allow=project_managers)
def get_budget_entry_of(unit: Unit, project_id: Id, budget_id: Id, entry_id: Id) -> dict[str, Any]:
    """Return one entry. Source: GET /data/projects/{project_id}/budgets/{budget_id}/entries/{entry_id}."""
    return _doc(unit, _entry(unit, project_id, budget_id, entry_id))


def _given(unit: Unit, body: Any) -> dict[str, Any]:
    fields = unit.resource("budget_entry").by_name
    given = {
        key: stored(fields[key], body[key]) for key in ENTRY if isinstance(body, dict) and body.get(key) is not None
    }
    if given.get("department_id") and unit.get("department", given["department_id"]) is None:
        raise Invalid("Department ID matches no department")
    if given.get("person_id") and unit.get("person", given["person_id"]) is None:
        raise Invalid("Person ID matches no person")
    return given


@command(allow=project_managers)
def add_budget_entry(unit: Unit, project_id: Id, budget_id: Id, *, department_id: Id, body: Any) -> dict[str, Any]:
    """Add an entry. Source: POST /data/projects/{project_id}/budgets/{budget_id}/entries."""
    _of(unit, project_id, budget_id)
    given = {"months_duration": 1, "daily_salary": 0, "start_date": unit.now.date().isoformat(), **_given(unit, body)}
    fields = {**given, "department_id": department_id, "budget_id": budget_id}
    made = unit.create("budget_entry", fields, live=[], project_id=project_id)
    unit.announce("budget-entry:create", {"budget_entry_id": made.id, "budget_id": budget_id, "project_id": project_id})
    return _doc(unit, made)


@command(allow=project_managers)
def change_budget_entry(unit: Unit, project_id: Id, budget_id: Id, entry_id: Id, *, body: Any) -> dict[str, Any]:
    """Change an entry. Source: PUT /data/projects/{project_id}/budgets/{budget_id}/entries/{entry_id}."""
    entry = _entry(unit, project_id, budget_id, entry_id)
    return _doc(unit, unit.update(entry, _given(unit, body)))


@command(allow=project_managers)
def remove_budget_entry(unit: Unit, project_id: Id, budget_id: Id, entry_id: Id) -> None:
    """Delete an entry. Source: DELETE /data/projects/{project_id}/budgets/{budget_id}/entries/{entry_id}."""
    unit.delete(_entry(unit, project_id, budget_id, entry_id))
