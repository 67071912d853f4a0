"""Lists that are the same for everybody are read once, and never shown when they have changed."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from chassis.database import Database
from chassis.marks import Watch
from chassis.messages import THE_SYSTEM, Request
from chassis.moves import Names
from chassis.reading import Part
from chassis.rebuild import rebuild
from chassis.resources import Field, Resource
from chassis.service import Service
from chassis.shared import SharedLists
from chassis.spec import NoBus, ServiceSpec
from chassis.unit import Unit
from tests.support.kernel import LIBRARY, call, library

SHARED = SharedLists(
    shelves=Part("shelf", order="t.name", relations=True),
    long=Part("book", "(t.doc::json->>'pages')::int > %s", "t.name", (100,)),
)
MINE = Part("book", "t.name LIKE %s", args=(1, "My%"), cell="json_build_object('name', t.name, 'mine', %s::int)::text")


class Counted(Unit):
    """A unit that counts its statements."""

    statements = 0

    def _undecoded(self, statement: str, args: Any, *, planned: bool) -> list[tuple[Any, ...]]:
        Counted.statements += 1
        return super()._undecoded(statement, args, planned=planned)


@pytest.fixture(scope="module")
def processes() -> Iterator[list[Service]]:
    """Two processes that serve one database."""
    with library() as first:
        second = Service(LIBRARY, Database(first.database.url, commit="off"), NoBus())
        yield [first, second]
        second.database.close()


def read(service: Service) -> dict[str, list[str]]:
    """Return the names that are shown, by list."""
    with service.database.connection() as connection:
        unit = Counted(service, Request("library.x", actor=THE_SYSTEM), connection, writes=False)
        found = SHARED.read(unit, mine=MINE)
    return {name: [row["name"] for row in orjson.loads(rows)] for name, rows in found.items()}


def made(service: Service, kind: str, **fields: Any) -> str:
    return str(orjson.loads(call(service, f"create_{kind}", fields).read())["id"])


def test_what_is_shared_is_read_again_only_after_a_change_by_any_process(processes: list[Service]) -> None:
    one, other = processes
    assert read(one) == {"shelves": [], "long": [], "mine": []}
    shelf = made(other, "shelf", name="Upper")
    made(other, "book", name="My book", pages=500)
    shown = {"shelves": ["Upper"], "long": ["My book"], "mine": ["My book"]}
    assert read(one) == read(other) == shown
    before = Counted.statements
    assert read(one) == read(other) == shown
    assert Counted.statements == before + 2
    call(one, "update_shelf", {"name": "Lower"}, path={"instance_id": shelf})
    assert read(other)["shelves"] == read(one)["shelves"] == ["Lower"]
    call(other, "delete_shelf", path={"instance_id": shelf})
    assert read(one)["shelves"] == read(other)["shelves"] == []


def test_an_answer_is_made_of_the_kinds_of_the_lists_and_of_nothing_else(processes: list[Service]) -> None:
    service = processes[0]
    for _ in range(2):  # what is kept already was made of the same
        watch = Watch(Names(service.resources))
        with service.database.connection() as connection:
            unit = Unit(service, Request("library.x", actor=THE_SYSTEM), connection, writes=False, watch=watch)
            SHARED.read(unit, mine=MINE)
        assert {slot for slot, _ in watch.seen()} == {"shelf", "book"}
        assert watch.whole
        assert not watch.all


def test_relations_are_shown_where_they_are_asked_for(processes: list[Service]) -> None:
    made(processes[1], "shelf", name="Full", books=[])
    with processes[0].database.connection() as connection:
        unit = Unit(processes[0], Request("library.x", actor=THE_SYSTEM), connection, writes=False)
        assert orjson.loads(SHARED.read(unit)["shelves"])[0]["books"] == []
        assert "books" not in orjson.loads(unit.lists(shelves=Part("shelf"))["shelves"])[0]


def test_what_belongs_to_projects_cannot_be_shared() -> None:
    page = Resource(
        kind="page", plural="pages", type="Page", live="page", fields=(Field("project_id", "uuid", column=True),)
    )
    with library(ServiceSpec("pages", owns=(page,))) as service, service.database.connection() as connection:
        unit = Unit(service, Request("pages.x", actor=THE_SYSTEM), connection, writes=False)
        with pytest.raises(RuntimeError, match="belongs to projects"):
            SharedLists(pages=Part("page")).read(unit)


def test_what_a_rebuild_mends_is_not_kept_as_it_was(processes: list[Service]) -> None:
    one, other = processes
    made(one, "shelf", name="True")
    one.database.run("""UPDATE "shelf" SET doc = replace(doc, '"True"', '"False"')""")
    shown = SharedLists(shelves=Part("shelf", "t.name = 'True'"))

    def names() -> list[str]:
        with other.database.connection() as connection:
            unit = Unit(other, Request("library.x", actor=THE_SYSTEM), connection, writes=False)
            return [row["name"] for row in orjson.loads(shown.read(unit)["shelves"])]

    assert names() == ["False"]
    rebuild(one)
    assert names() == ["True"]
