"""Pictures, movies and files of previews on their way to people."""

import mimetypes
import re
from typing import Any

from chassis.binding import Id
from chassis.errors import Invalid, NotFound
from chassis.messages import Reply
from chassis.operations import query
from chassis.resources import Record
from chassis.storage import media_key
from chassis.unit import Unit
from services.media.access import viewers
from services.media.storing import FILES, PICTURES

WAITING = "Preview file was not found."


def served(unit: Unit, instance_id: str, bucket: str, prefix: str, content_type: str) -> Reply:
    """Return a file of a preview. Raises NotFound; 202 for clients that rather have JSON while it is prepared."""
    preview = unit.need("preview_file", instance_id)
    if preview["status"] == "processing":
        return _not_yet(unit, preview)
    return Reply(file=media_key(bucket, prefix, preview.id), content_type=content_type)


def _not_yet(unit: Unit, preview: Record) -> Reply:
    accept = unit.request.headers.get("accept") or ""
    wants_json = "application/json" in accept and "image/" not in accept
    if not wants_json:
        raise NotFound(WAITING)
    body = f'{{"status":"processing","preview_file_id":"{preview.id}"}}'.encode()
    return Reply(202, body, headers={"Retry-After": "5"})


@query(allow=viewers, wrong_id="Malformed ID.", kept=True)
def get_thumbnail(unit: Unit, instance_id: Id) -> Reply:
    """Return the picture of 150 × 100. Source: GET /pictures/thumbnails/preview-files/{instance_id}.png."""
    return served(unit, instance_id, "pictures", "thumbnails", "image/png")


@query(allow=viewers, wrong_id="Malformed ID.", kept=True)
def get_square_thumbnail(unit: Unit, instance_id: Id) -> Reply:
    """Return the picture of 100 × 100. Source: GET /pictures/thumbnails-square/preview-files/{instance_id}.png."""
    return served(unit, instance_id, "pictures", "thumbnails-square", "image/png")


@query(allow=viewers, wrong_id="Malformed ID.", kept=True)
def get_preview_picture(unit: Unit, instance_id: Id) -> Reply:
    """Return the picture 1200 wide. Source: GET /pictures/previews/preview-files/{instance_id}.png."""
    return served(unit, instance_id, "pictures", "previews", "image/png")


@query(allow=viewers, wrong_id="Malformed ID.")
def get_original(unit: Unit, instance_id: Id, extension: str) -> Reply:
    """Return the picture or file as published, the middle frame for movies.

    Source: GET /pictures/originals/preview-files/{instance_id}.{extension}.
    """
    extension = extension.lower()
    if extension not in (*PICTURES, *FILES):
        raise Invalid(f"Extension not allowed: {extension}")
    if extension in PICTURES:
        return served(unit, instance_id, "pictures", "original", "image/png")
    return served(unit, instance_id, "files", "previews", _type_of(extension))


def _type_of(extension: str) -> str:
    # Browsers must not run what somebody uploaded as a page or a drawing.
    found = mimetypes.guess_type(f"x.{extension}")[0]
    safe = found and not re.search(r"html|xml|svg|javascript", found) and extension not in ("obj",)
    return str(found) if safe else "application/octet-stream"


@query(allow=viewers, wrong_id="Malformed ID.")
def download_original(unit: Unit, instance_id: Id) -> Reply:
    """Return the picture or file to be saved. Source: GET /pictures/originals/preview-files/{instance_id}/download."""
    preview = unit.need("preview_file", instance_id)
    if preview["extension"] in FILES:
        return _saved(served(unit, instance_id, "files", "previews", "application/octet-stream"), unit, preview)
    return _saved(served(unit, instance_id, "pictures", "original", "image/png"), unit, preview, "png")


def _saved(reply: Reply, unit: Unit, preview: Record, extension: str | None = None) -> Reply:
    organisation = unit.first("organisation")
    own = organisation is not None and organisation["use_original_file_name"] and preview["original_name"]
    name = f"{own or preview['name'] or preview.id}.{extension or preview['extension']}"
    reply.headers["Content-Disposition"] = disposition(name)
    return reply


def disposition(name: str) -> str:
    """Return the header that makes a browser save a file under `name`, as RFC 6266 writes it."""
    from urllib.parse import quote

    plain = re.sub(r'[^\w. ()-]|[\r\n"]', "_", name, flags=re.ASCII)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"


@query(allow=viewers, wrong_id="Malformed ID.")
def get_movie(unit: Unit, instance_id: Id) -> Reply:
    """Return the movie. Source: GET /movies/originals/preview-files/{instance_id}.mp4."""
    return served(unit, instance_id, "movies", "previews", "video/mp4")


@query(allow=viewers, wrong_id="Malformed ID.")
def get_low_movie(unit: Unit, instance_id: Id) -> Reply:
    """Return the movie 1280 wide. Source: GET /movies/low/preview-files/{instance_id}.mp4."""
    return served(unit, instance_id, "movies", "lowdef", "video/mp4")


@query(allow=viewers, wrong_id="Malformed ID.")
def get_source_movie(unit: Unit, instance_id: Id) -> Reply:
    """Return the movie as uploaded. Source: GET /movies/source/preview-files/{instance_id}.mp4."""
    return served(unit, instance_id, "movies", "source", "video/mp4")


@query(allow=viewers, wrong_id="Malformed ID.")
def download_movie(unit: Unit, instance_id: Id) -> Reply:
    """Return the movie to be saved. Source: GET /movies/originals/preview-files/{instance_id}/download."""
    reply = served(unit, instance_id, "movies", "previews", "video/mp4")
    return _saved(reply, unit, unit.need("preview_file", instance_id), "mp4")


@query(allow=viewers, wrong_id="Malformed ID.")
def get_tiles(unit: Unit, instance_id: Id) -> Reply:
    """Return all frames as one picture. Source: GET /movies/tiles/preview-files/{instance_id}.png."""
    return served(unit, instance_id, "pictures", "tiles", "image/png")


def summary(preview: Record, others: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a preview as lists of revisions show it; `others` are those of the same revision."""
    keys = ("revision", "original_name", "extension", "width", "height", "duration", "status", "annotations")
    originals = ("original_width", "original_height", "original_duration", "original_file_size")
    return {
        "id": preview.id,
        **{key: preview.fields.get(key) for key in keys},
        "previews": others,
        "created_at": preview.created_at.strftime("%Y-%m-%dT%H:%M:%S"),
        "task_id": preview["task_id"],
        **{key: preview.fields.get(key) for key in originals},
    }
