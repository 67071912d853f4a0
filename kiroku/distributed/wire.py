"""Requests and replies as message bodies: a small header, then the body's bytes untouched."""

import struct
from typing import Any

import msgspec
import orjson

from chassis.errors import DomainError
from chassis.events import Event
from chassis.messages import MadeOf, Reply, Request

_LENGTH = struct.Struct(">I")
_decode_many = msgspec.msgpack.Decoder(list[bytes]).decode
_decode_request = msgspec.msgpack.Decoder(Request).decode


def pack_request(request: Request) -> bytes:
    """Return the bytes of a request."""
    return msgspec.msgpack.encode(request)


def unpack_request(body: bytes) -> Request:
    """Return the request that `body` holds."""
    return _decode_request(body)


def pack_many(contents: list[bytes]) -> bytes:
    """Return the bytes of several requests, or of their replies."""
    return msgspec.msgpack.encode(contents)


def unpack_many(content: bytes) -> list[bytes]:
    """Return the bytes of each request, or reply, that `content` holds."""
    return _decode_many(content)


class _Head(msgspec.Struct, omit_defaults=True):
    """What comes before the body of a reply; with an `error`, the refusal instead of one."""

    status: int = 200
    content_type: str = "application/json"
    headers: dict[str, str] = {}
    positions: dict[str, int] = {}
    file: str | None = None
    notes: dict[str, Any] = {}
    made_of: MadeOf | None = None
    seconds: float = 0.0
    tag: str = ""
    held: bool = False
    error: str = ""
    code: str = ""
    message: str = ""
    data: Any = None
    body: Any = None


_encode_head = msgspec.msgpack.Encoder().encode
_decode_head = msgspec.msgpack.Decoder(_Head).decode
_NOTES = ("cookies", "cookies_alone", "clear_cookies")


def pack_reply(reply: Reply) -> bytes:
    """Return the bytes of a reply; a streamed body is read to its end."""
    notes = {key: reply.notes[key] for key in _NOTES if key in reply.notes} if reply.notes else {}
    head = _Head(
        reply.status, reply.content_type, reply.headers, reply.positions, reply.file, notes, reply.made_of,
        reply.seconds, reply.tag, reply.held,
    )  # fmt: skip
    return _joined(head, reply.read())


def pack_error(error: DomainError) -> bytes:
    """Return the bytes of a refusal."""
    head = _Head(
        error.status, error=type(error).__name__, code=error.code, message=error.message, data=error.data,
        body=error.body(),
    )  # fmt: skip
    return _joined(head, b"")


def unpack_reply(content: bytes) -> Reply:
    """Return the reply that `content` holds. Raises the refusal that it holds instead."""
    (length,) = _LENGTH.unpack_from(content)
    start = _LENGTH.size + length
    head = _decode_head(content[_LENGTH.size : start])
    if head.error:
        raise refusal(head)
    return Reply(
        head.status, content[start:], head.content_type, head.headers, head.positions, head.file, head.notes,
        head.made_of, head.seconds, head.tag, head.held,
    )  # fmt: skip


def _joined(head: _Head, body: bytes) -> bytes:
    packed = _encode_head(head)
    return b"".join((_LENGTH.pack(len(packed)), packed, body))


def _classes(base: type[DomainError]) -> dict[str, type[DomainError]]:
    found = {base.__name__: base}
    for each in base.__subclasses__():
        found.update(_classes(each))
    return found


def refusal(head: _Head) -> DomainError:
    """Return the error that another process raised, of the same class where it is known here."""
    kind = _classes(DomainError).get(head.error, DomainError)
    error = kind.__new__(kind)
    DomainError.__init__(error, head.message, code=head.code, data=head.data, body=head.body)
    error.status = head.status
    return error


def pack_events(events: list[Event], position: int) -> bytes:
    """Return the bytes of a feed."""
    return orjson.dumps([position, events])


def unpack_events(content: bytes) -> tuple[list[Event], int]:
    """Return (events, position reached) of a feed."""
    from datetime import datetime

    position, rows = orjson.loads(content)
    events = [Event(**{**row, "recorded_at": datetime.fromisoformat(row["recorded_at"])}) for row in rows]
    return events, position
