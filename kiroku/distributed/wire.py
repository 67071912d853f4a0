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


def pack_reply(reply: Reply) -> bytes:
    """Return the bytes of a reply; a streamed body is read to its end."""
    head = {
        "status": reply.status,
        "content_type": reply.content_type,
        "headers": reply.headers,
        "positions": reply.positions,
        "file": reply.file,
        "notes": {key: reply.notes[key] for key in ("cookies", "cookies_alone", "clear_cookies") if key in reply.notes},
    }
    if reply.made_of is not None:
        head["made_of"] = reply.made_of
    return _joined(head, reply.read())


def pack_error(error: DomainError) -> bytes:
    """Return the bytes of a refusal."""
    head = {
        "error": type(error).__name__,
        "status": error.status,
        "code": error.code,
        "message": error.message,
        "data": error.data,
        "body": error.body(),
    }
    return _joined(head, b"")


def unpack_reply(content: bytes) -> Reply:
    """Return the reply that `content` holds. Raises the refusal that it holds instead."""
    (length,) = _LENGTH.unpack_from(content)
    head = msgspec.msgpack.decode(content[_LENGTH.size : _LENGTH.size + length])
    if "error" in head:
        raise refusal(head)
    made_of = head.pop("made_of", None)
    body = content[_LENGTH.size + length :]
    return Reply(body=body, made_of=MadeOf(tuple(made_of[0]), made_of[1]) if made_of else None, **head)


def _joined(head: dict[str, Any], body: bytes) -> bytes:
    packed = msgspec.msgpack.encode(head)
    return b"".join((_LENGTH.pack(len(packed)), packed, body))


def _classes(base: type[DomainError]) -> dict[str, type[DomainError]]:
    found = {base.__name__: base}
    for each in base.__subclasses__():
        found.update(_classes(each))
    return found


def refusal(head: dict[str, Any]) -> DomainError:
    """Return the error that another process raised, of the same class where it is known here."""
    kind = _classes(DomainError).get(head["error"], DomainError)
    error = kind.__new__(kind)
    DomainError.__init__(error, head["message"], code=head["code"], data=head["data"], body=head["body"])
    error.status = head["status"]
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
