"""Spreadsheets in: how long tasks should take."""

from typing import Any

from chassis.binding import Id
from chassis.messages import ADMIN, MANAGER, SUPERVISOR, Upload
from chassis.operations import command
from chassis.policy import Policy
from chassis.unit import Unit
from contracts.access import project_of, role_in
from contracts.task_access import supervises
from services.imports.files import sheet_of
from services.imports.spreadsheets import Row, RowError, cell, need, number_of, plan, whole


def _may_estimate(unit: Unit, path: Any) -> bool:
    role = role_in(unit, project_of(unit, {"project_id": path["project_id"]}))
    return role in (ADMIN, MANAGER) or (role == SUPERVISOR and supervises(unit, path["task_type_id"]))


estimators = Policy("manager of the project or department supervisor", _may_estimate)


@command(allow=estimators, status=201)
def import_estimations(unit: Unit, project_id: Id, task_type_id: Id, *, files: list[Upload]) -> list[None]:
    """Import estimations of a task type.

    Source: POST /import/csv/projects/{project_id}/task-types/{task_type_id}/estimations.
    """
    return _estimations(unit, project_id, task_type_id, None, files)


@command(allow=estimators, status=201)
def import_episode_estimations(
    unit: Unit, project_id: Id, episode_id: Id, task_type_id: Id, *, files: list[Upload]
) -> list[None]:
    """Import estimations of a task type in an episode.

    Source: POST /import/csv/projects/{project_id}/episodes/{episode_id}/task-types/{task_type_id}/estimations.
    """
    return _estimations(unit, project_id, task_type_id, episode_id, files)


def _estimations(
    unit: Unit, project_id: str, task_type_id: str, episode_id: str | None, files: list[Upload]
) -> list[None]:
    sheet = sheet_of(unit, files)
    organisation = unit.first("organisation")
    hours = bool(organisation and organisation["format_duration_in_hours"])
    minutes = 60 if hours else 60 * float(organisation["hours_by_day"] if organisation else 8)
    tasks = _tasks_by_name(unit, project_id, task_type_id, episode_id)
    rows = plan(sheet, lambda row: _estimation(row, tasks, minutes))
    if rows:
        unit.ask("tasks.import_estimations", {"project_id": project_id}, {"rows": rows})
    return [None] * len(rows)


def _tasks_by_name(
    unit: Unit, project_id: str, task_type_id: str, episode_id: str | None
) -> dict[tuple[str, str], str]:
    where, args = "", [project_id, task_type_id]
    if episode_id:
        where, args = " AND %s IN (e.source_id, up.parent_id)", [*args, episode_id]
    found = unit.rows(
        "SELECT lower(CASE WHEN e.kind = 'asset' THEN ty.name ELSE coalesce(up.name, '') END), lower(e.name), "
        "t.id::text "
        "FROM task t JOIN entity e ON e.id = t.entity_id LEFT JOIN entity_type ty ON ty.id = e.entity_type_id "
        f"LEFT JOIN entity up ON up.id = e.parent_id WHERE t.project_id = %s AND t.task_type_id = %s{where}",
        args,
    )
    return {(parent, name): id_ for parent, name, id_ in found}


def _estimation(row: Row, tasks: dict[tuple[str, str], str], minutes: float) -> dict[str, Any]:
    parent, name = need(row, "Parent").lower(), need(row, "Entity").lower()
    task_id = tasks.get((parent, name))
    if task_id is None:
        raise RowError(f"Task not found for {row['Parent']} / {row['Entity']}")
    changes: dict[str, Any] = {}
    estimation = number_of(cell(row, "Estimation"), "Estimation")
    if estimation is not None:
        changes["estimation"] = round(estimation * minutes)
    for column, key in (("Drawings", "nb_drawings"), ("Difficulty", "difficulty")):
        number = whole(cell(row, column), column)
        if number is not None:
            changes[key] = number
    for column, key in (("Start date", "start_date"), ("Due date", "due_date")):
        if cell(row, column, column.title()):
            changes[key] = cell(row, column, column.title())
    return {"task_id": task_id, "changes": changes}
