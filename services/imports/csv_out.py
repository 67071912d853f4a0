"""Spreadsheets out: semicolons, CRLF, a header first; read from the replicas with one statement per sheet."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from chassis import filters
from chassis.binding import Id
from chassis.messages import Reply
from chassis.operations import query
from chassis.policy import Policy, managers
from chassis.resources import Fields, Record
from chassis.unit import Unit
from contracts.access import project_of, role_in
from services.imports.csv_files import file, sheet, written

PERSONS = ("First Name", "Last Name", "Email", "Phone", "Role", "Departments", "Studio", "Country", "Contract Type",
           "Position", "Seniority", "Daily Salary", "Active")  # fmt: skip
TASKS = ("Project", "Task Type", "Episode", "Sequence", "Entity Type", "Entity", "Assigner", "Assignees", "Duration",
         "Estimation", "Start date", "Due date", "WIP date", "Validation date", "Task Status")  # fmt: skip
TIME_SPENTS = ("Project", "Person", "Entity Type Name", "Entity", "Task Type", "Date", "Time spent")
# Where the cells of a task stand in what is copied: an id has 36 letters.
ENTITY, TYPE, REST, NULL = slice(0, 36), slice(37, 73), slice(74, None), rb"\N"
NAME = "btrim(concat_ws(' ', {0}.first_name, {0}.last_name))"


def _no_vendor(unit: Unit, path: Mapping[str, str]) -> bool:
    return role_in(unit, project_of(unit, path)) not in (None, "vendor")


readers = Policy("project team, not vendor", _no_vendor)


def days(minutes: float | None) -> str:
    """Return minutes as days of eight hours with two decimals. Pure."""
    return f"{(minutes or 0) / 8 / 60:.2f}"


@query(allow=managers)
def export_persons(unit: Unit) -> Reply:
    """Export people, bots left out. Source: GET /export/csv/persons.csv."""
    departments = {record.id: record["name"] for record in unit.find("department")}
    studios = {record.id: record["name"] for record in unit.find("studio")}
    people = unit.find(
        "person", "t.is_bot IS NOT TRUE AND t.is_guest IS NOT TRUE", (), "lower(t.first_name), lower(t.last_name)"
    )
    rows = [
        (
            p["first_name"], p["last_name"], p["email"], p["phone"], p["role"],
            ",".join(departments.get(id_, "") for id_ in p["departments"] or []), studios.get(p["studio_id"], ""),
            p["country"], p["contract_type"], p["position"], p["seniority"], p["daily_salary"],
            "yes" if p["active"] else "no",
        )
        for p in people
    ]  # fmt: skip
    return sheet("persons", PERSONS, rows)


@query(allow=managers)
def export_projects(unit: Unit) -> Reply:
    """Export names and statuses of productions. Source: GET /export/csv/projects.csv."""
    rows = unit.rows(
        "SELECT p.name, s.name FROM project p LEFT JOIN project_status s ON s.id = p.project_status_id ORDER BY p.name"
    )
    return sheet("projects", ("Name", "Status"), rows)


@query(allow=managers)
def export_task_types(unit: Unit) -> Reply:
    """Export task types. Source: GET /export/csv/task-types.csv."""
    rows = unit.rows(
        "SELECT d.name, t.name FROM task_type t LEFT JOIN department d ON d.id = t.department_id ORDER BY 1, 2"
    )
    return sheet("task_types", ("Department", "Name"), rows)


@query(allow=managers)
def export_tasks(unit: Unit) -> Reply:
    """Export all tasks of open productions. Source: GET /export/csv/tasks.csv."""
    statement = f"""
        SELECT p.name, tt.name, CASE WHEN e.kind = 'shot' THEN top.name END, CASE WHEN e.kind = 'shot' THEN up.name END,
            et.name, e.name, {NAME.format("a")},
            (SELECT string_agg({NAME.format("w")}, ',' ORDER BY w.first_name) FROM person w
                WHERE w.id = ANY(t.assignees)),
            t.duration, t.estimation, t.start_date, t.due_date, t.real_start_date, t.end_date, ts.name
        FROM task t JOIN project p ON p.id = t.project_id JOIN project_status ps ON ps.id = p.project_status_id
            JOIN entity e ON e.id = t.entity_id LEFT JOIN entity_type et ON et.id = e.entity_type_id
            LEFT JOIN entity up ON up.id = e.parent_id LEFT JOIN entity top ON top.id = up.parent_id
            LEFT JOIN task_type tt ON tt.id = t.task_type_id LEFT JOIN task_status ts ON ts.id = t.task_status_id
            LEFT JOIN person a ON a.id = t.assigner_id
        WHERE ps.name = 'Open' ORDER BY p.name, tt.name, top.name, up.name, et.name, e.name"""
    return sheet("tasks", TASKS, unit.rows(statement))


@query(allow=managers)
def export_time_spents(unit: Unit) -> Reply:
    """Export all hours of open productions. Source: GET /export/csv/time-spents.csv."""
    statement = f"""
        SELECT p.name, {NAME.format("a")}, et.name, e.name, tt.name, h.date, h.duration
        FROM time_spent h JOIN task t ON t.id = h.task_id JOIN project p ON p.id = t.project_id
            JOIN project_status ps ON ps.id = p.project_status_id JOIN entity e ON e.id = t.entity_id
            LEFT JOIN entity_type et ON et.id = e.entity_type_id LEFT JOIN task_type tt ON tt.id = t.task_type_id
            LEFT JOIN person a ON a.id = h.person_id
        WHERE ps.name = 'Open' ORDER BY p.name, et.name, e.name, tt.name, h.date"""
    return sheet("time_spents", TIME_SPENTS, unit.rows(statement))


class _Breakdown:
    """The columns and tasks of a project's assets, shots or edits."""

    def __init__(self, unit: Unit, project: Record, kind: str) -> None:
        self.unit, self.project, self.kind = unit, project, kind
        name = kind.capitalize()
        where = "t.project_id = %s AND t.entity_type = %s"
        self.columns = unit.find("metadata_descriptor", where, (project.id, name), "t.position, lower(t.name)")
        people = {r.id: f"{r['first_name']} {r['last_name']}".strip() for r in unit.find("person")}
        # There are ten tasks to a shot: their ids stay the bytes that came.
        lines = unit.copied(
            "SELECT w.entity_id, w.task_type_id, w.task_status_id, nullif(w.assignees, '{}'), nullif(w.duration, 0) "
            "FROM task w JOIN entity e ON e.id = w.entity_id WHERE w.project_id = %s AND e.kind = %s",
            (project.id, kind),
        )
        links = project["task_type_links"] or {}
        found = unit.many("task_type", [id_.decode() for id_ in {line[TYPE] for line in lines}]).values()
        self.types = sorted(found, key=lambda r: (links.get(r.id, {}).get("priority") or r["priority"] or 0, r["name"]))
        places = {record.id.encode(): 2 * place for place, record in enumerate(self.types)}
        statuses = {record.id.encode(): record["short_name"] for record in unit.find("task_status")}
        self._blank = [""] * (2 * len(places))
        # Cells of entities: for each task type a status and the assignees.
        self._cells: dict[bytes, list[str]] = {}
        self._spent: dict[bytes, float] = {}
        # What follows the ids of entity and type is the same for many tasks.
        read: dict[bytes, tuple[str, str, float]] = {}
        for line in lines:
            entity_id, rest = line[ENTITY], line[REST]
            task = read.get(rest)
            if task is None:
                status_id, assignees, spent = rest[:-1].split(b"\t")
                ids = [] if assignees == NULL else assignees[1:-1].decode().split(",")
                names = ",".join(people.get(id_, "") for id_ in ids)
                task = read[rest] = statuses.get(status_id, ""), names, 0 if spent == NULL else float(spent)
            cells = self._cells.get(entity_id)
            if cells is None:
                cells = self._cells[entity_id] = list(self._blank)
            place = places[line[TYPE]]
            cells[place], cells[place + 1], duration = task
            if duration:
                self._spent[entity_id] = self._spent.get(entity_id, 0) + duration

    def head(self) -> list[str]:
        """Return the names of the columns that all kinds share."""
        tasks = [word for task_type in self.types for word in (task_type["name"], "Assignations")]
        return [*(column["name"] for column in self.columns), *tasks]

    def spent(self, entity: Fields) -> str:
        """Return the days that were worked on an entity."""
        return days(self._spent.get(entity["id"].encode()))

    def tail(self, entity: Fields) -> list[Any]:
        """Return the cells of these columns."""
        data = entity["data"] or {}
        cells = [_text(data.get(column["field_name"])) for column in self.columns]
        return [*cells, *self._cells.get(entity["id"].encode(), self._blank)]

    def entities(self) -> list[Fields]:
        """Return the documents of the entities that the query's filters leave, by name."""
        request = self.unit.request
        request.query.pop("project_id", None)
        where, args = filters.conditions(self.unit.resource("entity"), request)
        where = ["t.project_id = %s", "t.kind = %s", "t.canceled IS NOT TRUE", *where]
        told = self.unit.docs("entity", " AND ".join(where), [self.project.id, self.kind, *args], "t.name")
        found: list[Fields] = orjson.loads(told)
        return found


def _breakdown(unit: Unit, project_id: str, kind: str, write: Callable[[_Breakdown], bytes]) -> Reply:
    """Return what `write` makes of the breakdown of a project, or has made of the same a moment ago."""
    project = unit.need("project", project_id)
    revision = unit.etag(project_id, "entity_type", "task_type", "task_status", "person")
    asked = tuple(sorted((name, *values) for name, values in unit.request.query.items()))
    key = ("breakdown", project_id, kind, asked)
    content = unit.finished(key, revision, lambda: write(_Breakdown(unit, project, kind)))
    return file(f"{project['name']} {kind}s", content)


def _text(value: Any) -> Any:
    if isinstance(value, list):
        return ",".join(str(each.get("text", each)) if isinstance(each, dict) else str(each) for each in value)
    return value


@query(allow=readers)
def export_assets(unit: Unit, project_id: Id) -> Reply:
    """Export assets with metadata and tasks. Source: GET /export/csv/projects/{project_id}/assets.csv."""
    return _breakdown(unit, project_id, "asset", _write_assets)


def _write_assets(found: _Breakdown) -> bytes:
    types = {record.id: record["name"] for record in found.unit.find("entity_type")}
    rows = [
        [found.project["name"], types.get(e["entity_type_id"]), e["name"], e["description"], found.spent(e),
         *found.tail(e)]
        for e in found.entities()
    ]  # fmt: skip
    rows.sort(key=lambda row: (str(row[1] or ""), str(row[2])))
    return written(["Project", "Type", "Name", "Description", "Time Spent", *found.head()], rows)


@query(allow=readers)
def export_shots(unit: Unit, project_id: Id) -> Reply:
    """Export shots with frames, metadata and tasks. Source: GET /export/csv/projects/{project_id}/shots.csv."""
    return _breakdown(unit, project_id, "shot", _write_shots)


def _write_shots(found: _Breakdown) -> bytes:
    project = found.project
    where = "t.project_id = %s AND t.kind IN ('sequence', 'episode')"
    parents = {record.id: record for record in found.unit.find("entity", where, (project.id,))}
    rows = []
    for shot in found.entities():
        sequence = parents.get(shot["parent_id"])
        episode = parents.get(sequence["parent_id"]) if sequence else None
        data = shot["data"] or {}
        rows.append([
            project["name"], episode["name"] if episode else "", sequence["name"] if sequence else "", shot["name"],
            shot["description"], found.spent(shot), shot["nb_frames"], data.get("frame_in"),
            data.get("frame_out"), data.get("fps"), *found.tail(shot),
        ])  # fmt: skip
    rows.sort(key=lambda row: (row[1], row[2], row[3]))
    head = [
        "Project",
        "Episode",
        "Sequence",
        "Name",
        "Description",
        "Time Spent",
        "Frames",
        "Frame In",
        "Frame Out",
        "FPS",
    ]
    return written([*head, *found.head()], rows)


@query(allow=readers)
def export_edits(unit: Unit, project_id: Id) -> Reply:
    """Export edits with metadata and tasks. Source: GET /export/csv/projects/{project_id}/edits.csv."""
    return _breakdown(unit, project_id, "edit", _write_edits)


def _write_edits(found: _Breakdown) -> bytes:
    project = found.project
    where = "t.project_id = %s AND t.kind = 'episode'"
    episodes = {record.id: record["name"] for record in found.unit.find("entity", where, (project.id,))}
    rows = [
        [project["name"], episodes.get(e["parent_id"], ""), e["name"], e["description"], found.spent(e),
         *found.tail(e)]
        for e in found.entities()
    ]  # fmt: skip
    return written(["Project", "Episode", "Name", "Description", "Time Spent", *found.head()], rows)


@query(allow=readers)
def export_casting(unit: Unit, project_id: Id, *, episode_id: Id | None = None, is_shot_casting: bool = False) -> Reply:
    """Export who plays in what. Source: GET /export/csv/projects/{project_id}/casting.csv."""
    project = unit.need("project", project_id)
    where, args = "e.project_id = %s AND a.canceled IS NOT TRUE", [project_id]
    if is_shot_casting:
        where += " AND e.kind = 'shot'"
    if episode_id:
        where, args = f"{where} AND %s IN (up.parent_id, e.source_id, e.id)", [*args, episode_id]
    statement = f"""
        SELECT top.name, coalesce(up.name, et.name), e.name, at.name, a.name, l.nb_occurences, l.doc::jsonb->>'label'
        FROM entity_link l JOIN entity e ON e.id = l.entity_in_id JOIN entity a ON a.id = l.entity_out_id
            LEFT JOIN entity_type et ON et.id = e.entity_type_id LEFT JOIN entity_type at ON at.id = a.entity_type_id
            LEFT JOIN entity up ON up.id = e.parent_id LEFT JOIN entity top ON top.id = up.parent_id
        WHERE {where} ORDER BY 1, 2, 3, 4, 5"""
    tv = project["production_type"] == "tvshow"
    head = ["Parent", "Name", "Asset Type", "Asset", "Occurences", "Label"]
    rows = [row if tv else row[1:] for row in unit.rows(statement, args)]
    return sheet(f"{project['name']} casting", ["Episode", *head] if tv else head, rows)
