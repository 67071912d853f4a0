"""Spreadsheets out: semicolons, CRLF, a header first; read from the replicas with one statement per sheet."""

from collections.abc import Mapping

from chassis.binding import Id
from chassis.messages import Reply
from chassis.operations import query
from chassis.policy import Policy, managers
from chassis.unit import Unit
from contracts.access import project_of, role_in
from services.imports.csv_files import sheet

PERSONS = ("First Name", "Last Name", "Email", "Phone", "Role", "Departments", "Studio", "Country", "Contract Type",
           "Position", "Seniority", "Daily Salary", "Active")  # fmt: skip
TASKS = ("Project", "Task Type", "Episode", "Sequence", "Entity Type", "Entity", "Assigner", "Assignees", "Duration",
         "Estimation", "Start date", "Due date", "WIP date", "Validation date", "Task Status")  # fmt: skip
TIME_SPENTS = ("Project", "Person", "Entity Type Name", "Entity", "Task Type", "Date", "Time spent")
NAME = "btrim(concat_ws(' ', {0}.first_name, {0}.last_name))"


def _no_vendor(unit: Unit, path: Mapping[str, str]) -> bool:
    return role_in(unit, project_of(unit, path)) not in (None, "vendor")


readers = Policy("project team, not vendor", _no_vendor)


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
