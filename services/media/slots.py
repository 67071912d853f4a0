"""Preview slots: opened for a comment, filled once by an upload, moved, and taken away."""

from typing import Any

import orjson

from chassis.binding import Id
from chassis.errors import Invalid, NotFound
from chassis.messages import Reply, Upload
from chassis.operations import command, query
from chassis.policy import nobody
from chassis.resources import Record
from chassis.storage import media_key
from chassis.unit import Unit
from services.media.access import preview_managers, publishers, task_viewers
from services.media.storing import FILES, MOVIES, PICTURES, keys_of, parts_of, store_of, store_picture, the_file
from services.media.transcoding import BrokenPicture


@command(allow=publishers, status=201)
def add_preview(unit: Unit, task_id: Id, comment_id: Id, *, revision: int | None = 0) -> Record:
    """Open a slot for a preview; revision 0 means the next one. Raises Invalid for a revision that is taken.

    Source: POST /actions/tasks/{task_id}/comments/{comment_id}/add-preview.
    """
    task, comment = unit.need("task", task_id), _comment(unit, task_id, comment_id)
    known = unit.find("preview_file", "t.task_id = %s", (task.id,), "t.revision, t.position")
    mine = set(comment["previews"] or [])
    siblings = [p for p in known if p.id in mine]
    revision = revision or (siblings[0]["revision"] if siblings else max((p["revision"] for p in known), default=0) + 1)
    if any(p["revision"] == revision and p.id not in mine for p in known):
        raise Invalid(f"Revision {revision} is already taken.")
    return _open(unit, task, comment, revision, len(siblings) + 1)


@command(allow=publishers, status=201)
def add_extra_preview(unit: Unit, task_id: Id, comment_id: Id, preview_file_id: Id) -> Record:
    """Open one more slot in the revision of a preview.

    Source: POST /actions/tasks/{task_id}/comments/{comment_id}/preview-files/{preview_file_id}.
    """
    task, comment = unit.need("task", task_id), _comment(unit, task_id, comment_id)
    first = unit.need("preview_file", preview_file_id)
    if first["task_id"] != task.id:
        raise NotFound
    where = "t.task_id = %s AND t.revision = %s"
    return _open(
        unit, task, comment, first["revision"], unit.count("preview_file", where, (task.id, first["revision"])) + 1
    )


def _comment(unit: Unit, task_id: str, comment_id: str) -> Record:
    comment = unit.need("comment", comment_id)
    if comment["object_id"] != task_id:
        raise NotFound
    return comment


def _open(unit: Unit, task: Record, comment: Record, revision: int, position: int) -> Record:
    project = unit.need("project", task["project_id"])
    if position > 1 and project["is_single_preview_per_revision"]:
        raise Invalid("This production allows a single preview per revision.")
    entity = unit.need("entity", task["entity_id"])
    task_type = unit.get("task_type", task["task_type_id"])
    words = (project["name"], entity["name"], task_type["name"] if task_type else "", f"v{revision}")
    name = "_".join(word for word in words if word).lower().replace(" ", "_")
    fields = {
        "name": f"{name}_{position}"[-250:] if position > 1 else name[-250:],
        "revision": revision,
        "position": position,
        "task_id": task.id,
        "person_id": unit.actor.person_id,
        "source": "webgui",
    }
    payload: dict[str, Any] = {"comment_id": comment.id, "project_id": task["project_id"]}
    preview = unit.create("preview_file", fields, project_id=task["project_id"], live=[])
    unit.announce("preview-file:new", {"preview_file_id": preview.id, **payload})
    unit.ask("tasks.attach_preview", {"comment_id": comment.id}, {"preview_file_id": preview.id})
    return preview


@command(allow=publishers, status=201)
def upload_preview(unit: Unit, instance_id: Id, *, normalize: bool = True, files: list[Upload]) -> Record | Reply:
    """Fill a slot, once. Pictures are ready when the answer arrives, movies once they are converted.

    A picture that cannot be read ends `broken`; a file of an unknown kind takes the slot away (400).
    Source: POST /pictures/preview-files/{instance_id}.
    """
    preview = unit.need("preview_file", instance_id)
    upload = the_file(files)
    if preview["status"] != "processing" or preview["stage"]:
        raise Invalid("This preview has its file already: open a new slot for another one.")
    name, extension = parts_of(upload.filename)
    facts = {"original_name": name, "file_size": upload.size, "original_file_size": upload.size}
    if extension in PICTURES:
        return _fill_picture(unit, preview, upload, facts)
    if extension in MOVIES:
        store_of(unit).copy(upload.key, media_key("movies", "source", preview.id))
        stage = "stored" if normalize else "as-is"
        return _filled(unit, preview, {**facts, "extension": "mp4", "stage": stage, "is_movie": True})
    if extension in FILES:
        store_of(unit).copy(upload.key, media_key("files", "previews", preview.id))
        return _filled(unit, preview, {**facts, "extension": extension, "status": "ready", "stage": "done"})
    _take_away(unit, preview)
    body = {"error": True, "message": f"Wrong file format, extension: {extension}", "data": None}
    return Reply(400, orjson.dumps(body))


def _fill_picture(unit: Unit, preview: Record, upload: Upload, facts: dict[str, Any]) -> Record:
    facts = {**facts, "extension": "png", "stage": "done"}
    try:
        size = store_picture(store_of(unit), upload.key, preview.id)
    except BrokenPicture as broken:
        changes = {**facts, "status": "broken", "data": {"reason": broken.reason}}
        return unit.update(preview, changes, live=[_status(preview, "broken")])
    facts.update(size, status="ready", original_width=size["width"], original_height=size["height"])
    return _filled(unit, preview, facts)


def _filled(unit: Unit, preview: Record, facts: dict[str, Any]) -> Record:
    """Note what was uploaded, tell everybody, make it the newest preview of its task."""
    comment = unit.first("comment", "t.previews @> ARRAY[%s]::uuid[]", (preview.id,))
    status = facts.get("status", "processing")
    payload = {
        "comment_id": comment.id if comment else None,
        "task_id": preview["task_id"],
        "preview_file_id": preview.id,
        "revision": preview["revision"],
        "extension": facts["extension"],
        "status": status,
        "project_id": preview.project_id,
    }
    changed = unit.update(preview, facts, live=[("preview-file:add-file", payload), _status(preview, status)])
    unit.ask("tasks.mark_preview", {"task_id": preview["task_id"]}, {"preview_file_id": preview.id})
    if status == "ready":
        show_if_wanted(unit, changed)
    return changed


def _status(preview: Record, status: str) -> tuple[str, dict[str, Any]]:
    ids = {"preview_file_id": preview.id, "project_id": preview.project_id}
    return "preview-file:update", {**ids, "status": status}


def show_if_wanted(unit: Unit, preview: Record) -> None:
    """Make a ready preview the picture of its entity where the production wants that by itself."""
    task = unit.need("task", preview["task_id"])
    if unit.need("project", task["project_id"])["is_set_preview_automated"]:
        unit.ask("production.set_entity_preview", {"entity_id": task["entity_id"]}, {"preview_file_id": preview.id})


@command(allow=nobody)
def finish_movie(unit: Unit, preview_file_id: Id, *, body: Any) -> Record:
    """Note that a movie is converted: width, height, duration, file_size. Asked by the conversion."""
    preview = unit.need("preview_file", preview_file_id)
    changed = unit.update(
        preview, {**body, "status": "ready", "stage": "done"}, name="media.preview-file-converted",
        live=[_status(preview, "ready")],
    )  # fmt: skip
    show_if_wanted(unit, changed)
    return changed


@command(allow=nobody)
def break_movie(unit: Unit, preview_file_id: Id, *, reason: str) -> Record:
    """Note that a movie cannot be converted, and why. Asked by the conversion."""
    preview = unit.need("preview_file", preview_file_id)
    changes = {"status": "broken", "stage": "done", "data": {"reason": reason}}
    return unit.update(preview, changes, name="media.preview-file-broken", live=[_status(preview, "broken")])


@query(allow=task_viewers)
def list_task_previews(unit: Unit, task_id: Id) -> bytes:
    """List the previews of a task, newest revision first. Source: GET /data/tasks/{task_id}/previews."""
    return unit.docs("preview_file", "t.task_id = %s", (task_id,), "t.revision DESC, t.position")


def _take_away(unit: Unit, preview: Record) -> None:
    """Delete a preview with its files, and take it off its comment, its task and its entity."""
    unit.delete(preview)
    task = unit.get("task", preview["task_id"])
    newest = unit.first("preview_file", "t.task_id = %s", (preview["task_id"],), "t.revision DESC, t.position")
    body = {"preview_file_id": preview.id, "newest_id": newest.id if newest else None}
    if task is not None:
        unit.ask("tasks.detach_preview", {"task_id": task.id}, body)
        unit.ask("production.drop_entity_preview", {"entity_id": task["entity_id"]}, body)
    store = store_of(unit)
    for key in keys_of(preview.id):
        store.delete(key)


@command(allow=preview_managers, wrong_id="Malformed ID.")
def delete_preview_file(unit: Unit, instance_id: Id) -> None:
    """Delete a preview with its files. Source: DELETE /data/preview-files/{instance_id}."""
    _take_away(unit, unit.need("preview_file", instance_id))


@command(allow=publishers)
def remove_preview(unit: Unit, task_id: Id, comment_id: Id, preview_file_id: Id) -> None:
    """Delete a preview of a comment.

    Source: DELETE /actions/tasks/{task_id}/comments/{comment_id}/preview-files/{preview_file_id}.
    """
    comment, preview = _comment(unit, task_id, comment_id), unit.need("preview_file", preview_file_id)
    if preview.id not in (comment["previews"] or []):
        raise NotFound
    _take_away(unit, preview)


@command(allow=publishers)
def move_preview(unit: Unit, preview_file_id: Id, *, position: int = 0) -> list[Record]:
    """Move a preview inside its revision, whose previews are returned in the new order.

    Source: PUT /actions/preview-files/{preview_file_id}/update-position.
    """
    preview = unit.need("preview_file", preview_file_id)
    where, args = "t.task_id = %s AND t.revision = %s", (preview["task_id"], preview["revision"])
    row = [p for p in unit.find("preview_file", where, args, "t.position, t.created_at") if p.id != preview.id]
    if 0 < position <= len(row) + 1:
        row.insert(position - 1, preview)
    else:
        row = unit.find("preview_file", where, args, "t.position, t.created_at")
    return [unit.update(each, {"position": number}) for number, each in enumerate(row, start=1)]
