"""Queries of a service that a thread which serves many connections runs beside each other."""

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType

import orjson
import pytest

from chassis import weights
from chassis.answers import Answers
from chassis.at_once import NotAtOnce, take_light
from chassis.binding import Id
from chassis.errors import NotFound
from chassis.marks import Marks
from chassis.messages import Reply
from chassis.operations import query
from chassis.policy import anyone
from chassis.service import Service
from chassis.spec import ServiceSpec
from chassis.unit import Unit
from tests.support.kernel import BOOK, LIBRARY, SHELF, call, library
from tests.support.pausing import Together

room = ModuleType("room")


@query(allow=anyone, kept=True)
def get_slow_book(unit: Unit, instance_id: Id) -> list[str]:
    """Return the name that a book has had a moment ago."""
    name = unit.need("book", instance_id)["name"]
    unit.rows("SELECT pg_sleep(0.3)")
    return [name]


@query(allow=anyone, kept=True)
def get_copied_books(unit: Unit) -> list[int]:
    """Return how many books there are, by COPY."""
    return [len(unit.copied("SELECT id FROM book"))]


for operation in (get_slow_book, get_copied_books):
    operation.__module__ = room.__name__  # type: ignore[attr-defined]
    setattr(room, operation.__name__, operation)  # type: ignore[attr-defined]


@pytest.fixture
def service() -> Iterator[Service]:
    with library(ServiceSpec("library", owns=(SHELF, BOOK), cruds=LIBRARY.cruds, rooms=(room,))) as made:
        made.marks = Marks(made.spec.kinds)
        made.answers = Answers("library", made.marks)
        yield made


def books(service: Service, count: int) -> list[str]:
    made = [call(service, "create_book", {"name": f"Book {number}"}) for number in range(count)]
    return [str(orjson.loads(reply.read())["id"]) for reply in made]


def asking(service: Service, operation: str, book: str) -> Callable[[], Reply]:
    return partial(call, service, operation, path={"instance_id": book})


def test_light_queries_are_answered_as_a_thread_would_answer_them(service: Service) -> None:
    ids = books(service, 10)
    asking(service, "get_book", ids[0])()
    at_once = Together().do(*[asking(service, "get_book", book) for book in ids])
    assert [orjson.loads(reply.read())["id"] for reply in at_once] == ids
    service.answers = None
    assert at_once == [asking(service, "get_book", book)() for book in ids]


def test_light_queries_are_under_way_at_the_same_time(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "QUICK_SECONDS", 5.0)
    ids = books(service, 4)
    asking(service, "get_slow_book", ids[0])()
    started = time.monotonic()
    replies = Together().do(*[asking(service, "get_slow_book", book) for book in ids[1:]])
    assert [orjson.loads(reply.read()) for reply in replies] == [[f"Book {number}"] for number in (1, 2, 3)]
    assert time.monotonic() - started < 0.7


def test_a_query_whose_weight_is_not_known_is_left_to_a_thread(service: Service) -> None:
    [book] = books(service, 1)
    assert isinstance(Together().do(asking(service, "get_book", book))[0], NotAtOnce)
    take_light()
    asking(service, "get_book", book)()
    assert take_light()


def test_a_query_that_cannot_be_paused_is_left_to_threads_for_a_while(service: Service) -> None:
    books(service, 3)
    ask = partial(call, service, "get_copied_books")
    assert orjson.loads(ask().read()) == [3]
    books(service, 1)
    assert isinstance(Together().do(ask)[0], NotAtOnce)
    take_light()
    assert orjson.loads(ask().read()) == [4]
    assert not take_light()


def test_what_is_not_found_is_refused_at_once(service: Service) -> None:
    [book] = books(service, 1)
    asking(service, "get_book", book)()
    unknown = "00000000-0000-4000-8000-000000000000"
    assert isinstance(Together().do(asking(service, "get_book", unknown))[0], NotFound)


def test_a_change_while_a_query_waits_keeps_its_answer_from_being_used_again(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "QUICK_SECONDS", 5.0)
    together = Together()
    [book, other, third] = books(service, 3)
    asking(service, "get_slow_book", other)()
    together.do(asking(service, "get_slow_book", third))  # a connection is open

    read = asking(service, "get_slow_book", book)
    changed = partial(call, service, "update_book", {"name": "Changed"}, path={"instance_id": book})

    by_another_thread = threading.Timer(0.15, changed)  # the name has been read, and the query still waits
    by_another_thread.start()
    assert orjson.loads(together.do(read)[0].read()) == ["Book 0"]
    by_another_thread.join()
    assert orjson.loads(read().read()) == ["Changed"]


def test_commands_are_left_to_threads(service: Service) -> None:
    assert isinstance(Together().do(partial(call, service, "create_book", {"name": "One"}))[0], NotAtOnce)
    assert orjson.loads(call(service, "list_books").read()) == []
