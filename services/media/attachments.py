"""Files that come with comments and replies."""

import mimetypes
from collections.abc import Mapping
from typing import Any

from chassis.binding import Id
from chassis.errors import Forbidden, NotFound
from chassis.events import Event
from chassis.messages import ADMIN, MANAGER, Reply, Upload
from chassis.operations import command, query
from chassis.policy import Policy, admins, nobody
from chassis.resources import Record
from chassis.spec import is_deletion, reacts
from chassis.storage import media_key
from chassis.unit import Unit
from contracts.task_access import may_see_entity, role_on
from services.media.serving import disposition
from services.media.storing import parts_of, store_of
from services.media.transcoding import BrokenPicture
from services.media.transcoding.pictures import make_attachment_thumbnail

INLINE = ("image/png", "image/jpeg", "image/gif", "image/webp", "video/mp4", "application/pdf", "text/plain")
THUMBNAILS = ("png", "jpg", "jpeg", "gif", "webp")


def _may_attach(unit: Unit, path: Mapping[str, str]) -> bool:
    task, comment = unit.need("task", path["task_id"]), unit.need("comment", path["comment_id"])
    if comment["object_id"] != task.id:
        raise Forbidden
    role = role_on(unit, task)
    return role in (ADMIN, MANAGER) or (role is not None and comment["person_id"] == unit.actor.person_id)


def _may_read(unit: Unit, path: Mapping[str, str]) -> bool:
    file = unit.need("attachment_file", path["attachment_file_id"])
    comment = unit.get("comment", file["comment_id"])
    if comment is None:
        return unit.actor.role == ADMIN
    task = unit.need("task", comment["object_id"])
    return may_see_entity(unit, task["project_id"], task["entity_id"])


attachers = Policy("author of the comment or manager", _may_attach)
readers = Policy("readers of the comment's task", _may_read)


def attach(unit: Unit, files: list[Upload], fields: Mapping[str, Any], project_id: str | None) -> list[dict[str, Any]]:
    """Keep `files` as attachments with `fields`; return [{id, name, extension, size}]."""
    store, found = store_of(unit), []
    for upload in files:
        name, extension = upload.filename[-250:], parts_of(upload.filename)[1][:6]
        kind = mimetypes.guess_type(upload.filename)[0] or "application/octet-stream"
        facts = {"name": name, "extension": extension, "size": upload.size, "mimetype": kind, **fields}
        record = unit.create("attachment_file", facts, project_id=project_id)
        store.copy(upload.key, media_key("files", "attachments", record.id))
        found.append({"id": record.id, "name": name, "extension": extension, "size": upload.size})
    return found


@command(allow=attachers, status=201)
def add_attachment(unit: Unit, task_id: Id, comment_id: Id, *, files: list[Upload]) -> list[dict[str, Any]]:
    """Attach files to a comment, whatever their form fields are called; return those of this call.

    Source: POST /actions/tasks/{task_id}/comments/{comment_id}/add-attachment.
    """
    project_id, comment = unit.need("task", task_id)["project_id"], unit.need("comment", comment_id)
    found = attach(unit, files, {"comment_id": comment_id}, project_id)
    if found:
        about = {"person_id": comment["person_id"], "for_client": comment["for_client"], "project_id": project_id}
        unit.announce("comment:update", {"comment_id": comment_id, "task_id": task_id, **about})
    return found


@command(allow=nobody, status=201)
def attach_files(unit: Unit, *, body: Any) -> list[dict[str, Any]]:
    """Attach uploads {field, filename, key, size} to a comment or reply that is just being written; asked by tasks.

    body: {uploads, project_id, comment_id?, reply_id?, chat_message_id?}.
    """
    files = [Upload(**each) for each in body["uploads"]]
    fields = {key: body.get(key) for key in ("comment_id", "reply_id", "chat_message_id")}
    return attach(unit, files, fields, body.get("project_id"))


@command(allow=attachers)
def remove_attachment(unit: Unit, task_id: Id, comment_id: Id, attachment_file_id: Id) -> None:
    """Take a file off a comment.

    Source: DELETE /data/tasks/{task_id}/comments/{comment_id}/attachments/{attachment_file_id}.
    """
    file = unit.need("attachment_file", attachment_file_id)
    if file["comment_id"] != comment_id:
        raise NotFound
    unit.delete(file)


@query(allow=readers)
def get_attachment(unit: Unit, attachment_file_id: Id, file_name: str) -> Reply:
    """Return the file; safe kinds are shown, others saved.

    Source: GET /data/attachment-files/{attachment_file_id}/file/{file_name}.
    """
    file = unit.need("attachment_file", attachment_file_id)
    kind = file["mimetype"] if file["mimetype"] in INLINE else "application/octet-stream"
    headers = {} if kind in INLINE else {"Content-Disposition": disposition(file["name"] or file_name)}
    return Reply(file=media_key("files", "attachments", file.id), content_type=kind, headers=headers)


@query(allow=readers)
def get_attachment_thumbnail(unit: Unit, attachment_file_id: Id) -> Reply:
    """Return an attached picture at 150 × 150, made on first use.

    Source: GET /pictures/thumbnails/attachment-files/{attachment_file_id}.png.
    """
    import tempfile
    from pathlib import Path

    file, store = unit.need("attachment_file", attachment_file_id), store_of(unit)
    target, source = media_key("pictures", "thumbnails", file.id), media_key("files", "attachments", file.id)
    if not store.exists(target):
        if (file["extension"] or "").lower() not in THUMBNAILS or not store.exists(source):
            raise NotFound
        with store.local_path(source) as path, tempfile.TemporaryDirectory(prefix="kiroku-") as folder:
            try:
                made = make_attachment_thumbnail(path, Path(folder) / "thumbnail.png")
            except BrokenPicture:
                raise NotFound from None
            with made.open("rb") as picture:
                store.put(target, picture)
    return Reply(file=target, content_type="image/png")


@query(allow=admins)
def list_project_attachments(unit: Unit, project_id: Id) -> bytes:
    """List attachments of a project. Source: GET /data/projects/{project_id}/attachment-files."""
    unit.need("project", project_id)
    return unit.docs("attachment_file", "t.project_id = %s", (project_id,), "t.created_at")


@query(allow=admins)
def list_task_attachments(unit: Unit, task_id: Id) -> bytes:
    """List attachments of a task's comments. Source: GET /data/tasks/{task_id}/attachment-files."""
    unit.need("task", task_id)
    where = "t.comment_id IN (SELECT c.id FROM comment c WHERE c.object_id = %s)"
    return unit.docs("attachment_file", where, (task_id,), "t.created_at")


@reacts("comment", when=is_deletion)
def follow_comments(unit: Unit, event: Event, comment: Record | None) -> None:
    """Take the attachments of a deleted comment away."""
    for file in unit.find("attachment_file", "t.comment_id = %s", (event.id,)):
        unit.delete(file)


@reacts("task", when=is_deletion)
def follow_tasks(unit: Unit, event: Event, task: Record | None) -> None:
    """Take the previews of a deleted task away; their bytes stay, as what is deleted may be restored."""
    for preview in unit.find("preview_file", "t.task_id = %s", (event.id,)):
        unit.delete(preview)
