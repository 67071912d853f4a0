"""Backgrounds that light 3D previews: HDR pictures with a thumbnail."""

import tempfile
from pathlib import Path

import orjson

from chassis.binding import Id
from chassis.errors import Invalid
from chassis.messages import Reply, Upload
from chassis.operations import command, query
from chassis.policy import admins, signed_in
from chassis.resources import Fields, Record
from chassis.storage import media_key
from chassis.unit import Unit
from services.media.storing import all_or_nothing, parts_of, store_of
from services.media.transcoding import BrokenPicture
from services.media.transcoding.pictures import make_hdr_thumbnail

PREFIX = "preview-backgrounds"


def before_create(unit: Unit, fields: Fields) -> Fields:
    """Switch the other default off when this one becomes it. Source: POST /data/preview-background-files."""
    return _only_default(unit, None, fields)


def before_update(unit: Unit, background: Record, changes: Fields) -> Fields:
    """Switch the other default off when this one becomes it. Source: PUT /data/preview-background-files/{id}."""
    return _only_default(unit, background.id, changes)


def _only_default(unit: Unit, id_: str | None, changes: Fields) -> Fields:
    if changes.get("is_default"):
        for other in unit.find("preview_background_file", "t.is_default"):
            if other.id != id_:
                unit.update(other, {"is_default": False})
    return changes


@command(allow=admins, status=201)
def upload_background(unit: Unit, instance_id: Id, *, files: list[Upload]) -> Record | Reply:
    """Give a background its .hdr file; another file or an unreadable one takes the record away (400).

    Source: POST /pictures/preview-background-files/{instance_id}.
    """
    background = unit.need("preview_background_file", instance_id)
    upload = next((each for each in files if each.field == "file"), None)
    if upload is None:
        raise Invalid("File not provided.")
    name, extension = parts_of(upload.filename)
    if extension != "hdr":
        return _refused(unit, background, f"Wrong file format, extension: {extension}")
    store = store_of(unit)
    with store.local_path(upload.key) as source, tempfile.TemporaryDirectory(prefix="kiroku-") as folder:
        try:
            thumbnail = make_hdr_thumbnail(source, Path(folder) / "thumbnail.png")
        except BrokenPicture:
            text = f"Error while saving preview background file and thumbnail: {background.id}"
            return _refused(unit, background, text)
        with all_or_nothing(store) as wanted:
            wanted[media_key("pictures", "thumbnails", background.id)] = thumbnail
            wanted[media_key("files", PREFIX, background.id)] = source
    facts = {"original_name": name, "extension": extension, "file_size": upload.size}
    payload = {"preview_background_file_id": background.id}
    live = [
        ("preview-background-file:update", payload),
        ("preview-background-file:add-file", {**payload, "extension": extension}),
    ]
    if not any(background[key] != value for key, value in facts.items()):
        return background
    return unit.update(background, facts, live=live)


def _refused(unit: Unit, background: Record, message: str) -> Reply:
    unit.delete(background)
    return Reply(400, orjson.dumps({"error": True, "message": message, "data": None}))


@query(allow=signed_in)
def get_background(unit: Unit, instance_id: Id, extension: str) -> Reply:
    """Return the picture. Source: GET /pictures/preview-background-files/{instance_id}.{extension}."""
    background = unit.need("preview_background_file", instance_id)
    if extension.lower() != "hdr":
        raise Invalid(f"Extension not allowed: {extension}")
    return Reply(file=media_key("files", PREFIX, background.id), content_type="image/vnd.radiance")


@query(allow=signed_in)
def get_background_thumbnail(unit: Unit, instance_id: Id) -> Reply:
    """Return the thumbnail, 300 × 200. Source: GET /pictures/thumbnails/preview-background-files/{instance_id}.png."""
    background = unit.need("preview_background_file", instance_id)
    return Reply(file=media_key("pictures", "thumbnails", background.id), content_type="image/png")
