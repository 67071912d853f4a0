"""Of a long list that is asked for again, only what has changed is read, and the answer is that of reading all."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import orjson
import pytest

from chassis.listing import Listing
from chassis.messages import THE_SYSTEM, Request
from chassis.pieces import Texts, id_in
from chassis.service import Service
from chassis.unit import Unit
from tests.support.kernel import call, library


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with library() as made:
        yield made


class Shelf:
    """A shelf of ten books whose list is asked for, and what was read for it."""

    def __init__(self, service: Service) -> None:
        self.service, self.read_rows = service, 0
        self.id = orjson.loads(call(service, "create_shelf", {"name": uuid4().hex}).read())["id"]
        self.books = [self.add(f"book {number}") for number in range(10)]

    def add(self, name: str) -> str:
        made = call(self.service, "create_book", {"name": name, "shelf_id": self.id})
        return str(orjson.loads(made.read())["id"])

    def rename(self, book: str, name: str) -> None:
        call(self.service, "update_book", {"name": name}, path={"instance_id": book})

    def remove(self, book: str) -> None:
        call(self.service, "delete_book", path={"instance_id": book})

    def _made(self, rows: list[tuple[Any, ...]]) -> Texts:
        self.read_rows += len(rows)
        return dict(rows)

    def listing(self, *, named: bool = False) -> Listing:
        where, args = ("%(shelf)s", {"shelf": self.id}) if named else ("%s", [self.id])
        return Listing("t.id", "t.doc", f"FROM book t WHERE t.shelf_id = {where}", "t.name", args, self._made)

    def names(self, tag: str, *, named: bool = False) -> list[str]:
        """Return the names in the list, and note in `read_rows` how many rows were read for it."""
        self.read_rows = 0
        request = Request("library.list", actor=THE_SYSTEM)
        with self.service.database.connection() as connection:
            unit = Unit(self.service, request, connection, writes=False)
            found = self.listing(named=named).read(unit, self.id, tag)
        documents = {id_in(name).decode(): orjson.loads(text) for name, text in found.items()}
        assert all(id_ == document["id"] for id_, document in documents.items())
        return [document["name"] for document in documents.values()]


@pytest.fixture
def shelf(service: Service) -> Shelf:
    return Shelf(service)


TEN = [f"book {number}" for number in range(10)]


def test_nothing_is_read_while_the_tag_is_the_same(shelf: Shelf) -> None:
    assert (shelf.names("1"), shelf.read_rows) == (TEN, 10)
    shelf.rename(shelf.books[0], "zebra")
    assert (shelf.names("1"), shelf.read_rows) == (TEN, 0)


@pytest.mark.parametrize("named", [False, True])
def test_what_was_changed_added_and_removed_is_all_that_is_read(shelf: Shelf, named: bool) -> None:
    shelf.names("1", named=named)
    shelf.rename(shelf.books[0], "zebra")
    shelf.remove(shelf.books[1])
    shelf.add("aardvark")
    assert (shelf.names("2", named=named), shelf.read_rows) == (["aardvark", *TEN[2:], "zebra"], 2)


def test_a_list_that_is_the_same_under_another_tag_is_not_read(shelf: Shelf) -> None:
    shelf.names("1")
    assert (shelf.names("2"), shelf.read_rows) == (TEN, 0)


def test_a_list_that_has_changed_in_many_places_is_read_at_once(shelf: Shelf) -> None:
    shelf.names("1")
    for number in range(4):
        shelf.rename(shelf.books[number], f"album {number}")
    assert (shelf.names("2"), shelf.read_rows) == ([f"album {n}" for n in range(4)] + TEN[4:], 10)


def test_all_may_go(shelf: Shelf) -> None:
    shelf.names("1")
    for book in shelf.books:
        shelf.remove(book)
    assert shelf.names("2") == []
    shelf.add("the last one")
    assert shelf.names("3") == ["the last one"]


def test_without_a_tag_nothing_is_kept(shelf: Shelf) -> None:
    shelf.names("")
    assert (shelf.names(""), shelf.read_rows) == (TEN, 10)


def test_what_changes_once_more_while_it_is_read_is_shown_as_it_is_then(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.names("1")
    shelf.rename(shelf.books[5], "book 5, once")
    some = Listing._some

    def changed_again(self: Listing, *args: Any) -> Any:
        shelf.rename(shelf.books[5], "book 5, twice")
        return some(self, *args)

    monkeypatch.setattr(Listing, "_some", changed_again)
    assert shelf.names("2")[5] == "book 5, twice"
    monkeypatch.undo()
    assert (shelf.names("3")[5], shelf.read_rows) == ("book 5, twice", 0)


def test_what_goes_while_it_is_read_is_left_out(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.names("1")
    shelf.rename(shelf.books[5], "soon gone")
    some = Listing._some

    def removed(self: Listing, *args: Any) -> Any:
        shelf.remove(shelf.books[5])
        return some(self, *args)

    monkeypatch.setattr(Listing, "_some", removed)
    assert shelf.names("2") == TEN[:5] + TEN[6:]
