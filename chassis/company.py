"""Queries that are worked on side by side: what they read by its id is read for all of them by one statement.

Each is a coroutine that is left when it wants a record, and goes on when its row is there. A statement costs both ends
about as much for one row as for ten.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from greenlet import getcurrent, greenlet

from chassis import sql
from chassis.at_once import NotAtOnce, Pausable, pausable
from chassis.prepared import prepared_for
from chassis.resources import Resource, Row

if TYPE_CHECKING:
    from chassis.database import Database

T = TypeVar("T")
SECONDS = 60.0


class Company(Protocol):
    """Those beside whom a query runs."""

    def rows(self, database: "Database", resource: Resource, id_: str) -> list[Row]:
        """Return the row of a record, if there is one, read together with those that others want."""
        ...


class Together:
    """Queries that one thread works on. They share its connections: while one works, the others do not."""

    def __init__(self) -> None:
        """Begin in the thread that the queries will run in."""
        self._thread = getcurrent()
        self._wants: list[tuple[_Want, greenlet]] = []
        self._lent: dict[int, tuple[AbstractContextManager[Any], Any]] = {}

    def run(self, queries: Sequence[Callable[[], T]]) -> list[T]:
        """Return what `queries` return. Raises what one of them raises; what others have begun is left then."""
        found: dict[int, T] = {}

        def work(place: int, query: Callable[[], T]) -> None:
            found[place] = query()

        try:
            for place, query in enumerate(queries):
                greenlet(work).switch(place, query)
            while self._wants:
                wants, self._wants = self._wants, []
                self._read([want for want, _ in wants])
                for _, waiting in wants:
                    waiting.switch()
        finally:
            for loan, _ in self._lent.values():
                loan.__exit__(None, None, None)
        return [found[place] for place in range(len(queries))]

    def connection(self, database: "Database") -> Any:
        """Return the connection to `database` that all share, lent until the last one is done."""
        key = id(database)
        if key in self._lent and self._lent[key][1].closed:
            self._lent.pop(key)[0].__exit__(None, None, None)
        if key not in self._lent:
            loan = database.connection()
            self._lent[key] = loan, loan.__enter__()
        return self._lent[key][1]

    def rows(self, database: "Database", resource: Resource, id_: str) -> list[Row]:
        """Return the row of a record, if there is one, read when all others want one, too, or are done."""
        want = _Want(database, resource, id_)
        self._wants.append((want, getcurrent()))
        self._thread.switch()
        return want.found()

    def _read(self, wants: list["_Want"]) -> None:
        for group in _grouped(wants):
            try:
                with self.connection(group[0].database).cursor() as cursor:
                    _fill(cursor, group)
            except Exception as problem:
                for want in group:
                    want.problem = problem


class SideBySide:
    """Queries that a thread which serves many connections has paused (`chassis.pausing`), of one database."""

    def __init__(self) -> None:
        """Nobody wants anything yet."""
        self._wants: list[tuple[_Want, Pausable]] = []
        self._reading, self._last = 0, 1

    def rows(self, database: "Database", resource: Resource, id_: str) -> list[Row]:
        """Return the row of a record, if there is one.

        Where others are likely to want one, too, who does first reads for all who do before the thread waits again.
        """
        here = pausable()
        if here is None:
            raise NotAtOnce
        want = _Want(database, resource, id_)
        self._wants.append((want, here))
        if len(self._wants) == 1:
            if self._reading or self._last > 1:
                here.rest()
            self._read_for_all(want)
        until = monotonic() + SECONDS
        while not want.done and (left := until - monotonic()) > 0:
            here.pause(left)
        return want.found()

    def _read_for_all(self, mine: "_Want") -> None:
        wants, self._wants = self._wants, []
        self._reading, self._last = self._reading + 1, len(wants)
        try:
            for group in _grouped([want for want, _ in wants]):
                with mine.database.reading() as connection, connection.cursor() as cursor:
                    _fill(cursor, group)
        except BaseException as problem:
            for want, _ in wants:
                want.problem = None if want.done else problem
        finally:
            self._reading -= 1
        for want, here in wants:
            want.done = True
            if want is not mine:
                here.wake()


class _Want:
    """A record that a query waits for; `problem` is why it cannot be had."""

    __slots__ = ("_rows", "database", "done", "id", "problem", "resource")

    def __init__(self, database: "Database", resource: Resource, id_: str) -> None:
        """Want the record of this id."""
        self.database, self.resource, self.id = database, resource, id_
        self._rows: list[Row] = []
        self.problem: BaseException | None = None
        self.done = False

    def take(self, row: Row | None) -> None:
        """Take the row, or that there is none."""
        self._rows = [] if row is None else [row]
        self.done = True

    def found(self) -> list[Row]:
        """Return what was found. Raises what went wrong, for each who waited for it."""
        if self.problem is not None:
            raise self.problem
        if not self.done:
            raise NotAtOnce
        return self._rows


def _grouped(wants: Iterable[_Want]) -> Iterable[list[_Want]]:
    groups: dict[tuple[int, int], list[_Want]] = {}
    for want in wants:
        groups.setdefault((id(want.database), id(want.resource)), []).append(want)
    return groups.values()


def _fill(cursor: Any, wants: list[_Want]) -> None:
    """Read the rows that are wanted of one kind."""
    ids = list({want.id for want in wants})
    # Alone it is the statement that everybody else uses.
    how, arg = ("get", ids[0]) if len(ids) == 1 else ("any", ids)
    prepared_for(wants[0].resource, how, sql.prepared).run(cursor, (arg,))
    rows = {str(row[0]): row for row in cursor.fetchall()}
    for want in wants:
        want.take(rows.get(want.id))


class _Here(threading.local):
    together: Together | None = None


_here = _Here()


def together() -> Together | None:
    """Return what this thread works on together, if it does."""
    return _here.together


def run_together(queries: Sequence[Callable[[], T]]) -> list[T]:
    """Run queries, none of which writes, in this thread. Returns and raises what `Together.run` does."""
    if len(queries) == 1:
        return [queries[0]()]
    _here.together = made = Together()
    try:
        return made.run(queries)
    finally:
        _here.together = None
