"""Preview files: a slot per revision of a task, then a picture that fills it, with thumbnails ready at once."""

import tempfile
from pathlib import Path
from typing import Any

import orjson

from chassis.binding import Id, is_uuid
from chassis.errors import BadRequest, Invalid, NotFound
from chassis.messages import ADMIN, CLIENT, MANAGER, Reply, Upload
from chassis.operations import command, query
from chassis.policy import Policy
from chassis.resources import Record
from chassis.storage import ObjectStore, media_key
from chassis.unit import Unit
from contracts.access import role_in
from services.media.transcoding import BrokenPicture
from services.media.transcoding.pictures import make_variants_apart, probe_picture

PICTURES = ("jpe", "jpeg", "jpg", "png")
WAITING = "Preview file is still processing."


def _task_of(unit: Unit, path: Any) -> Record:
    if "task_id" in path:
        return unit.need("task", path["task_id"])
    id_ = path.get("instance_id") or path.get("preview_file_id") or ""
    if not is_uuid(id_):
        raise Invalid("Malformed ID.")
    return unit.need("task", unit.need("preview_file", id_)["task_id"])


def _may_publish(unit: Unit, path: Any) -> bool:
    task = _task_of(unit, path)
    role = role_in(unit, unit.need("project", task["project_id"]))
    return role in (ADMIN, MANAGER, CLIENT) or (role is not None and unit.actor.person_id in (task["assignees"] or []))


publishers = Policy("assignee, manager or client of the project", _may_publish)
viewers = Policy(
    "project team of the task",
    lambda unit, path: role_in(unit, unit.need("project", _task_of(unit, path)["project_id"])) is not None,
)


@command(allow=publishers, status=201)
def add_preview(unit: Unit, task_id: Id, comment_id: Id, *, revision: int = 0) -> Record:
    """Open a slot for a preview; revision 0 means the next one. Raises Invalid for a revision that is taken.

    Source: POST /actions/tasks/{task_id}/comments/{comment_id}/add-preview.
    """
    task = unit.need("task", task_id)
    comment = unit.need("comment", comment_id)
    if comment["object_id"] != task.id:
        raise NotFound
    known = unit.find("preview_file", "t.task_id = %s", (task.id,), "t.revision, t.position")
    mine = set(comment["previews"] or [])
    siblings = [p for p in known if p.id in mine]
    revision = revision or (siblings[0]["revision"] if siblings else max((p["revision"] for p in known), default=0) + 1)
    if any(p["revision"] == revision and p.id not in mine for p in known):
        raise Invalid(f"Revision {revision} is already taken.")
    names = (unit.need("project", task["project_id"])["name"], unit.need("entity", task["entity_id"])["name"])
    fields = {
        "name": "_".join((*names, f"v{revision}")).lower().replace(" ", "_")[:250],
        "revision": revision,
        "position": len(siblings) + 1,
        "task_id": task.id,
        "person_id": unit.actor.person_id,
        "source": "webgui",
    }
    preview = unit.create("preview_file", fields, project_id=task["project_id"])
    unit.ask("tasks.attach_preview", {"comment_id": comment_id}, {"preview_file_id": preview.id})
    return preview


@command(allow=publishers, status=201)
def upload_preview(unit: Unit, instance_id: Id, *, files: list[Upload]) -> Record | Reply:
    """Fill a slot with a picture; its thumbnails are ready when the answer arrives.

    A file that is no picture ends `broken`; a wrong extension takes the slot away.
    Source: POST /pictures/preview-files/{instance_id}.
    """
    preview = unit.need("preview_file", instance_id)
    upload = next((f for f in files if f.field == "file"), None)
    if upload is None:
        raise BadRequest("File not provided.")
    extension = upload.filename.rpartition(".")[2].lower()
    if extension not in PICTURES:
        unit.delete(preview)
        body = {"error": True, "message": f"Wrong file format, extension: {extension}", "data": None}
        return Reply(400, orjson.dumps(body))
    facts = {"original_name": upload.filename.rpartition(".")[0][:250], "extension": "png", "file_size": upload.size}
    try:
        facts.update(_store_variants(unit.setting("store"), upload.key, preview.id))
    except BrokenPicture as broken:
        return unit.update(preview, {**facts, "status": "broken", "data": {"reason": str(broken)}})
    facts["status"] = "ready"
    event = ("preview-file:add-file", {"preview_file_id": preview.id, "project_id": preview.project_id})
    unit.announce(*event)
    task = unit.need("task", preview["task_id"])
    unit.ask("tasks.mark_preview", {"task_id": task.id}, {"preview_file_id": preview.id})
    return unit.update(preview, facts)


def _store_variants(store: ObjectStore, key: str, preview_id: str) -> dict[str, int]:
    """Write all sizes into the store, the thumbnails last; nothing stays when one fails. Raises BrokenPicture."""
    stored: list[str] = []
    with store.local_path(key) as source, tempfile.TemporaryDirectory(prefix="kiroku-") as folder:
        picture = probe_picture(source)
        try:
            for prefix, path in make_variants_apart(source, Path(folder)).items():
                target = media_key("pictures", prefix, preview_id)
                with path.open("rb") as file:
                    store.put(target, file)
                stored.append(target)
        except BaseException:
            for target in stored:
                store.delete(target)
            raise
    return {"width": picture.width, "height": picture.height}


def _picture(unit: Unit, instance_id: str, prefix: str) -> Reply:
    preview = unit.need("preview_file", instance_id)
    if preview["status"] == "processing":
        raise NotFound(WAITING)
    return Reply(file=media_key("pictures", prefix, preview.id), content_type="image/png")


@query(allow=viewers, wrong_id="Malformed ID.")
def get_thumbnail(unit: Unit, instance_id: Id) -> Reply:
    """Return the picture of 150 × 100. Source: GET /pictures/thumbnails/preview-files/{instance_id}.png."""
    return _picture(unit, instance_id, "thumbnails")


@query(allow=viewers, wrong_id="Malformed ID.")
def get_square_thumbnail(unit: Unit, instance_id: Id) -> Reply:
    """Return the picture of 100 × 100. Source: GET /pictures/thumbnails-square/preview-files/{instance_id}.png."""
    return _picture(unit, instance_id, "thumbnails-square")


@query(allow=viewers, wrong_id="Malformed ID.")
def get_preview_picture(unit: Unit, instance_id: Id) -> Reply:
    """Return the picture 1200 wide. Source: GET /pictures/previews/preview-files/{instance_id}.png."""
    return _picture(unit, instance_id, "previews")


@query(allow=viewers, wrong_id="Malformed ID.")
def get_original(unit: Unit, instance_id: Id, extension: str) -> Reply:
    """Return the picture as published. Source: GET /pictures/originals/preview-files/{instance_id}.{extension}."""
    if extension.lower() not in PICTURES:
        raise Invalid(f"Extension not allowed: {extension}")
    return _picture(unit, instance_id, "original")


@command(allow=viewers)
def set_main_preview(unit: Unit, preview_file_id: Id, *, frame_number: int | None = None) -> dict[str, Any]:
    """Make a preview the picture of its entity.

    Source: PUT /actions/preview-files/{preview_file_id}/set-main-preview.
    """
    preview = unit.need("preview_file", preview_file_id)
    if frame_number is not None and preview["extension"] != "mp4":
        raise Invalid("frame_number is for movies alone.")
    task = unit.need("task", preview["task_id"])
    reply = unit.ask("production.set_entity_preview", {"entity_id": task["entity_id"]}, {"preview_file_id": preview.id})
    return {**orjson.loads(reply.read()), "preview_file_status": preview["status"]}
