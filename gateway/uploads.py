"""Bodies of requests: JSON, forms, and files that stream into the object store."""

import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from time import monotonic
from typing import Any
from uuid import uuid4

import falcon
from falcon.media.multipart import MultipartFormHandler

from chassis.binding import parse_json
from chassis.errors import BadRequest, DomainError, UnsupportedMediaType
from chassis.messages import Request, Upload
from chassis.storage import CHUNK, ObjectStore

JSON_TEXT = "Did not attempt to load JSON data because the request Content-Type was not 'application/json'."
JSON_LIMIT = 64 * 1024 * 1024
DRAIN_LIMIT = 256 * 1024 * 1024
DRAIN_SECONDS = 30.0


class TooLargeError(DomainError):
    """413: the body is above the limit."""

    status = 413
    code = "body.too_large"


def read_body(
    source: falcon.Request, target: Request, store: ObjectStore | None, limit: int, *, json_only: bool
) -> None:
    """Fill body, form and files of `target`. Raises BadRequest, UnsupportedMediaType and TooLargeError."""
    length = source.content_length
    kind = (source.content_type or "").partition(";")[0].strip().lower()
    if length is not None and length > limit:
        raise TooLargeError(f"The body is larger than the limit of {limit} bytes.")
    stream = _stream(source, limit)
    if json_only and kind != "application/json":
        raise UnsupportedMediaType(JSON_TEXT)
    if kind == "application/json" or kind.endswith("+json"):
        target.body = _json(stream, length)
    elif kind == "multipart/form-data":
        # The reader wants a length; one more than the limit, so that a larger body is noticed.
        _multipart(source, stream, limit + 1 if length is None else length, target, store)
    elif kind == "application/x-www-form-urlencoded":
        text = stream.read(JSON_LIMIT).decode("utf-8", "replace")
        target.form = {name: str(value) for name, value in falcon.uri.parse_query_string(text).items()}


class _Limited:
    """A body without Content-Length (chunked), counted while it is read. Raises TooLargeError."""

    def __init__(self, stream: Any, limit: int) -> None:
        self._stream, self._left, self._limit = stream, limit, limit

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes; all that is left for -1."""
        found: bytes = self._stream.read(self._left + 1 if size is None or size < 0 else size)
        self._left -= len(found)
        if self._left < 0:
            raise TooLargeError(f"The body is larger than the limit of {self._limit} bytes.")
        return found


def _stream(source: falcon.Request, limit: int) -> Any:
    if source.content_length is None and "chunked" in (source.get_header("Transfer-Encoding") or "").lower():
        return _Limited(source.stream, limit)
    return source.bounded_stream


def _json(stream: Any, length: int | None) -> Any:
    if (length or 0) > JSON_LIMIT:
        raise TooLargeError(f"A JSON body is larger than {JSON_LIMIT} bytes: send a file instead.")
    raw = stream.read(JSON_LIMIT + 1)
    if len(raw) > JSON_LIMIT:
        raise TooLargeError(f"A JSON body is larger than {JSON_LIMIT} bytes: send a file instead.")
    if length is not None and len(raw) < length:
        raise BadRequest("The request ended before its body was complete.")
    return parse_json(raw) if raw.strip() else None


def _multipart(source: falcon.Request, stream: Any, length: int, target: Request, store: ObjectStore | None) -> None:
    handler = MultipartFormHandler()
    handler.parse_options.max_body_part_count = 0
    handler.parse_options.max_body_part_buffer_size = JSON_LIMIT
    try:
        form = handler.deserialize(stream, source.content_type, length)
        for part in form:
            if part.filename is None:
                target.form[part.name or ""] = part.text or ""
            elif store is not None:
                target.files.append(_keep(part, store))
    except falcon.HTTPError:
        forget(target, store)
        raise BadRequest("The multipart body is malformed or ended too early.") from None
    except BaseException:
        forget(target, store)
        raise


def _keep(part: Any, store: ObjectStore) -> Upload:
    key = f"incoming/{uuid4()}"
    size = store.put(key, _pieces(part.stream))
    return Upload(part.name or "file", plain_name(part.filename), key, size, part.content_type)


def plain_name(given: str) -> str:
    """Return the name of an uploaded file without folders and control characters; accents stay. Never empty."""
    name = re.split(r"[/\\]", given)[-1]
    name = "".join(each for each in unicodedata.normalize("NFC", name) if each.isprintable()).strip()
    return name.lstrip(".")[-250:] or "file"


def _pieces(stream: Any) -> Iterator[bytes]:
    while piece := stream.read(CHUNK):
        yield piece


def drain(source: falcon.Request) -> None:
    """Read what is left of a body that was refused before its end, up to 256 MiB or 30 s.

    A client that is still sending sees a closed connection instead of the refusal, and the web server closes every
    connection with more than 64 KiB unread after it has promised to keep it.
    """
    stream, left, until = _stream(source, DRAIN_LIMIT), DRAIN_LIMIT, monotonic() + DRAIN_SECONDS
    with suppress(OSError, DomainError):
        while left > 0 and monotonic() < until and (piece := stream.read(CHUNK)):
            left -= len(piece)


def forget(target: Request, store: ObjectStore | None) -> None:
    """Remove uploads that no service has taken away."""
    for upload in target.files if store else ():
        with suppress(OSError):
            store.delete(upload.key)  # type: ignore[union-attr]
