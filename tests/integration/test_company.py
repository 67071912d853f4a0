"""Queries side by side: what they read by id is read for all by one statement, and each gets its own answer."""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import orjson
import pytest

from chassis.answers import Answers
from chassis.at_once import NotAtOnce
from chassis.binding import Id
from chassis.company import run_together
from chassis.errors import DomainError, NotFound
from chassis.marks import Marks
from chassis.messages import Reply
from chassis.operations import query
from chassis.policy import anyone
from chassis.prepared import Prepared
from chassis.service import Service
from chassis.spec import ServiceSpec
from chassis.unit import Unit
from chassis.weights import Weights
from tests.support.kernel import BOOK, LIBRARY, SHELF, call, library
from tests.support.pausing import Together

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@query(allow=anyone, kept=True)
def get_shelf_of_book(unit: Unit, instance_id: Id) -> list[Any]:
    """Return the names of a book and of its shelf, and how many books stand there."""
    book = unit.need("book", instance_id)
    count = unit.count("book", "t.shelf_id = %s", (book["shelf_id"],))
    return [book["name"], unit.need("shelf", book["shelf_id"])["name"], count]


@query(allow=anyone, kept=True)
def get_any_book(unit: Unit, *, which: str = "") -> Any:
    """Return the name of the book with an id that nobody has checked."""
    return [unit.need("book", which)["name"]]


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    spec = ServiceSpec("library", owns=(SHELF, BOOK), cruds=LIBRARY.cruds, rooms=(sys.modules[__name__],))
    with library(spec) as made:
        made.marks = Marks(made.spec.kinds)
        yield made


@pytest.fixture
def ids(service: Service) -> list[str]:
    service.answers = None
    shelf = made(service, "shelf", name=f"Shelf {uuid4().hex[:8]}")
    return [made(service, "book", name=f"Book {number}", shelf_id=shelf) for number in range(6)]


def made(service: Service, kind: str, **fields: Any) -> str:
    return str(orjson.loads(call(service, f"create_{kind}", fields).read())["id"])


def asking(service: Service, operation: str, ids: list[str]) -> list[Callable[[], Reply]]:
    return [partial(call, service, operation, path={"instance_id": id_}) for id_ in ids]


def outcome(ask: Callable[[], Reply]) -> Any:
    try:
        return ask().read()
    except DomainError as refusal:
        return type(refusal)


class Statements:
    """Counts the statements that read records by their ids."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __enter__(self) -> "Statements":
        run = Prepared.run

        def counted(prepared: Prepared, cursor: Any, args: Any) -> None:
            self.names.append(prepared.name)
            run(prepared, cursor, args)

        self._patch = patch.object(Prepared, "run", counted)
        self._patch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._patch.stop()


def test_queries_of_one_thread_read_their_records_by_one_statement(service: Service, ids: list[str]) -> None:
    asked = asking(service, "get_book", ids)
    alone = [ask().read() for ask in asked]
    with Statements() as statements:
        assert [reply.read() for reply in run_together(asked)] == alone
    assert len(statements.names) == 1


def test_each_query_goes_on_with_its_own_record(service: Service, ids: list[str]) -> None:
    asked = asking(service, "get_shelf_of_book", ids) + asking(service, "get_book", ids[:2])
    alone = [ask().read() for ask in asked]
    with Statements() as statements:
        assert [reply.read() for reply in run_together(asked)] == alone
    assert len(statements.names) == 2, "one for the books, one for the shelves"


def test_what_is_unknown_is_refused_to_nobody_else(service: Service, ids: list[str]) -> None:
    asked: list[Callable[[], Any]] = [
        partial(outcome, ask) for ask in asking(service, "get_book", [ids[0], UNKNOWN, ids[1]])
    ]
    first, unknown, second = run_together(asked)
    assert unknown is NotFound
    assert orjson.loads(first)["id"] == ids[0]
    assert orjson.loads(second)["id"] == ids[1]


def test_who_asks_with_what_is_no_id_spoils_nobody_elses_read(service: Service, ids: list[str]) -> None:
    wrong = partial(call, service, "get_any_book", query={"which": ["no id"]})
    asked: list[Callable[[], Any]] = [partial(outcome, ask) for ask in asking(service, "get_book", ids[:2])]
    asked.append(partial(outcome, wrong))
    *good, refused = run_together(asked)
    assert [orjson.loads(each)["id"] for each in good] == ids[:2]
    assert issubclass(refused, DomainError)


def test_queries_that_lose_their_connection_are_run_again_on_another(service: Service, ids: list[str]) -> None:
    run = Prepared.run
    broken: list[int] = []

    def breaking(prepared: Prepared, cursor: Any, args: Any) -> None:
        if not broken:
            broken.append(cursor.connection.info.backend_pid)
            service.database.run("SELECT pg_terminate_backend(%s)", (broken[0],))
        run(prepared, cursor, args)

    with patch.object(Prepared, "run", breaking):
        replies = run_together(asking(service, "get_book", ids[:3]))
    assert [orjson.loads(reply.read())["id"] for reply in replies] == ids[:3]
    assert broken


def test_connections_are_given_back_whatever_happens(service: Service, ids: list[str]) -> None:
    def fails() -> Reply:
        call(service, "get_book", path={"instance_id": ids[0]})
        raise ZeroDivisionError

    spare = len(service.database._spare)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            run_together([*asking(service, "get_book", ids[1:3]), fails])
        run_together(asking(service, "get_book", ids))
    assert len(service.database._spare) == max(spare, 1)


@pytest.fixture
def light(service: Service, ids: list[str]) -> Iterator[list[str]]:
    """Return ids of books, of a service that has seen that its queries are light and gives no answer twice."""
    service.answers = Answers("library", Marks(service.spec.kinds))
    service._weights = Weights()
    for operation in ("get_book", "get_shelf_of_book"):
        asking(service, operation, [made(service, "book", name="Known", shelf_id=None)])
        asking(service, operation, ids[:1])[0]()
    service.answers = Answers("library", Marks(service.spec.kinds))
    yield ids
    service.answers = None


def test_queries_of_a_thread_that_serves_many_read_together_while_others_are_read(
    service: Service, light: list[str]
) -> None:
    asked = asking(service, "get_book", light)
    with Statements() as statements:
        replies = Together().do(*asked)
    assert [orjson.loads(reply.read())["id"] for reply in replies] == light
    assert len(statements.names) == 2, "one alone, and one for all who came while it was read"


def test_queries_that_have_a_connection_wait_for_nobody_who_needs_one(service: Service, light: list[str]) -> None:
    asked = asking(service, "get_shelf_of_book", light * 2)
    replies = Together().do(*asked)
    assert [orjson.loads(reply.read())[2] for reply in replies] == [6] * 12


def test_a_reader_that_cannot_wait_leaves_all_to_threads(service: Service, light: list[str]) -> None:
    with patch.object(Prepared, "run", side_effect=NotAtOnce):
        outcomes = Together().do(*asking(service, "get_book", light[:3]))
    assert all(isinstance(each, NotAtOnce) for each in outcomes)


def test_what_goes_wrong_for_one_kind_is_nothing_to_who_wants_another(service: Service, light: list[str]) -> None:
    shelf = made(service, "shelf", name=f"Shelf {uuid4().hex[:8]}")
    asking(service, "get_shelf", [shelf])[0]()
    service.answers = Answers("library", Marks(service.spec.kinds))
    run = Prepared.run

    def failing(prepared: Prepared, cursor: Any, args: Any) -> None:
        if "shelf" in prepared.name:
            raise NotAtOnce
        run(prepared, cursor, args)

    with patch.object(Prepared, "run", failing):
        *books, refused = Together().do(*asking(service, "get_book", light[:3]), *asking(service, "get_shelf", [shelf]))
    assert [orjson.loads(reply.read())["id"] for reply in books] == light[:3]
    assert isinstance(refused, NotAtOnce)
