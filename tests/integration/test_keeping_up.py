"""A replica shows whoever asks what was answered before to whomever: by marks, or by what a gateway has heard of."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from chassis import follow
from chassis.answers import Answers
from chassis.at_once import NotAtOnce, at_once
from chassis.database import Database
from chassis.errors import NotFound, Unavailable
from chassis.events import Event
from chassis.follow import Follower
from chassis.marks import Followed, Marks
from chassis.messages import THE_SYSTEM, Actor, Request
from chassis.schema import migrate
from chassis.service import Service
from chassis.spec import NoBus, ServiceSpec
from tests.support.database import drop_database, fresh_database, postgres_server
from tests.support.kernel import BOOK, LIBRARY, OWNERS, SHELF, call, library

SOMEBODY = Actor("a person", "admin", "person")


class Reader:
    """A service with replicas of a library that nothing follows in the background."""

    def __init__(self, shop: Service, service: Service) -> None:
        self.shop, self.service = shop, service
        self.follower = Follower(service, OWNERS, self._feed)
        self.follower.serve(service)
        self.fed = 0
        self.away = False

    def _feed(self, owner: str, after: int, limit: int, kinds: list[str]) -> tuple[list[Event], int]:
        self.fed += 1
        if self.away:
            raise Unavailable("The library is closed.")
        return self.shop.feed(after, limit, kinds)

    def watch(self) -> None:
        """Let the service keep up by the marks of the library."""
        marks = self.shop.marks = Marks(self.shop.spec.kinds)
        followed = Followed({"library": ["shelf", "book"]}, lambda owner: marks)
        self.follower.watch(followed)
        own = self.service.marks = Marks(self.service.spec.kinds)
        self.service.answers = Answers("reader", own, followed=followed)

    def name(self, book: str, actor: Actor = SOMEBODY, **more: Any) -> str:
        """Return the name of a book, as the replica has it."""
        request = Request("reader.get_book", {"instance_id": book}, actor=actor, **more)
        return str(orjson.loads(self.service.call(request).read())["name"])


@pytest.fixture
def reader() -> Iterator[Reader]:
    server = postgres_server()
    url = fresh_database(server, "test_keeping_up")
    spec = ServiceSpec("reader", owns=(), replicates=(SHELF, BOOK), cruds=LIBRARY.cruds)
    with library() as shop:
        service = Service(spec, Database(url, commit="off"), NoBus())
        migrate(service)
        yield Reader(shop, service)
        service.database.close()
        drop_database(server, url)


def made(shop: Service, name: str = "One") -> str:
    return str(orjson.loads(call(shop, "create_book", {"name": name}).read())["id"])


def renamed(shop: Service, book: str, name: str) -> int:
    """Rename a book; return the position of that."""
    return call(shop, "update_book", {"name": name}, path={"instance_id": book}).positions["library"]


def test_by_marks_it_keeps_up_once_for_each_change_that_concerns_it(reader: Reader) -> None:
    reader.watch()
    book = made(reader.shop)
    for name in ("Two", "Three"):
        renamed(reader.shop, book, name)
        assert reader.name(book) == name
        fed = reader.fed
        assert reader.name(book) == name
        assert reader.fed == fed


def test_who_must_not_wait_gets_no_kept_answer_of_which_more_was_answered(reader: Reader) -> None:
    reader.watch()
    book = made(reader.shop)
    reader.name(book)
    with at_once():
        assert reader.name(book) == "One"
    renamed(reader.shop, book, "Two")
    with at_once(), pytest.raises(NotAtOnce):
        reader.name(book)
    assert reader.name(book) == "Two"
    with at_once():
        assert reader.name(book) == "Two"


def test_what_a_query_does_not_read_is_not_followed_for_it(reader: Reader) -> None:
    reader.watch()
    book = made(reader.shop)
    reader.name(book)
    fed = reader.fed
    call(reader.shop, "create_shelf", {"name": "A shelf"})
    assert reader.name(book) == "One"
    assert reader.fed == fed


def test_what_is_followed_while_a_query_runs_is_in_its_answer(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    reader.watch()
    book = made(reader.shop)
    reader.name(book)
    renamed(reader.shop, book, "Two")
    tried = reader.service._tried
    names: list[str] = []

    def slow(*args: Any) -> Any:
        reply = tried(*args)
        names.append(orjson.loads(reply.read())["name"])
        reader.follower.catch_up("library")  # by the thread that follows in the background
        return reply

    monkeypatch.setattr(reader.service, "_tried", slow)
    reader.service._read.clear()
    assert reader.name(book) == "Two"
    assert names == ["One", "Two"]
    renamed(reader.shop, book, "Three")
    assert reader.name(book) == "Three"
    assert names[2:] == ["Three"]  # what it will read is known by now


def test_other_services_say_what_they_need_and_nobody_keeps_up_for_them(reader: Reader) -> None:
    reader.watch()
    book = made(reader.shop)
    reader.name(book)
    renamed(reader.shop, book, "Two")
    assert reader.name(book, THE_SYSTEM) == "One"


def test_what_a_gateway_has_heard_of_is_there_when_it_asks(reader: Reader) -> None:
    book = made(reader.shop)
    reader.follower.catch_up("library")
    position = renamed(reader.shop, book, "Two")
    assert reader.name(book) == "One"
    assert reader.name(book, news={"library": position}) == "Two"
    fed = reader.fed
    assert reader.name(book, news={"library": position, "nobody": 7}) == "Two"
    assert reader.fed == fed


def test_nobody_waits_for_news_of_a_service_that_is_away(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    book = made(reader.shop)
    reader.follower.catch_up("library")
    position = renamed(reader.shop, book, "Two")
    reader.away = True
    assert reader.name(book, news={"library": position}) == "One"
    with pytest.raises(Unavailable):
        reader.name(book, needs={"library": position})
    fed = reader.fed
    monkeypatch.setattr(follow, "AWAY_SECONDS", 0.0)
    assert reader.name(book, news={"library": position}) == "One"
    assert reader.fed == fed
    reader.away = False
    assert reader.name(book, needs={"library": position}) == "Two"


def test_what_is_not_there_at_all_is_still_looked_for_at_its_owner(reader: Reader) -> None:
    book = made(reader.shop)
    assert reader.name(book) == "One"
    with pytest.raises(NotFound):
        reader.name("00000000-0000-0000-0000-000000000000")
