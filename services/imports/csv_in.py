"""Spreadsheets in: people, assets, shots, edits, castings and estimations; one batch per service and file."""

from typing import Any

import orjson

from chassis.binding import Id
from chassis.errors import BadRequest
from chassis.messages import ADMIN, MANAGER, SUPERVISOR, Upload
from chassis.operations import command
from chassis.policy import Policy, admins
from chassis.resources import Record
from chassis.unit import Unit
from contracts.access import project_managers, project_of, role_in
from contracts.task_access import supervises
from services.imports.knowledge import Knowledge, know
from services.imports.spreadsheets import RowError, Sheet, cell, need, plan, read_sheet, whole

NO_FILE = "The browser (or proxy) sent a request that this server could not understand."
FILE_LIMIT = 64 * 1024 * 1024


def sheet_of(unit: Unit, files: list[Upload]) -> Sheet:
    """Return the sheet of the uploaded field `file`. Raises BadRequest."""
    upload = next((each for each in files if each.field == "file"), None)
    if upload is None:
        raise BadRequest(NO_FILE)
    if upload.size > FILE_LIMIT:
        raise BadRequest(f"A spreadsheet may have {FILE_LIMIT} bytes at most: split it.")
    return read_sheet(b"".join(unit.setting("store").open(upload.key)))


def _reply(unit: Unit, operation: str, path: dict[str, str], body: Any) -> Any:
    return orjson.loads(unit.ask(operation, path, body).read())


def _bring_in(unit: Unit, project: Record, kind: str, sheet: Sheet, make: Any, update: bool) -> list[Any]:
    """Import entities with their tasks; rows before a refused one stay. Raises WrongRow."""
    rows, refusal = plan(sheet, make)
    found: list[Any] = []
    if rows:
        path = {"project_id": project.id}
        body = {"kind": kind, "rows": [row["entity"] for row in rows], "update": update}
        answer = _reply(unit, "production.import_entities", path, body)
        found = answer["entities"]
        tasks = [
            {"entity_id": entity["id"], **task}
            for entity, row, touched in zip(found, rows, answer["touched"], strict=True)
            for task in row["tasks"]
            if touched
        ]
        if tasks:
            _reply(unit, "tasks.import_tasks", path, {"rows": tasks})
    if refusal is not None:
        raise refusal
    return found


def _refuse_episodes(project: Record, row: dict[str, str]) -> None:
    if "Episode" in row and project["production_type"] != "tvshow":
        raise RowError("An episode column is present for a production that isn't a TV Show")


def _more(known: Knowledge, row: dict[str, str]) -> dict[str, Any]:
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
    """Import assets with tasks and metadata. Source: POST /import/csv/projects/{project_id}/assets."""
    sheet, project = sheet_of(unit, files), unit.need("project", project_id)
    known = know(unit, project, "Asset", sheet)
    configured = unit.many("entity_type", project["asset_types"] or [])
    names = {record["name"].lower() for record in configured.values()}

    def make(row: dict[str, str]) -> dict[str, Any]:
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

    return _bring_in(unit, project, "asset", sheet, make, update)


@command(allow=project_managers, status=201)
def import_shots(unit: Unit, project_id: Id, *, update: bool = False, files: list[Upload]) -> list[Any]:
    """Import shots with frames, tasks and metadata. Source: POST /import/csv/projects/{project_id}/shots."""
    sheet, project = sheet_of(unit, files), unit.need("project", project_id)
    known = know(unit, project, "Shot", sheet)

    def make(row: dict[str, str]) -> dict[str, Any]:
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

    return _bring_in(unit, project, "shot", sheet, make, update)


@command(allow=project_managers, status=201)
def import_edits(unit: Unit, project_id: Id, *, update: bool = False, files: list[Upload]) -> list[Any]:
    """Import edits with tasks and metadata. Source: POST /import/csv/projects/{project_id}/edits."""
    sheet, project = sheet_of(unit, files), unit.need("project", project_id)
    known = know(unit, project, "Edit", sheet)

    def make(row: dict[str, str]) -> dict[str, Any]:
        _refuse_episodes(project, row)
        name = need(row, "Name")
        if not name:
            raise RowError("A name is required in the Name column")
        return {"entity": {"name": name, **_more(known, row)}, "tasks": known.tasks(row)}

    return _bring_in(unit, project, "edit", sheet, make, update)


@command(allow=project_managers, status=201)
def import_casting(unit: Unit, project_id: Id, *, files: list[Upload]) -> list[None]:
    """Import who plays in what. Source: POST /import/csv/projects/{project_id}/casting."""
    sheet, project = sheet_of(unit, files), unit.need("project", project_id)
    index = _Castable(unit, project)
    rows, refusal = plan(sheet, index.row)
    if rows:
        unit.ask("production.import_casting", {"project_id": project.id}, {"rows": rows})
    if refusal is not None:
        raise refusal
    return [None] * len(rows)


class _Castable:
    """The assets and the things they are cast in, by name."""

    def __init__(self, unit: Unit, project: Record) -> None:
        self.tv = project["production_type"] == "tvshow"
        types = {record.id: record["name"].lower() for record in unit.find("entity_type")}
        found = unit.find("entity", "t.project_id = %s", (project.id,))
        names = {record.id: record for record in found}
        self.assets = {
            (types.get(r["entity_type_id"], ""), r["name"].lower()): r.id for r in found if r["kind"] == "asset"
        }
        self.targets: dict[tuple[str, str, str], str] = {}
        for record in found:
            parent = names.get(record["parent_id"])
            top = names.get(parent["parent_id"]) if parent else None
            first = parent["name"] if parent else types.get(record["entity_type_id"], "")
            self.targets[(top["name"].lower() if top else "", first.lower(), record["name"].lower())] = record.id

    def row(self, row: dict[str, str]) -> dict[str, Any]:
        """Return {entity_id, asset_id, nb_occurences, label}. Raises RowError."""
        kind, asset = need(row, "Asset Type").lower(), need(row, "Asset").lower()
        parent, name = need(row, "Parent").lower(), need(row, "Name").lower()
        asset_id = self.assets.get((kind, asset))
        if asset_id is None:
            raise RowError(f"Asset not found for {row['Asset Type']} / {row['Asset']}")
        episode = cell(row, "Episode").lower() if self.tv else ""
        entity_id = self.targets.get((episode, parent, name)) or self.targets.get(("", parent, name))
        if entity_id is None:
            raise RowError(f"Entity not found for {row['Parent']} / {row['Name']}")
        number = whole(cell(row, "Occurences", "Occurrences"), "Occurences")
        return {
            "entity_id": entity_id,
            "asset_id": asset_id,
            "nb_occurences": 1 if number is None else number,
            "label": cell(row, "Label"),
        }


@command(allow=admins, status=201)
def import_persons(unit: Unit, *, update: bool = False, files: list[Upload]) -> list[Any]:
    """Import people, known ones by e-mail. Source: POST /import/csv/persons."""
    sheet = sheet_of(unit, files)
    departments = {record["name"].lower(): record.id for record in unit.find("department")}
    studios = {record["name"].lower(): record.id for record in unit.find("studio")}
    rows, refusal = plan(sheet, lambda row: _person(row, departments, studios))
    found = _reply(unit, "auth.import_persons", {}, {"rows": rows, "update": update}) if rows else []
    if refusal is not None:
        raise refusal
    return list(found)


OPTIONAL = {"Phone": "phone", "Country": "country", "Contract Type": "contract_type", "Position": "position",
            "Seniority": "seniority"}  # fmt: skip


def _person(row: dict[str, str], departments: dict[str, str], studios: dict[str, str]) -> dict[str, Any]:
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


def _places(row: dict[str, str], departments: dict[str, str], studios: dict[str, str]) -> dict[str, Any]:
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
    rows, refusal = plan(sheet, lambda row: _estimation(row, tasks, minutes))
    if rows:
        unit.ask("tasks.import_estimations", {"project_id": project_id}, {"rows": rows})
    if refusal is not None:
        raise refusal
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


def _estimation(row: dict[str, str], tasks: dict[tuple[str, str], str], minutes: float) -> dict[str, Any]:
    parent, name = need(row, "Parent").lower(), need(row, "Entity").lower()
    task_id = tasks.get((parent, name))
    if task_id is None:
        raise RowError(f"Task not found for {row['Parent']} / {row['Entity']}")
    changes: dict[str, Any] = {}
    text = cell(row, "Estimation").replace(",", ".")
    if text:
        try:
            changes["estimation"] = round(float(text) * minutes)
        except ValueError:
            raise RowError(f"Estimation must be a number, not {text}") from None
    for column, key in (("Drawings", "nb_drawings"), ("Difficulty", "difficulty")):
        number = whole(cell(row, column), column)
        if number is not None:
            changes[key] = number
    for column, key in (("Start date", "start_date"), ("Due date", "due_date")):
        if cell(row, column, column.title()):
            changes[key] = cell(row, column, column.title())
    return {"task_id": task_id, "changes": changes}
