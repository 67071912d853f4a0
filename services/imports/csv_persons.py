"""Spreadsheets in: people."""

from typing import Any

from chassis.messages import Upload
from chassis.operations import command
from chassis.policy import admins
from chassis.unit import Unit
from services.imports.files import answer_of, sheet_of
from services.imports.spreadsheets import Row, RowError, cell, need, plan, whole


@command(allow=admins, status=201)
def import_persons(unit: Unit, *, update: bool = False, files: list[Upload]) -> list[Any]:
    """Import people, known ones by e-mail. Source: POST /import/csv/persons."""
    sheet = sheet_of(unit, files)
    departments = {record["name"].lower(): record.id for record in unit.find("department")}
    studios = {record["name"].lower(): record.id for record in unit.find("studio")}
    rows = plan(sheet, lambda row: _person(row, departments, studios))
    return list(answer_of(unit, "auth.import_persons", {}, {"rows": rows, "update": update})) if rows else []


OPTIONAL = {"Phone": "phone", "Country": "country", "Contract Type": "contract_type", "Position": "position",
            "Seniority": "seniority"}  # fmt: skip


def _person(row: Row, departments: dict[str, str], studios: dict[str, str]) -> dict[str, Any]:
    first, last, email = need(row, "First Name"), need(row, "Last Name"), need(row, "Email")
    if not email:
        raise RowError("An email is required in the Email column")
    person: dict[str, Any] = {"first_name": first, "last_name": last, "email": email.lower()}
    for name, key in OPTIONAL.items():
        if cell(row, name):
            person[key] = cell(row, name)
    if cell(row, "Role"):
        person["role"] = _role(cell(row, "Role"))
    salary = whole(cell(row, "Daily Salary"), "Daily Salary")
    if salary is not None:
        person["daily_salary"] = salary
    if cell(row, "Active"):
        person["active"] = cell(row, "Active").lower() in ("yes", "true", "1", "x")
    return {**person, **_places(row, departments, studios)}


def _places(row: Row, departments: dict[str, str], studios: dict[str, str]) -> dict[str, Any]:
    """Return studio and departments of a row. Raises RowError for unknown ones."""
    person: dict[str, Any] = {}
    if cell(row, "Studio"):
        person["studio_id"] = _named(studios, cell(row, "Studio"), "Studio")
    if cell(row, "Departments"):
        names = [name.strip() for name in cell(row, "Departments").split(",") if name.strip()]
        person["departments"] = [_named(departments, name, "Department") for name in names]
    return person


def _named(known: dict[str, str], name: str, what: str) -> str:
    if name.lower() not in known:
        raise RowError(f"{what} not found for {name}")
    return known[name.lower()]


def _role(text: str) -> str:
    words = {"studio manager": "admin", "production manager": "manager", "artist": "user"}
    role = words.get(text.lower(), text.lower())
    if role not in ("user", "admin", "supervisor", "manager", "client", "vendor"):
        raise RowError(f"Role not found for {text}")
    return role
