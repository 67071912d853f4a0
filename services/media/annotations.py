"""Drawings on previews, the picture of an entity, single frames."""

import math
import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson

from chassis.binding import Id
from chassis.errors import Invalid, NotFound
from chassis.messages import Reply
from chassis.operations import command, query
from chassis.resources import Record, wire_datetime
from chassis.storage import media_key
from chassis.unit import Unit
from services.media.access import annotators, choosers, preview_managers, viewers
from services.media.serving import served
from services.media.storing import store_of
from services.media.transcoding import BrokenMedia
from services.media.transcoding.movies import extract_frame
from services.media.transcoding.tiles import make_tiles

Drawing = dict[str, Any]


def merged(known: list[Drawing], additions: list[Any], updates: list[Any], deletions: list[Any]) -> list[Drawing]:
    """Return the annotations after a change: found by time, their objects by id; an empty time vanishes. Pure."""
    by_time = {_time(each): {**each, "drawing": {"objects": list(_objects(each))}} for each in known}
    for change in (*additions, *updates):
        if not isinstance(change, dict):
            continue
        here = by_time.setdefault(_time(change), {**change, "drawing": {"objects": []}})
        objects = here["drawing"]["objects"]
        places = {each.get("id"): place for place, each in enumerate(objects) if each.get("id")}
        for each in _objects(change):
            if each.get("id") in places:
                objects[places[each["id"]]] = each
            else:
                objects.append({"id": str(uuid4()), **each})
    for change in deletions:
        moment = _time(change) if isinstance(change, dict) else None
        if moment in by_time:
            here = by_time[moment]
            gone = {each.get("id") if isinstance(each, dict) else each for each in _named(change)}
            here["drawing"]["objects"] = [each for each in here["drawing"]["objects"] if each.get("id") not in gone]
    return sorted((each for each in by_time.values() if each["drawing"]["objects"]), key=_time)


def _time(annotation: Drawing) -> float:
    try:
        seconds = round(float(annotation.get("time") or 0), 4)
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if not math.isfinite(seconds):
        raise Invalid("The time of an annotation must be a number.")
    return seconds


def _objects(annotation: Drawing) -> list[Drawing]:
    drawing = annotation.get("drawing")
    found = drawing.get("objects") if isinstance(drawing, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _named(change: Drawing) -> list[Any]:
    found = change.get("objects")
    return found if isinstance(found, list) else list(_objects(change))


@command(allow=annotators)
def update_annotations(
    unit: Unit,
    preview_file_id: Id,
    *,
    additions: list[Any] | None = None,
    updates: list[Any] | None = None,
    deletions: list[Any] | None = None,
) -> Record:
    """Add, change and remove drawings. Source: PUT /actions/preview-files/{preview_file_id}/update-annotations."""
    preview = unit.get("preview_file", preview_file_id, lock=True) or unit.need("preview_file", preview_file_id)
    found = merged(preview["annotations"] or [], additions or [], updates or [], deletions or [])
    payload = {
        "preview_file_id": preview.id,
        "person_id": unit.actor.person_id,
        "updated_at": wire_datetime(unit.now),
        "project_id": preview.project_id,
    }
    live = [("preview-file:annotation-update", payload)]
    return unit.update(preview, {"annotations": found}, name="media.preview-file-annotated", live=live)


def _show(unit: Unit, preview: Record) -> dict[str, Any]:
    task = unit.need("task", preview["task_id"])
    body = {"preview_file_id": preview.id, "status": preview["status"]}
    reply = unit.ask("production.set_entity_preview", {"entity_id": task["entity_id"]}, body)
    return {**orjson.loads(reply.read()), "preview_file_status": preview["status"]}


@command(allow=choosers)
def set_main_preview(unit: Unit, preview_file_id: Id, *, frame_number: int | None = None) -> dict[str, Any]:
    """Make a preview the picture of its entity; of a movie, its frame `frame_number` if given.

    Source: PUT /actions/preview-files/{preview_file_id}/set-main-preview.
    """
    preview = unit.need("preview_file", preview_file_id)
    if frame_number is not None:
        if preview["extension"] != "mp4":
            raise Invalid("frame_number is for movies alone.")
        _use_frame(unit, preview, frame_number)
    return _show(unit, preview)


def _use_frame(unit: Unit, preview: Record, frame: int) -> None:
    from services.media.storing import store_picture

    store, key = store_of(unit), f"incoming/{uuid4()}"
    with tempfile.TemporaryDirectory(prefix="kiroku-") as folder:
        picture = _frame(unit, preview, frame, Path(folder))
        with picture.open("rb") as file:
            store.put(key, file)
    try:
        store_picture(store, key, preview.id)
    finally:
        store.delete(key)


def _frame(unit: Unit, preview: Record, frame: int, folder: Path) -> Path:
    key, store = media_key("movies", "previews", preview.id), store_of(unit)
    if preview["extension"] != "mp4" or not store.exists(key):
        raise NotFound("This preview has no movie.")
    with store.local_path(key) as movie:
        try:
            return extract_frame(movie, folder / "frame.png", frame=frame)
        except BrokenMedia as broken:
            raise Invalid(broken.reason) from None


@command(allow=choosers)
def set_main_preview_of_task(unit: Unit, task_id: Id) -> dict[str, Any]:
    """Make the newest preview of a task its entity's picture. Source: PUT /actions/tasks/{task_id}/set-main-preview."""
    newest = unit.first("preview_file", "t.task_id = %s", (task_id,), "t.revision DESC, t.position")
    if newest is None:
        raise Invalid("This task has no preview.")
    return _show(unit, newest)


@query(allow=preview_managers)
def get_frame(unit: Unit, preview_file_id: Id, *, frame_number: int = 0) -> Reply:
    """Return one frame of a movie as PNG. Source: GET /actions/preview-files/{preview_file_id}/extract-frame."""
    preview = unit.need("preview_file", preview_file_id)
    with tempfile.TemporaryDirectory(prefix="kiroku-") as folder:
        body = _frame(unit, preview, max(0, frame_number), Path(folder)).read_bytes()
    return Reply(200, body, "image/png")


@query(allow=viewers)
def rebuild_tiles(unit: Unit, preview_file_id: Id) -> Reply:
    """Return the tiles of a movie, made anew. Source: GET /actions/preview-files/{preview_file_id}/extract-tile."""
    preview, store = unit.need("preview_file", preview_file_id), store_of(unit)
    key = media_key("movies", "lowdef", preview.id)
    if preview["extension"] != "mp4" or not store.exists(key):
        raise Invalid("This preview has no movie.")
    with store.local_path(key) as movie, tempfile.TemporaryDirectory(prefix="kiroku-") as folder:
        target = Path(folder) / "tiles.png"
        make_tiles(movie, target)
        with target.open("rb") as file:
            store.put(media_key("pictures", "tiles", preview.id), file)
    return served(unit, preview.id, "pictures", "tiles", "image/png")
