"""Requests and replies as they travel between the gateway and the services, in one process or over a broker."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

ADMIN, MANAGER, SUPERVISOR, USER, CLIENT, VENDOR = "admin", "manager", "supervisor", "user", "client", "vendor"
SYSTEM, ANONYMOUS = "system", "anonymous"


class Actor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who asks. `identity` is person, bot, person_api, system or anonymous; `claims` are those of the token."""

    person_id: str | None = None
    role: str = ANONYMOUS
    identity: str = ANONYMOUS
    departments: tuple[str, ...] = ()
    email: str | None = None
    full_name: str = ""
    claims: dict[str, Any] = {}

    @property
    def signed_in(self) -> bool:
        """Tell whether somebody stands behind the request."""
        return self.role != ANONYMOUS


NOBODY = Actor()
THE_SYSTEM = Actor(role=SYSTEM, identity=SYSTEM, full_name="Kiroku")


class Upload(msgspec.Struct, frozen=True):
    """A file that the gateway has put into the object store at `key`; `size` in bytes (the claim check)."""

    field: str
    filename: str
    key: str
    size: int
    content_type: str = "application/octet-stream"


class Request(msgspec.Struct):
    """One call of an operation. `query` keeps repeated parameters.

    `needs` are positions by service that the answer has to hold (the causal token), `news` such that it should hold if
    their services can be asked. Who `keeps` answers wants to know what this one is made of. `holds` names the large
    answer to the same question that the asker holds (`chassis.held`).
    """

    operation: str
    path: dict[str, str] = {}
    query: dict[str, list[str]] = {}
    body: Any = None
    form: dict[str, str] = {}
    files: list[Upload] = []
    actor: Actor = NOBODY
    request_id: str = ""
    idempotency_key: str | None = None
    if_match: str | None = None
    if_none_match: str | None = None
    needs: dict[str, int] = {}
    headers: dict[str, str] = {}
    causation: str | None = None
    keeps: bool = False
    news: dict[str, int] = {}
    holds: str = ""

    def one(self, name: str, default: str | None = None) -> str | None:
        """Return the last value of query parameter `name`."""
        values = self.query.get(name)
        return values[-1] if values else default

    def truth(self, name: str, default: bool = False) -> bool:
        """Return query parameter `name` as a boolean (true, 1, yes)."""
        value = self.one(name)
        return default if value is None else value.lower() in ("true", "1", "yes")


class MadeOf(NamedTuple):
    """What an answer was made of: the slots of what was read (`chassis.marks`), and by service the position that this
    holds all changes up to."""

    slots: tuple[str, ...]
    at: dict[str, int]


Body = bytes | Iterable[bytes] | None


@dataclass(slots=True)
class Reply:
    """What an operation answers. `body` is finished bytes or a stream of them.

    `file` (an object key) makes the gateway stream from the store; `positions` are the log positions that the
    answer has reached, by service; `made_of` is for who keeps answers; `notes` carry facts for the gateway alone
    (cookies to set, caches to drop); `seconds` is how long its service worked on it, where that was told. `tag` names
    a large body, and with `held` it is not there, as the asker holds it.
    """

    status: int = 200
    body: Body = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)
    file: str | None = None
    notes: dict[str, Any] = field(default_factory=dict)
    made_of: MadeOf | None = None
    seconds: float = 0.0
    tag: str = ""
    held: bool = False

    def read(self) -> bytes:
        """Return the whole body."""
        if self.body is None or isinstance(self.body, bytes):
            return self.body or b""
        self.body = b"".join(self.body)
        return self.body

    def chunks(self) -> Iterator[bytes]:
        """Return the body in pieces."""
        return iter((self.body,)) if isinstance(self.body, bytes) else iter(self.body or ())
