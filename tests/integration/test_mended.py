"""Rows that are mended beside a running server: what is kept for longer than a moment is looked after."""

import os
from collections.abc import Iterator

import orjson
import psycopg2
import pytest

from chassis import sql
from chassis.answers import Answers
from chassis.database import Database
from chassis.marks import Marks
from chassis.mended import Lookout, Sure
from chassis.rebuild import rebuild
from chassis.service import Service
from chassis.spec import NoBus
from tests.support.kernel import LIBRARY, call, library


class House:
    """A process that keeps answers for as long as a lookout is sure of them, and what is beside it."""

    def __init__(self, beside: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        for module in ("answers", "mended"):
            monkeypatch.setattr(f"chassis.{module}.monotonic", lambda: self.now)
        self.beside = beside
        self.sure = Sure()
        self.service = Service(LIBRARY, beside.database, NoBus())
        self.service.marks = Marks(LIBRARY.kinds)
        self.service.answers = Answers("library", self.service.marks, sure=self.sure)
        self.lookout = Lookout({"library": self.service}, self.sure, self.service.marks.doubt)
        self.lookout.look()
        self.book = str(orjson.loads(call(self.service, "create_book", {"name": "One"}).read())["id"])
        self.name()

    def name(self) -> str:
        """Return the name of the book as the process answers it."""
        return str(orjson.loads(call(self.service, "get_book", path={"instance_id": self.book}).read())["name"])

    def mend(self, *, tell: bool = True) -> None:
        """Give the book another name by hand, as the documentation says, or without telling."""
        self.beside.database.run("UPDATE book SET doc = replace(doc, 'One', 'Mended') WHERE id = %s", (self.book,))
        if tell:
            self.beside.database.run(sql.MOVE_ALL_ON)


@pytest.fixture(scope="module")
def beside() -> Iterator[Service]:
    with library() as service:
        yield service


@pytest.fixture
def house(beside: Service, monkeypatch: pytest.MonkeyPatch) -> House:
    return House(beside, monkeypatch)


def test_what_is_kept_stays_while_somebody_looks_and_nothing_is_mended(house: House) -> None:
    # By hand and untold, so that an answer of the database would differ.
    house.mend(tell=False)
    for _ in range(10):
        house.now += 2.5
        house.lookout.look()
        assert house.name() == "One"
    house.now += 3.5
    assert house.name() == "Mended", "nobody has looked"


def test_what_was_mended_and_told_is_seen_after_the_next_look(house: House) -> None:
    house.mend()
    house.lookout.look()
    assert house.name() == "Mended"


def test_a_change_is_no_reason_to_doubt_what_does_not_show_it(house: House) -> None:
    before = house.service.state()
    call(house.service, "create_book", {"name": "Other"})
    assert house.service.state() == (before[0] + 1, before[1])
    house.mend(tell=False)
    house.lookout.look()
    assert house.name() == "One"


def test_a_rebuild_is_told(house: House) -> None:
    before = house.beside.state()[1]
    rebuild(house.beside)
    assert house.beside.state()[1] == before + 1


def test_nobody_is_sure_of_anything_while_a_database_cannot_be_asked(house: House) -> None:
    nowhere = Service(LIBRARY, Database("postgresql://127.0.0.1:1/nowhere"), NoBus())
    sure = Sure()
    lookout = Lookout({"library": nowhere}, sure, lambda: None)
    with pytest.raises(psycopg2.Error):
        lookout.look()
    assert not sure()


def test_what_one_process_is_sure_of_all_are_sure_of() -> None:
    sure = Sure()
    assert not sure()
    child = os.fork()
    if child == 0:
        Lookout({}, sure, lambda: None).look()
        os._exit(0)
    os.waitpid(child, 0)
    assert sure()
