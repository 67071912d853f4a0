"""Kept answers over a real database: used again only while they would be the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chassis.answers import Answers
from chassis.at_once import NotAtOnce, at_once, take_light
from chassis.database import Database
from chassis.errors import NotFound
from chassis.follow import Follower
from chassis.marks import Marks
from chassis.schema import migrate
from chassis.service import Service
from chassis.spec import NoBus, ServiceSpec
from tests.support.database import drop_database, fresh_database, postgres_server
from tests.support.kernel import BOOK, LIBRARY, OWNERS, SHELF, call, library


class Pair:
    """Two processes of one server, by name, that share marks, and one that keeps nothing."""

    def __init__(self, shop: Service) -> None:
        self.plain = shop
        self.marks = shop.marks = Marks(shop.spec.kinds)
        self.workers = [Service(LIBRARY, shop.database, NoBus()) for _ in range(2)]
        for worker in self.workers:
            worker.marks, worker.answers = self.marks, Answers("library", self.marks)


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with library() as service:
        yield Pair(service)


@contextmanager
def without_database(service: Service) -> Iterator[None]:
    database = service.database
    service.database = None  # type: ignore[assignment]
    try:
        yield
    finally:
        service.database = database


def made(service: Service, kind: str, **fields: Any) -> str:
    return str(orjson.loads(call(service, f"create_{kind}", fields).read())["id"])


def test_a_question_asked_again_needs_no_database_until_a_change_by_another_process(pair: Pair) -> None:
    asked, other = pair.workers
    book = made(other, "book", name="One")
    path = {"instance_id": book}
    first = call(asked, "get_book", path=path)
    with without_database(asked):
        assert call(asked, "get_book", path=path) == first
    call(other, "update_book", {"name": "Two"}, path=path)
    assert orjson.loads(call(asked, "get_book", path=path).read())["name"] == "Two"
    call(other, "delete_book", path=path)
    with pytest.raises(NotFound):
        call(asked, "get_book", path=path)


def test_who_must_not_wait_gets_kept_answers_and_nothing_else(pair: Pair) -> None:
    asked, other = pair.workers
    path = {"instance_id": made(other, "book", name="One")}
    with at_once(), pytest.raises(NotAtOnce):
        call(asked, "get_book", path=path)
    with at_once(), pytest.raises(NotAtOnce):
        call(asked, "create_book", {"name": "Two"})
    first = call(asked, "get_book", path=path)
    take_light()
    with at_once():
        assert call(asked, "get_book", path=path) == first
    assert take_light()
    call(other, "update_book", {"name": "Three"}, path=path)
    with at_once(), pytest.raises(NotAtOnce):
        call(asked, "get_book", path=path)


def test_a_replica_that_has_moved_makes_answers_of_it_old(pair: Pair) -> None:
    server = postgres_server()
    url = fresh_database(server, "test_answers_reader")
    spec = ServiceSpec("reader", owns=(), replicates=(SHELF, BOOK), cruds=LIBRARY.cruds)
    reader = Service(spec, Database(url, commit="off"), NoBus())
    reader.marks = Marks(spec.kinds)
    reader.answers = Answers("reader", reader.marks)
    try:
        migrate(reader)
        follower = Follower(reader, OWNERS, lambda owner, after, limit, kinds: pair.plain.feed(after, limit, kinds))
        path = {"instance_id": made(pair.plain, "book", name="One")}
        follower.catch_up("library")
        assert orjson.loads(call(reader, "get_book", path=path).read())["name"] == "One"
        call(pair.plain, "update_book", {"name": "Two"}, path=path)
        follower.catch_up("library")
        assert orjson.loads(call(reader, "get_book", path=path).read())["name"] == "Two"
    finally:
        reader.database.close()
        drop_database(server, url)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["create", "name", "shelve", "rename shelf", "delete", "ask", "ask", "ask"]),
        st.integers(0, 1),
        st.integers(0, 5),
        st.sampled_from("abc"),
    ),
    max_size=40,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_is_changed_and_asked_by_whom_answers_are_those_of_one_who_keeps_nothing(
    pair: Pair, steps: list[tuple[str, int, int, str]]
) -> None:
    shelf = made(pair.workers[0], "shelf", name=uuid4().hex)
    books: list[str] = []
    for verb, who, which, letter in steps:
        worker = pair.workers[who]
        path = {"instance_id": books[which % len(books)]} if books else {}
        if verb == "create" or (not books and verb != "rename shelf"):
            books.append(made(worker, "book", name=letter, tags=[letter]))
        elif verb == "name":
            call(worker, "update_book", {"name": letter}, path=path)
        elif verb == "shelve":
            call(worker, "update_book", {"shelf_id": shelf}, path=path)
        elif verb == "rename shelf":
            call(worker, "update_shelf", {"name": uuid4().hex}, path={"instance_id": shelf})
        elif verb == "delete":
            call(worker, "delete_book", path=path)
            books.remove(path["instance_id"])
        else:
            for question in _questions(path, shelf, letter):
                assert call(worker, **question) == call(pair.plain, **question), question


def _questions(path: dict[str, str], shelf: str, letter: str) -> list[dict[str, Any]]:
    return [
        {"operation": "get_book", "path": path},
        {"operation": "get_book", "path": path, "query": {"relations": ["false"]}},
        {"operation": "get_shelf", "path": {"instance_id": shelf}},
        {"operation": "list_books", "query": {"name": [letter]}},
        {"operation": "list_books", "query": {"shelf_id": [shelf], "page": ["1"], "limit": ["2"]}},
        {"operation": "list_books", "query": {"tags": [letter], "fields": ["name"]}},
    ]
