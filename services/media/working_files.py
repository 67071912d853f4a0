"""Working files: what artists save while they work, one revision after another."""

from collections.abc import Mapping
from typing import Any

import orjson

from chassis.binding import Id, is_uuid
from chassis.crud import render
from chassis.errors import Invalid, NotFound
from chassis.messages import Reply, Upload
from chassis.operations import command, query
from chassis.policy import Policy, nobody
from chassis.resources import Record
from chassis.storage import media_key
from chassis.unit import Unit
from contracts.task_access import may_act, may_see_entity
from services.media.access import task_viewers
from services.media.file_access import entity_team
from services.media.file_elements import malformed, task_path
from services.media.file_paths import MalformedTree
from services.media.file_rules import Filled, FilledName, Name, Revision, fits_path, take_turn
from services.media.storing import store_of, the_file

BLENDER = {"name": "Blender", "short_name": "bdr", "file_extension": ".blend"}


def _file(unit: Unit, path: Mapping[str, str]) -> Record:
    return unit.need("working_file", path.get("working_file_id") or path.get("instance_id"))


def _task(unit: Unit, path: Mapping[str, str]) -> Record:
    return unit.need("task", _file(unit, path)["task_id"])


def _reads(unit: Unit, path: Mapping[str, str]) -> bool:
    task = _task(unit, path)
    return may_see_entity(unit, task["project_id"], task["entity_id"])


readers = Policy("team of the file's task, vendors with a task on its entity", _reads)
editors = Policy(
    "assignee, creator, supervisor, manager or client", lambda unit, path: may_act(unit, _task(unit, path))
)


def software_of(unit: Unit, software_id: str | None, default: dict[str, str]) -> str:
    """Return the id of the software given, else of the `default` one, which is made on first use. Raises NotFound."""
    if software_id:
        if not is_uuid(software_id) or unit.get("software", software_id) is None:
            raise NotFound
        return software_id
    found = unit.first("software", "t.name = %s", (default["name"],))
    if found is not None:
        return found.id
    made: str = orjson.loads(unit.ask("production.make_software", {}, default).read())["id"]
    return made


def next_revision(unit: Unit, task: Record, name: str) -> int:
    """Return the number after the newest revision of a name on a task."""
    statement = "SELECT coalesce(max(revision), 0) + 1 FROM working_file WHERE task_id = %s AND name = %s"
    found: int = unit.rows(statement, (task.id, name))[0][0]
    return found


@query(allow=readers, wrong_id="Malformed ID.")
def get_working_file(unit: Unit, instance_id: Id) -> Reply:
    """Return a working file, with its outputs unless relations=false. Source: GET /data/working-files/{instance_id}."""
    record = unit.need("working_file", instance_id)
    body = render(unit.resource("working_file"), record, unit.request.truth("relations", True))
    return Reply(body=body, headers={"X-Version": str(record.version)})


@query(allow=task_viewers)
def list_task_working_files(unit: Unit, task_id: Id) -> bytes:
    """List the working files of a task, newest first. Source: GET /data/tasks/{task_id}/working-files."""
    unit.need("task", task_id)
    return unit.docs("working_file", "t.task_id = %s", (task_id,), "t.revision DESC, t.created_at DESC")


@query(allow=task_viewers)
def list_last_working_files(unit: Unit, task_id: Id) -> dict[str, Any]:
    """Return the newest working file of each name. Source: GET /data/tasks/{task_id}/working-files/last-revisions."""
    found = unit.find("working_file", "t.task_id = %s", (task_id,), "t.revision")
    resource = unit.resource("working_file")
    return {record["name"]: orjson.loads(resource.doc(record)) for record in found}


@query(allow=entity_team)
def list_entity_working_files(
    unit: Unit, entity_id: Id, *, task_id: str | None = None, name: str | None = None
) -> bytes:
    """List the working files of an entity, newest first. Source: GET /data/entities/{entity_id}/working-files."""
    where: list[str] = ["t.entity_id = %s"]
    args: list[str] = [entity_id]
    if task_id:
        if not is_uuid(task_id):
            raise Invalid("Wrong UUID format.")
        where.append("t.task_id = %s")
        args.append(task_id)
    if name:
        where.append("t.name = %s")
        args.append(name)
    return unit.docs("working_file", " AND ".join(where), args, "t.revision DESC, t.created_at DESC")


@command(allow=task_viewers)
def build_working_file_path(
    unit: Unit,
    task_id: Id,
    *,
    body: Any,
    name: Name = "main",
    mode: str = "working",
    software_id: str | None = None,
    comment: str = "",
    revision: Revision = 0,
    sep: str = "/",
) -> Reply:
    """Return {path: folder, name: file name}; revision 0 means the next one.

    Raises DomainError for a malformed file tree. Source: POST /data/tasks/{task_id}/working-file-path.
    """
    task = unit.need("task", task_id)
    software = unit.get("software", software_id) if software_id and is_uuid(software_id) else None
    if software_id and software is None:
        raise NotFound
    number = revision or next_revision(unit, task, name)
    try:
        folder, file = task_path(unit, task, mode, name, number, software=software, separator=sep)
    except MalformedTree as problem:
        raise malformed(problem, body) from None
    return Reply(body=orjson.dumps({"path": folder, "name": file}))


@command(allow=task_viewers, status=201)
def create_task_working_file(
    unit: Unit,
    task_id: Id,
    *,
    name: FilledName,
    description: str = "",
    mode: str = "working",
    comment: str = "",
    person_id: str | None = None,
    software_id: str | None = None,
    revision: Revision = 0,
    sep: str = "/",
) -> Record:
    """Register a working file; revision 0 means the next one. Who creates it is assigned to the task.

    Source: POST /data/tasks/{task_id}/working-files/new.
    """
    task = unit.need("task", task_id)
    person = person_id or unit.person_id
    if person_id and (not is_uuid(person_id) or unit.get("person", person_id) is None):
        raise NotFound
    software = software_of(unit, software_id, BLENDER)
    _refuse_twin(unit, task, name, revision)
    if person and person not in (task["assignees"] or []):
        unit.ask("tasks.assign_worker", {"task_id": task.id}, {"person_id": person})
    take_turn(unit, "working_file", task.id)
    _refuse_twin(unit, task, name, revision)
    number = revision or next_revision(unit, task, name)
    path = _path_or_nothing(unit, task, mode, name, number, software, sep)
    facts = {
        "name": name, "description": description or None, "comment": comment, "revision": number, "path": path,
        "task_id": task.id, "entity_id": task["entity_id"], "person_id": person, "software_id": software,
    }  # fmt: skip
    return unit.create("working_file", facts, project_id=task["project_id"])


def _refuse_twin(unit: Unit, task: Record, name: str, revision: int) -> None:
    """Raise Invalid when the revision, 0 for the next one, is taken already."""
    if revision and unit.count(
        "working_file", "t.name = %s AND t.task_id = %s AND t.revision = %s", (name, task.id, revision)
    ):
        raise Invalid("The given working file already exists.")


def _path_or_nothing(
    unit: Unit, task: Record, mode: str, name: str, number: int, software_id: str, separator: str
) -> str:
    """Return the path of a working file; a project without a usable tree gives none."""
    known = unit.get("software", software_id) or Record(
        "software", software_id, 1, dict(BLENDER), None, unit.now, unit.now
    )
    try:
        parts = task_path(unit, task, mode, name, number, software=known, separator=separator)
    except MalformedTree:
        return ""
    path = separator.join(parts)
    if not fits_path(path):
        raise Invalid("The path of the given working file is too long.")
    return path


@command(allow=editors)
def comment_working_file(unit: Unit, working_file_id: Id, *, comment: Filled) -> Record:
    """Set the comment of a working file. Source: PUT /actions/working-files/{working_file_id}/comment."""
    return unit.update(unit.need("working_file", working_file_id), {"comment": comment})


@command(allow=editors)
def touch_working_file(unit: Unit, working_file_id: Id) -> Record:
    """Note that a working file was saved now. Source: PUT /actions/working-files/{working_file_id}/modified."""
    record = unit.need("working_file", working_file_id)
    return unit.note(record, name="media.working-file-saved")


@command(allow=readers, status=201)
def upload_working_file(unit: Unit, working_file_id: Id, *, files: list[Upload]) -> Record:
    """Keep the bytes of a working file. Source: POST /data/working-files/{working_file_id}/file."""
    record, upload = unit.need("working_file", working_file_id), the_file(files)
    store_of(unit).copy(upload.key, media_key("files", "working", record.id))
    if record["size"] != upload.size:
        return unit.update(record, {"size": upload.size}, name="media.working-file-uploaded")
    return unit.note(record, name="media.working-file-uploaded")


@query(allow=readers)
def download_working_file(unit: Unit, working_file_id: Id) -> Reply:
    """Return the bytes of a working file. Source: GET /data/working-files/{working_file_id}/file."""
    key = media_key("files", "working", unit.need("working_file", working_file_id).id)
    return Reply(file=key, content_type="application/octet-stream")


@query(allow=nobody)
def build_preview_path(unit: Unit, task_id: Id, *, body: Any) -> dict[str, str]:
    """Return {folder_path, file_name} of a preview, both empty without a usable tree; body: {name, revision}."""
    task = unit.need("task", task_id)
    try:
        folder, name = task_path(unit, task, "preview", body["name"], body["revision"], software=None)
    except MalformedTree:
        return {"folder_path": "", "file_name": ""}
    return {"folder_path": folder, "file_name": name}
