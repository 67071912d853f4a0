"""Two releases on one database: prepared beside the other, switched in a moment, nothing lost, nothing done twice."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType
from typing import Any

import orjson
import pytest

from chassis import shapes
from chassis.changes import Change
from chassis.crud import Crud
from chassis.database import Database
from chassis.errors import Superseded
from chassis.events import Event
from chassis.follow import Follower
from chassis.policy import signed_in
from chassis.rebuild import rebuild
from chassis.resources import Field, Record, Resource
from chassis.schema import migrate
from chassis.service import Service
from chassis.spec import Derived, NoBus, ServiceSpec, reacts
from chassis.unit import Unit
from tests.support.database import drop_database, fresh_database, postgres_server
from tests.support.kernel import BOOK, LIBRARY, OWNERS, SHELF, call, library

# The next release knows one field more, and keeps the number of books.
NEXT_BOOK = replace(BOOK, fields=(*BOOK.fields, Field("isbn", column=True)))


def _count(cursor: Any, changes: list[Change]) -> None:
    cursor.execute("UPDATE shop_size SET books = books + %s", (sum(c.event.op == "create" for c in changes),))


def _count_all(cursor: Any) -> None:
    cursor.execute("TRUNCATE shop_size; INSERT INTO shop_size SELECT count(*) FROM book")


SIZE = Derived("shop_size", "CREATE TABLE shop_size (books int NOT NULL);", _count, _count_all)


def next_release(spec: ServiceSpec) -> ServiceSpec:
    cruds = tuple(Crud(r, signed_in, signed_in, signed_in, signed_in) for r in (SHELF, NEXT_BOOK))
    return replace(spec, owns=(SHELF, NEXT_BOOK), cruds=cruds, derived=(SIZE,))


@contextmanager
def release(spec: ServiceSpec, url: str) -> Iterator[Service]:
    service = Service(spec, Database(url, commit="off"), NoBus())
    try:
        yield service
    finally:
        service.database.close()


@pytest.fixture
def old() -> Iterator[Service]:
    with library() as service:
        yield service


@pytest.fixture
def new(old: Service) -> Iterator[Service]:
    with release(next_release(LIBRARY), old.database.url) as service:
        yield service


def a_book(service: Service, name: str = "Momo") -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(call(service, "create_book", {"name": name}).read())
    return found


def names(service: Service) -> list[str]:
    return sorted(book["name"] for book in orjson.loads(call(service, "list_books").read()))


def test_what_is_prepared_waits_while_the_other_release_serves_on(old: Service, new: Service) -> None:
    a_book(old)
    assert migrate(new, serve=False) is False
    assert shapes.is_prepared(new)
    assert shapes.served(new) == LIBRARY.shape
    a_book(old, "Ronja")
    assert names(old) == ["Momo", "Ronja"]
    assert not old.superseded.is_set()


def test_the_first_process_of_a_release_finds_what_was_written_since_it_was_prepared(
    old: Service, new: Service
) -> None:
    a_book(old)
    migrate(new, serve=False)
    a_book(old, "Ronja")
    assert shapes.switch(new)
    assert names(new) == ["Momo", "Ronja"]
    assert "isbn" in orjson.loads(call(new, "list_books").read())[0]
    assert new.database.run("SELECT books FROM shop_size") == [(2,)]
    assert shapes.switch(new), "to switch again changes nothing"


@pytest.mark.parametrize("operation", ["list_books", "create_book"])
def test_a_process_of_the_release_before_does_nothing_more(old: Service, new: Service, operation: str) -> None:
    migrate(new)
    head = new.head()
    with pytest.raises(Superseded):
        call(old, operation, {"name": "Momo"} if operation == "create_book" else None)
    assert old.superseded.is_set()
    assert new.head() == head
    assert names(new) == []


def test_only_the_schemas_of_the_served_release_are_left(old: Service, new: Service) -> None:
    migrate(new)
    found = {
        name for (name,) in new.database.run("SELECT nspname FROM pg_namespace WHERE nspname ~ '^(read|repl|gone)'")
    }
    assert found == {new.spec.read, new.spec.replica}


def test_etags_of_the_release_before_fit_nothing_any_more(old: Service, new: Service) -> None:
    a_book(old)
    before = dict(old.database.run("SELECT scope, revision FROM log.scopes"))
    migrate(new)
    after = dict(new.database.run("SELECT scope, revision FROM log.scopes"))
    assert before.keys() == after.keys()
    assert all(after[scope] != revision for scope, revision in before.items())


def test_back_to_the_release_before_is_the_same_way(old: Service, new: Service) -> None:
    migrate(new)
    a_book(new)
    with release(LIBRARY, old.database.url) as again:
        assert migrate(again, serve=False) is False
        assert shapes.switch(again)
        assert names(again) == ["Momo"]
    with pytest.raises(Superseded):
        names(new)


def test_only_the_release_that_was_prepared_last_can_take_over(old: Service, new: Service) -> None:
    a_book(old)
    migrate(new, serve=False)
    other = replace(LIBRARY, owns=(SHELF, replace(BOOK, fields=(*BOOK.fields, Field("format", column=True)))))
    with release(other, old.database.url) as third:
        migrate(third, serve=False)
        assert not shapes.switch(new)
        assert names(old) == ["Momo"]
        assert shapes.switch(third)
    assert not shapes.is_prepared(new)


def test_a_preparation_that_broke_off_is_begun_anew(old: Service, new: Service) -> None:
    a_book(old)

    def broken(limits: Any) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        migrate(new, broken, serve=False)
    assert not shapes.is_prepared(new)
    assert not shapes.switch(new)
    migrate(new)
    assert names(new) == ["Momo"]


class Writing:
    """A thread that creates books with the old release until that is superseded, then with the new one."""

    def __init__(self, number: int, old: Service, new: Service) -> None:
        self.written: list[str] = []
        self.stop, self.switched = threading.Event(), threading.Event()
        self._number, self._service, self._new = number, old, new
        self.wrong: BaseException | None = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            while not self.stop.is_set():
                self._write(f"{self._number} {len(self.written)}")
        except BaseException as problem:
            self.wrong = problem

    def _write(self, name: str) -> None:
        try:
            a_book(self._service, name)
            self.written.append(name)
        except Superseded:
            assert self.switched.wait(10)
            self._service = self._new

    def wait_for(self, more: int) -> None:
        goal = len(self.written) + more
        while len(self.written) < goal and self.wrong is None:
            time.sleep(0.001)


def test_writers_at_the_moment_of_the_switch_lose_and_double_nothing(old: Service, new: Service) -> None:
    migrate(new, serve=False)
    writers = [Writing(number, old, new) for number in range(6)]
    for writer in writers:
        writer.wait_for(10)
    shapes.switch(new)
    for writer in writers:
        writer.switched.set()
    for writer in writers:
        writer.wait_for(10)
        writer.stop.set()
        writer.thread.join()
    assert [writer.wrong for writer in writers] == [None] * 6
    written = sorted(name for writer in writers for name in writer.written)
    assert names(new) == written
    assert new.database.run("SELECT books FROM shop_size") == [(len(written),)]
    rows = new.database.run("SELECT * FROM book ORDER BY id")
    rebuild(new)
    assert new.database.run("SELECT * FROM book ORDER BY id") == rows


NOTE = Resource("note", "notes", "Note", fields=(Field("about", "uuid", column=True),))
room = ModuleType("room")


@reacts("book")
def note_new_books(unit: Unit, event: Event, record: Record | None) -> None:
    if event.op == "create":
        unit.create("note", {"about": event.id}, name="reader.note_taken.v1")


note_new_books.__module__ = "room"
room.note_new_books = note_new_books  # type: ignore[attr-defined]
READER = ServiceSpec("reader", owns=(NOTE,), replicates=(SHELF, BOOK), rooms=(room,))


def test_reactions_go_on_where_the_release_before_has_left_off(old: Service) -> None:
    """Neither what it had reacted to, nor what it had not yet seen when the next release was prepared, comes twice."""
    server = postgres_server()
    url = fresh_database(server, "test_reader")

    def feed(owner: str, after: int, limit: int, kinds: list[str]) -> tuple[list[Event], int]:
        return old.feed(after, limit, kinds)

    with release(READER, url) as one, release(replace(READER, replicates=(SHELF, NEXT_BOOK)), url) as two:
        migrate(one)
        following = Follower(one, OWNERS, feed)
        a_book(old, "seen before")
        following.catch_up("library")
        a_book(old, "unseen when the next release is prepared")

        def fill(limits: Any) -> None:
            def until(owner: str, after: int, limit: int, kinds: list[str]) -> tuple[list[Event], int]:
                events, reached = feed(owner, after, limit, kinds)
                return [e for e in events if e.position <= limits[owner]], min(reached, limits[owner])

            Follower(two, OWNERS, until, served=False).catch_up("library", settle=True)

        migrate(two, fill, serve=False)
        assert two.database.run("SELECT count(*) FROM book") == [(1,)]
        following.catch_up("library")
        a_book(old, "seen by neither")
        shapes.switch(two)
        with pytest.raises(Superseded):
            following.catch_up("library")
        Follower(two, OWNERS, feed).catch_up("library")
        assert two.database.run("SELECT count(*), count(DISTINCT about) FROM note") == [(3, 3)]
        assert two.database.run("SELECT count(*) FROM book") == [(3,)]
    drop_database(server, url)
