"""Movies become what every browser plays, in the background: sources wait in the store, results replace nothing."""

import logging
import tempfile
from pathlib import Path
from typing import Any

import orjson

from chassis.binding import Id
from chassis.messages import THE_SYSTEM, Request
from chassis.operations import query
from chassis.policy import nobody
from chassis.service import Service
from chassis.storage import media_key
from chassis.unit import Unit
from chassis.workers import Worker, claimed, release
from services.media.storing import all_or_nothing, keyed
from services.media.transcoding import BrokenMedia
from services.media.transcoding.movies import Movie, extract_frame, normalise, parse_size, probe_movie
from services.media.transcoding.pictures import make_variants_apart
from services.media.transcoding.tiles import make_tiles

logger = logging.getLogger(__name__)
WAITING = """
SELECT id::text, stage FROM preview_file WHERE stage IN ('stored', 'as-is') AND status = 'processing'
ORDER BY created_at LIMIT 50
"""
COUNT = "SELECT count(*) FROM preview_file WHERE stage IN ('stored', 'as-is') AND status = 'processing'"
HIGH, LOW = 28.0, 6.0


@query(allow=nobody)
def plan_movie(unit: Unit, preview_file_id: Id) -> dict[str, Any]:
    """Return {fps, resolution, high, low} that a movie shall get: of its entity, else of its production."""
    preview = unit.need("preview_file", preview_file_id)
    task = unit.need("task", preview["task_id"])
    project = unit.need("project", task["project_id"])
    entity = unit.get("entity", task["entity_id"])
    data = (entity["data"] if entity else None) or {}
    return {
        "fps": str(data.get("fps") or project["fps"] or "").replace(",", ".") or None,
        "resolution": data.get("resolution") or project["resolution"],
        "high": project.get("hd_bitrate_compression") or HIGH,
        "low": project.get("ld_bitrate_compression") or LOW,
    }


def convert_next(service: Service) -> bool:
    """Convert the oldest movie that waits and that nobody else has taken; tell whether there was one."""
    for id_, stage in service.database.run(WAITING):
        with service.database.connection() as connection, connection.cursor() as cursor:
            if not claimed(cursor, f"preview_file {id_}"):
                continue
            try:
                cursor.execute("SELECT 1 FROM preview_file WHERE id = %s AND status = 'processing'", (id_,))
                if cursor.fetchone():
                    _convert(service, id_, as_is=stage == "as-is")
                    return True
            finally:
                release(cursor, f"preview_file {id_}")
    return False


def _convert(service: Service, id_: str, *, as_is: bool) -> None:
    try:
        facts = _made(service, id_, as_is=as_is)
    except BrokenMedia as broken:
        _call(service, "break_movie", id_, {"reason": broken.reason})
    except Exception:
        logger.exception("converting preview %s failed", id_)
        _call(service, "break_movie", id_, {"reason": "The conversion failed."})
    else:
        _call(service, "finish_movie", id_, facts)


def _call(service: Service, operation: str, id_: str, body: Any = None) -> Any:
    request = Request(f"media.{operation}", {"preview_file_id": id_}, body=body, actor=THE_SYSTEM)
    return orjson.loads(service.call(request).read())


def _made(service: Service, id_: str, *, as_is: bool) -> dict[str, Any]:
    """Write the playable movie, a small one, the picture of the middle and tiles; return what they measure."""
    store = service.settings["store"]
    plan = _call(service, "plan_movie", id_)
    with (
        store.local_path(media_key("movies", "source", id_)) as source,
        tempfile.TemporaryDirectory(prefix="kiroku-") as place,
    ):
        folder = Path(place)
        original = probe_movie(source)
        high, low = folder / "high.mp4", folder / "low.mp4"
        made = original
        if as_is:
            high = low = source
        else:
            made = normalise(
                source, high, low, size=parse_size(plan["resolution"], original), fps=plan["fps"],
                high_bitrate=plan["high"], low_bitrate=plan["low"],
            )  # fmt: skip
        frame = extract_frame(high, folder / "frame.png")
        pictures = make_variants_apart(frame, folder)
        make_tiles(low, folder / "tiles.png")
        with all_or_nothing(store) as wanted:
            wanted.update(keyed({**pictures, "tiles": folder / "tiles.png"}, id_))
            wanted[media_key("movies", "lowdef", id_)] = low
            wanted[media_key("movies", "previews", id_)] = high
        return _facts(made, original, high)


def _facts(made: Movie, original: Movie, high: Path) -> dict[str, Any]:
    return {
        "width": made.width,
        "height": made.height,
        "duration": round(made.duration, 3),
        "file_size": high.stat().st_size,
        "original_width": original.width,
        "original_height": original.height,
        "original_duration": round(original.duration, 3),
    }


CONVERT = Worker("convert-movies", convert_next, waiting=COUNT)
