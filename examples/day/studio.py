"""What every step of the day shares: the address, one gazu client for each person, and all that was made so far."""

import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gazu
import requests
from gazu.client import KitsuClient

if TYPE_CHECKING:
    from examples.day.live import Ears

Record = dict[str, Any]
TIMEOUT_SECONDS = 120
PASSWORD = "a long enough password"


class WrongAnswerError(AssertionError):
    """The server answered something else than the contract says."""


def expect(condition: object, message: str) -> None:
    """Go on when the condition holds; stop the day with the message when not (also under `python -O`)."""
    if not condition:
        raise WrongAnswerError(message)


def expect_equal(actual: object, wanted: object, what: str) -> None:
    """Stop the day when two values differ, and show both."""
    expect(actual == wanted, f"{what}: expected {wanted!r}, got {actual!r}"[:1500])


def expect_keys(record: Record, keys: Iterable[str], what: str) -> None:
    """Stop the day when a record lacks one of the keys."""
    missing = sorted(set(keys) - set(record))
    expect(not missing, f"{what} lacks {missing}; it has {sorted(record)}")


def expect_values(record: Record, what: str, **values: object) -> None:
    """Stop the day when a record does not hold these values."""
    expect_keys(record, values, what)
    for key, wanted in values.items():
        expect_equal(record[key], wanted, f"{what}, field {key}")


@contextmanager
def refused(kind: type[Exception], what: str) -> Iterator[None]:
    """Run a block that the server has to refuse with one of gazu's exceptions."""
    try:
        yield
    except kind:
        return
    raise WrongAnswerError(f"{what}: it should have been refused ({kind.__name__})")


def by_id(records: Iterable[Record]) -> dict[str, Record]:
    """Index records by their id."""
    return {record["id"]: record for record in records}


@dataclass
class Day:
    """The state of one production day. Names carry `suffix`, so that a server can live through many days."""

    url: str
    email: str
    password: str
    pictures: list[Path]
    csv: Path
    movie: Path | None = None
    on_midday: Callable[[], None] | None = None
    suffix: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="production-day-")))
    clients: dict[str, KitsuClient] = field(default_factory=dict)
    ears: "dict[str, Ears]" = field(default_factory=dict)
    made: dict[str, Any] = field(default_factory=dict)
    comments_by: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open a session that speaks for everybody: tokens travel in the header alone, cookies are dropped."""
        self.url = self.url.rstrip("/")
        self.session = requests.Session()
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def __getitem__(self, name: str) -> Any:
        """Return what an earlier step made under this name."""
        if name not in self.made:
            raise WrongAnswerError(f"nothing called {name!r} was made yet: run the earlier steps too")
        return self.made[name]

    def keep(self, name: str, thing: Any) -> Any:
        """Remember a record for later steps and return it."""
        self.made[name] = thing
        return thing

    def named(self, name: str) -> str:
        """Return a name that no other day uses."""
        return f"{name} {self.suffix}"

    def mail(self, name: str) -> str:
        """Return the e-mail address of one of the day's people."""
        return f"{name}.{self.suffix}@example.com"

    def sign_in(self, name: str, email: str, password: str) -> KitsuClient:
        """Sign a person in and keep the gazu client under a short name. Source: POST /auth/login."""
        if name in self.clients:
            self.clients[name].session.close()
        self.clients[name] = gazu.create_session(self.url, email, password)  # type: ignore[no-untyped-call]
        return self.clients[name]

    @property
    def admin(self) -> KitsuClient:
        """The client of the administrator."""
        return self.clients["admin"]

    def http(self, method: str, path: str, who: str | None = "admin", **options: Any) -> requests.Response:
        """Send a plain request as somebody, or as nobody, for what gazu has no function for."""
        headers = dict(options.pop("headers", {}))
        if who is not None:
            headers["Authorization"] = f"Bearer {self.clients[who].access_token}"
        options = {"timeout": TIMEOUT_SECONDS, "allow_redirects": False, **options}
        return self.session.request(method, self.url + path, headers=headers, **options)

    def send(self, status: int, method: str, path: str, who: str | None = "admin", **options: Any) -> Any:
        """Send a plain request, insist on the status, return the JSON body (None when there is none)."""
        reply = self.http(method, path, who, **options)
        text = f"{method} {path} as {who or 'nobody'}: expected {status}, got {reply.status_code} {reply.text[:400]}"
        expect(reply.status_code == status, text)
        return reply.json() if reply.content and "json" in reply.headers.get("Content-Type", "") else None

    def comment(self, who: str, task: Record, status: str, text: str = "", **options: Any) -> Record:
        """Comment a task with gazu, with the status of this short name. Source: POST /actions/tasks/{id}/comment."""
        made = gazu.task.add_comment(task, self["statuses"][status], text, client=self.clients[who], **options)
        self.comments_by[who] = self.comments_by.get(who, 0) + 1
        return made

    def task_now(self, task: Record) -> Record:
        """Return a task as it is now, with its relations. Source: GET /data/tasks/{id}/full."""
        now: Record = gazu.task.get_task(task["id"], client=self.admin)
        return now
