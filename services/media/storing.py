"""Pictures and files into the object store: all variants or none."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chassis.errors import BadRequest
from chassis.messages import Upload
from chassis.storage import ObjectStore, media_key
from chassis.unit import Unit
from services.media.transcoding.pictures import make_variants_apart, probe_picture

PICTURES = ("jpe", "jpeg", "jpg", "png")
MOVIES = ("avi", "m4v", "mkv", "mov", "mp4", "webm", "wmv")
FILES = ("ae", "ai", "blend", "clip", "comp", "diff", "exr", "fbx", "fla", "flv", "gif", "glb", "gltf", "hip", "kra",
         "ma", "mb", "md", "mp3", "obj", "pdf", "psd", "psb", "rar", "rev", "riv", "sai", "sai2", "sbbkp", "svg",
         "swf", "tvpp", "wav", "zip")  # fmt: skip
PICTURE_PREFIXES = ("original", "previews", "thumbnails", "thumbnails-square", "tiles")


def store_of(unit: Unit) -> ObjectStore:
    """Return the object store of this house."""
    store: ObjectStore = unit.setting("store")
    return store


def the_file(files: list[Upload]) -> Upload:
    """Return the upload of the field `file`. Raises BadRequest."""
    upload = next((each for each in files if each.field == "file"), None)
    if upload is None:
        raise BadRequest("File not provided.")
    return upload


def parts_of(filename: str) -> tuple[str, str]:
    """Return (name, extension in lower case without dot) of an uploaded file's name."""
    name, _, extension = filename.rpartition(".")
    return (name or extension)[:250], extension.lower() if name else ""


@contextmanager
def all_or_nothing(store: ObjectStore) -> Iterator[dict[str, Path]]:
    """Collect key -> path in the dict that is lent; at the end store all; when one fails, none stays."""
    wanted: dict[str, Path] = {}
    yield wanted
    stored: list[str] = []
    try:
        for key, path in wanted.items():
            with path.open("rb") as file:
                store.put(key, file)
            stored.append(key)
    except BaseException:
        for key in stored:
            store.delete(key)
        raise


def store_picture(store: ObjectStore, key: str, id_: str) -> dict[str, Any]:
    """Write all sizes of the picture at `key` for preview `id_`; return width and height. Raises BrokenPicture."""
    with store.local_path(key) as source, tempfile.TemporaryDirectory(prefix="kiroku-") as folder:
        picture = probe_picture(source)
        with all_or_nothing(store) as wanted:
            wanted.update(keyed(make_variants_apart(source, Path(folder)), id_))
    return {"width": picture.width, "height": picture.height}


def keyed(variants: Mapping[str, Path], id_: str) -> dict[str, Path]:
    """Return the picture variants of preview `id_` by storage key."""
    return {media_key("pictures", prefix, id_): path for prefix, path in variants.items()}


def keys_of(id_: str) -> list[str]:
    """Return every key under which files of preview `id_` may lie."""
    pictures = [media_key("pictures", prefix, id_) for prefix in PICTURE_PREFIXES]
    movies = [media_key("movies", prefix, id_) for prefix in ("source", "previews", "lowdef")]
    return [*pictures, *movies, media_key("files", "previews", id_)]
