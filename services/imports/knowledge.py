"""What an import must know of the studio before it reads the first row."""

from dataclasses import dataclass
from typing import Any

from chassis.resources import Record
from chassis.unit import Unit
from services.imports.spreadsheets import Row, RowError, Sheet, cell, number_of

TRUTHS = ("true", "yes", "x", "1", "oui", "ja")


@dataclass
class Knowledge:
    """The task types, statuses, people and columns of one project, by lower-case name."""

    project: Record
    kind: str
    task_types: dict[str, Record]
    statuses: dict[str, Record]
    people: dict[str, Record]
    columns: dict[str, Record]

    def status(self, text: str) -> str:
        """Return the id of the status called `text`, by short name or name. Raises RowError."""
        found = self.statuses.get(text.lower())
        if found is None:
            raise RowError(f"Task status not found for {text}")
        return found.id

    def tasks(self, row: Row) -> list[dict[str, Any]]:
        """Return the tasks that a row asks for: {task_type_id, task_status_id?, comment?, assignees?}."""
        found = []
        for name, task_type in self.task_types.items():
            status = cell(row, name)
            comment = cell(row, f"{name} comment")
            people = cell(row, f"{name} assignations")
            if not status and not comment and not people:
                continue
            task: dict[str, Any] = {"task_type_id": task_type.id, "comment": comment}
            if status:
                task["task_status_id"] = self.status(status)
            task["assignees"] = [self.person(each) for each in people.split(",") if each.strip()]
            found.append(task)
        return found

    def person(self, text: str) -> str:
        """Return the id of the person called `text`, by full name or e-mail. Raises RowError."""
        found = self.people.get(text.strip().lower())
        if found is None:
            raise RowError(f"Person not found for {text.strip()}")
        return found.id

    def data(self, row: Row) -> dict[str, Any]:
        """Return the values of the metadata columns that a row fills."""
        found = {}
        for name, text in row.items():
            column = self.columns.get(name.lower())
            if column is not None and text.strip():
                found[column["field_name"]] = value_of(column, text.strip())
        return found

    def ready_for(self, row: Row) -> str | None:
        """Return the id of the task type in the column `Ready for`. Raises RowError."""
        text = cell(row, "Ready for", "Ready For")
        if not text:
            return None
        for task_type in self.task_types.values():
            if task_type["name"].lower() == text.lower():
                return task_type.id
        found = self.shot_types.get(text.lower())
        if found is None:
            raise RowError(f"Task type not found for {text}")
        return found

    shot_types: dict[str, str] = None  # type: ignore[assignment]


def value_of(column: Record, text: str) -> Any:
    """Return a cell as its metadata column keeps it. Raises RowError. Pure."""
    kind = column["data_type"]
    if kind == "number":
        number = number_of(text, column["name"]) or 0.0
        return int(number) if number.is_integer() else number
    if kind == "boolean":
        return "true" if text.lower() in TRUTHS else "false"
    if kind == "checklist":
        lines = (line.strip() for line in text.splitlines())
        return [
            {"checked": line.lower().startswith("[x]"), "text": line.removeprefix("[x]").removeprefix("[ ]").strip()}
            for line in lines
            if line
        ]
    return text


def know(unit: Unit, project: Record, kind: str, sheet: Sheet) -> Knowledge:
    """Return what an import of `kind` (`Asset`, `Shot`, `Edit`) into `project` needs."""
    used = unit.many("task_type", project["task_types"] or []) or {r.id: r for r in unit.find("task_type")}
    types = {r["name"].lower(): r for r in used.values() if r["for_entity"] == kind and sheet.has(r["name"])}
    for record in used.values():
        extra = (f"{record['name']} comment", f"{record['name']} assignations")
        if record["for_entity"] == kind and any(map(sheet.has, extra)):
            types[record["name"].lower()] = record
    statuses: dict[str, Record] = {}
    for status in unit.find("task_status", "", (), "t.priority DESC, t.created_at DESC"):
        statuses[status["name"].lower()] = status
        statuses[status["short_name"].lower()] = status
    people = {}
    for person in unit.find("person"):
        people[f"{person['first_name']} {person['last_name']}".strip().lower()] = person
        if person["email"]:
            people[person["email"].lower()] = person
    columns = unit.find("metadata_descriptor", "t.project_id = %s AND t.entity_type = %s", (project.id, kind))
    found = Knowledge(project, kind, types, statuses, people, {c["name"].lower(): c for c in columns})
    found.shot_types = {r["name"].lower(): r.id for r in unit.find("task_type", "t.for_entity = 'Shot'")}
    return found
