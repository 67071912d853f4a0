"""Spreadsheets in: assets, shots and edits with their tasks; one batch per service and file."""

from typing import Any

from chassis.binding import Id
from chassis.messages import Upload
from chassis.operations import command
from chassis.resources import Record
from chassis.unit import Unit
from contracts.access import project_managers
from services.imports.files import answer_of, sheet_of
from services.imports.knowledge import Knowledge, know
from services.imports.spreadsheets import Row, RowError, cell, need, plan, plan_until, whole


def _bring_in(unit: Unit, project: Record, kind: str, rows: list[Any], update: bool) -> list[Any]:
    """Import entities with their tasks."""
    found: list[Any] = []
    if rows:
        path = {"project_id": project.id}
        body = {"kind": kind, "rows": [row["entity"] for row in rows], "update": update}
        answer = answer_of(unit, "production.import_entities", path, body)
        found = answer["entities"]
        tasks = [
            {"entity_id": entity["id"], **task}
            for entity, row, touched in zip(found, rows, answer["touched"], strict=True)
            for task in row["tasks"]
            if touched
        ]
        if tasks:
            answer_of(unit, "tasks.import_tasks", path, {"rows": tasks})
    return found


def _refuse_episodes(project: Record, row: Row) -> None:
    if "Episode" in row and project["production_type"] != "tvshow":
        raise RowError("An episode column is present for a production that isn't a TV Show")


def _more(known: Knowledge, row: Row) -> dict[str, Any]:
    """Return what assets, shots and edits have in common: description, data, episode."""
    data = known.data(row)
    if cell(row, "Resolution"):
        data["resolution"] = cell(row, "Resolution")
    found: dict[str, Any] = {"data": data}
    if "Description" in row:
        found["description"] = row["Description"].replace("\r\n", "\n")
    if "Episode" in row:
        found["episode"] = cell(row, "Episode")
    return found


@command(allow=project_managers, status=201)
def import_assets(unit: Unit, project_id: Id, *, update: bool = False, files: list[Upload]) -> list[Any]:
    """Import assets with tasks and metadata; those above a row that is refused stay, unlike in other imports.

    Source: POST /import/csv/projects/{project_id}/assets.
    """
    sheet, project = sheet_of(unit, files), unit.need("project", project_id)
    known = know(unit, project, "Asset", sheet)
    configured = unit.many("entity_type", project["asset_types"] or [])
    names = {record["name"].lower() for record in configured.values()}

    def make(row: Row) -> dict[str, Any]:
        _refuse_episodes(project, row)
        name, kind = need(row, "Name"), need(row, "Type")
        if not kind:
            raise RowError("An asset type is required in the Type column")
        if not name:
            raise RowError("A name is required in the Name column")
        if names and kind.lower() not in names:
            raise RowError(f"Asset type {kind} is not configured for this project")
        entity = {"name": name, "type": kind, **_more(known, row)}
        ready = known.ready_for(row)
        return {"entity": {**entity, **({"ready_for": ready} if ready else {})}, "tasks": known.tasks(row)}

    rows, refusal = plan_until(sheet, make)
    found = _bring_in(unit, project, "asset", rows, update)
    if refusal is not None:
        raise refusal
    return found


@command(allow=project_managers, status=201)
def import_shots(unit: Unit, project_id: Id, *, update: bool = False, files: list[Upload]) -> list[Any]:
    """Import shots with frames, tasks and metadata. Source: POST /import/csv/projects/{project_id}/shots."""
    sheet, project = sheet_of(unit, files), unit.need("project", project_id)
    known = know(unit, project, "Shot", sheet)

    def make(row: Row) -> dict[str, Any]:
        _refuse_episodes(project, row)
        name, sequence = need(row, "Name"), need(row, "Sequence")
        if not name or not sequence:
            raise RowError("A shot needs a name and a sequence")
        entity = {"name": name, "sequence": sequence, **_more(known, row)}
        frames = whole(cell(row, "Nb Frames", "Frames"), "Nb Frames")
        if frames is not None:
            entity["nb_frames"] = frames
        for key, names in (("frame_in", ("Frame In", "In")), ("frame_out", ("Frame Out", "Out"))):
            number = whole(cell(row, *names), names[0])
            if number is not None:
                entity["data"][key] = number
        if cell(row, "FPS"):
            entity["data"]["fps"] = cell(row, "FPS")
        return {"entity": entity, "tasks": known.tasks(row)}

    return _bring_in(unit, project, "shot", plan(sheet, make), update)


@command(allow=project_managers, status=201)
def import_edits(unit: Unit, project_id: Id, *, update: bool = False, files: list[Upload]) -> list[Any]:
    """Import edits with tasks and metadata. Source: POST /import/csv/projects/{project_id}/edits."""
    sheet, project = sheet_of(unit, files), unit.need("project", project_id)
    known = know(unit, project, "Edit", sheet)

    def make(row: Row) -> dict[str, Any]:
        _refuse_episodes(project, row)
        name = need(row, "Name")
        if not name:
            raise RowError("A name is required in the Name column")
        return {"entity": {"name": name, **_more(known, row)}, "tasks": known.tasks(row)}

    return _bring_in(unit, project, "edit", plan(sheet, make), update)
