"""Poison events: what a follower cannot react to is parked with its error, waits in order, and is replayed."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import orjson
import pytest

from chassis.database import Database
from chassis.events import Event
from chassis.follow import BEHIND, Follower
from chassis.resources import Field, Record, Resource
from chassis.schema import migrate
from chassis.service import Service
from chassis.spec import NoBus, ServiceSpec, reacts
from chassis.unit import Unit
from kiroku import parked
from kiroku.settings import Settings
from tests.support.database import drop_database, fresh_database, postgres_server
from tests.support.kernel import BOOK, OWNERS, SHELF, call, library

NOTE = Resource(kind="note", plural="notes", type="Note", live="note", fields=(Field("text"),))
POISON: set[str] = set()


@reacts("book")
def note_it(unit: Unit, event: Event, book: Record | None) -> None:
    """Write down what happened."""
    unit.create("note", {"text": f"{event.old.get('name', '')}>{event.new.get('name', event.op)}"})


@reacts("book")
def choke(unit: Unit, event: Event, book: Record | None) -> None:
    """Fail at names that are poison, after the other reaction has written."""
    if event.new.get("name") in POISON:
        raise ValueError("cannot swallow this")


class Reader:
    """A service that follows the library, `batch` events a step."""

    def __init__(self, owner: Service, service: Service, batch: int) -> None:
        self.service = service
        feed = lambda name, after, limit, kinds: owner.feed(after, limit, kinds)  # noqa: E731
        self.follower = Follower(service, OWNERS, feed, batch=batch)

    def follow(self) -> None:
        """Catch up with the library."""
        self.follower.catch_up("library")

    def notes(self) -> list[str]:
        """Return the notes in the order in which they were written."""
        return [e.new["text"] for e in self.service.feed(0, 1000)[0]]

    def parked(self) -> list[tuple[int, str]]:
        """Return position and error of what is parked."""
        return self.service.database.run("SELECT position, error FROM log.parked ORDER BY position")

    def revision(self, scope: str) -> int:
        """Return the revision that ETags of a scope are made of."""
        rows = self.service.database.run("SELECT revision FROM log.scopes WHERE scope = %s", (scope,))
        return int(rows[0][0])

    def names(self) -> list[str]:
        """Return the names in the replica."""
        return [row[0] for row in self.service.database.run("SELECT name FROM book ORDER BY name")]


@contextmanager
def reading(owner: Service, batch: int) -> Iterator[Reader]:
    room = ModuleType(__name__)
    room.note_it, room.choke = note_it, choke  # type: ignore[attr-defined]
    spec = ServiceSpec("reader", owns=(NOTE,), replicates=(SHELF, BOOK), rooms=(room,))
    server = postgres_server()
    url = fresh_database(server, "test_parked")
    service = Service(spec, Database(url, commit="off"), NoBus())
    try:
        migrate(service)
        yield Reader(owner, service, batch)
    finally:
        service.database.close()
        drop_database(server, url)


@pytest.fixture(autouse=True)
def poison() -> Iterator[None]:
    POISON.clear()
    yield
    POISON.clear()


@pytest.fixture(params=[1, 100], ids=["event by event", "all in one step"])
def reader(request: pytest.FixtureRequest) -> Iterator[tuple[Service, Reader]]:
    with library() as owner, reading(owner, request.param) as reader:
        yield owner, reader


def make(owner: Service, name: str) -> str:
    return str(orjson.loads(call(owner, "create_book", {"name": name}).read())["id"])


def rename(owner: Service, book: str, name: str) -> None:
    call(owner, "update_book", {"name": name}, path={"instance_id": book})


def test_a_poison_event_is_parked_with_its_error_and_others_go_on(reader: tuple[Service, Reader]) -> None:
    owner, follower = reader
    POISON.add("Poison")
    for name in ("Momo", "Poison", "Krabat"):
        make(owner, name)
    follower.follow()
    assert follower.parked() == [(2, "ValueError: cannot swallow this")]
    assert follower.notes() == [">Momo", ">Krabat"]
    assert follower.names() == ["Krabat", "Momo", "Poison"]


def test_later_events_of_the_record_wait_and_are_replayed_in_order_and_once(reader: tuple[Service, Reader]) -> None:
    owner, follower = reader
    POISON.add("Poison")
    book = make(owner, "Poison")
    for name in ("Second", "Third"):
        rename(owner, book, name)
    other = make(owner, "Momo")
    follower.follow()
    assert follower.parked() == [(1, "ValueError: cannot swallow this"), (2, BEHIND), (3, BEHIND)]
    assert follower.follower.replay() == (0, 3)
    assert follower.notes() == [">Momo"]
    POISON.clear()
    assert follower.follower.replay() == (3, 0)
    assert follower.notes() == [">Momo", ">Poison", "Poison>Second", "Second>Third"]
    assert follower.names() == ["Momo", "Third"]
    assert follower.parked() == []
    rename(owner, other, "Momo again")
    rename(owner, book, "Fourth")
    follower.follow()
    assert follower.notes()[4:] == ["Momo>Momo again", "Third>Fourth"]


def test_what_is_parked_of_a_deleted_record_brings_it_not_back(reader: tuple[Service, Reader]) -> None:
    owner, follower = reader
    POISON.add("Poison")
    book = make(owner, "Poison")
    rename(owner, book, "Second")
    call(owner, "delete_book", path={"instance_id": book})
    follower.follow()
    POISON.clear()
    assert follower.follower.replay() == (3, 0)
    assert follower.notes() == [">Poison", "Poison>Second", "Second>delete"]
    assert follower.names() == []


def test_a_replay_moves_the_revision_of_what_was_held_back() -> None:
    with library() as owner, reading(owner, 1) as reader:
        POISON.add("Poison")
        book = make(owner, "Poison")
        rename(owner, book, "Second")
        reader.follow()
        assert reader.names() == ["Poison"]
        before = reader.revision("book")
        POISON.clear()
        reader.follower.replay()
        assert reader.names() == ["Second"]
        assert reader.revision("book") > before


def test_a_replay_stops_at_what_is_still_poison_and_goes_on_with_other_records(reader: tuple[Service, Reader]) -> None:
    owner, follower = reader
    POISON.update(("Poison", "Venom"))
    first, second = make(owner, "Poison"), make(owner, "Venom")
    rename(owner, first, "Cured")
    rename(owner, second, "Healed")
    follower.follow()
    POISON.remove("Venom")
    assert follower.follower.replay() == (2, 2)
    assert follower.notes() == [">Venom", "Venom>Healed"]
    assert [position for position, _ in follower.parked()] == [1, 3]


def test_the_command_line_lists_and_replays_what_is_parked_of_one_service_or_all(
    reader: tuple[Service, Reader], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    owner, follower = reader
    POISON.add("Poison")
    make(owner, "Poison")
    follower.follow()
    nothing: Any = SimpleNamespace(replay=lambda: (0, 0))
    followers = {name: nothing for name in parked.SERVICES} | {"media": follower.follower}
    system = SimpleNamespace(followers=followers, services={"media": follower.service}, stop=lambda: None)
    urls = dict.fromkeys(parked.SERVICES, owner.database.url) | {"media": follower.service.database.url}
    monkeypatch.setattr(parked, "database_urls", lambda *_, **__: urls)
    monkeypatch.setattr(parked, "service_settings", lambda *_: {})
    monkeypatch.setattr(parked, "System", lambda *_: system)
    assert parked.list_parked(Settings(), None) == 0
    told = capsys.readouterr()
    assert "1 parked events" in told.err
    assert told.out.split()[:4] == ["media", "library", "1", "book"]
    assert "cannot swallow this" in told.out
    assert parked.replay_parked(Settings(), "tasks") == 0
    assert parked.replay_parked(Settings(), None) == 1
    POISON.clear()
    before = follower.service.state()[1]
    assert parked.replay_parked(Settings(), "media") == 0
    assert follower.service.state()[1] == before + 1, "a running server keeps answers from before"
    assert capsys.readouterr().out.splitlines()[-1] == "1 events replayed, 0 still parked"
