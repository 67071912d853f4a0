"""Statements that PostgreSQL parses and plans once per connection: those of every change, reads by id, short lists.

Planning takes longer than such a read. When tables are exchanged or their schema gets another name, PostgreSQL looks
the names in its plans up anew. So a rebuild is read at once (`chassis.rebuild`), and a release that another one has
superseded finds its tables as little as by any other statement (`chassis.shapes`).
"""

import itertools
import re
from collections.abc import Callable, Sequence
from typing import Any

from psycopg2 import extensions

# The client library never gives back the buffers of a statement or a cell that was larger.
LARGE = 2 * 1024 * 1024
INFERRED = "unknown"  # PostgreSQL finds the type out from where the argument stands
_CAST = re.compile(r"::(\w+(?:\[\])?)")
_numbers = itertools.count(1)
# By identity, as hashing a resource takes longer than the statement; it is kept so that no other gets its id.
_of_things: dict[tuple[int, str], tuple[Any, "Prepared"]] = {}
# Texts of the services' own code, so there are never many.
_plans: dict[str, "Prepared"] = {}


class GatheringConnection(extensions.connection):
    """A connection that knows which statements it has prepared, and which ones wait to be sent with the next.

    One that is `outgrown` has carried something large, and would keep the memory for it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Connect; nothing is prepared yet."""
        super().__init__(*args, **kwargs)
        self.prepared: set[str] = set()
        self.waiting: list[bytes] = []
        self.outgrown = False
        self.cursor_factory = GatheringCursor

    def outgrow(self) -> None:
        """Note that it has carried something large."""
        self.outgrown = True


class GatheringCursor(extensions.cursor):
    """A cursor that sends what waits on its connection together with the next statement: one round trip for all.

    What fails in them is raised by that statement, which then is not run.
    """

    connection: GatheringConnection

    def execute(self, query: Any, vars: Any = None) -> None:
        """Run what waits, then this statement; the rows are those of the latter."""
        if waiting := self.connection.waiting:
            query, vars = b"; ".join([*waiting, self.mogrify(query, vars)]), None
            waiting.clear()
        super().execute(query, vars)
        self._weigh()

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        """Run what waits, then a COPY."""
        self.send()
        super().copy_expert(sql, file, size)

    def send(self) -> None:
        """Run what waits now."""
        if waiting := self.connection.waiting:
            query = b"; ".join(waiting)
            waiting.clear()
            super().execute(query)
            self._weigh()

    def _weigh(self) -> None:
        if len(self.query or b"") > LARGE:
            self.connection.outgrown = True


class Prepared:
    """A statement whose arguments are numbered, `$1` first, and of declared or INFERRED `types`."""

    def __init__(self, name: str, types: Sequence[str], text: str) -> None:
        """Take a name that no other statement of the same service has."""
        self.name = name
        cells = ["%s" if type_ == INFERRED else f"%s::{type_}" for type_ in types]
        self._prepare = f'PREPARE "{name}"{_listed(types)} AS {text}'
        self._execute = f'EXECUTE "{name}"{_listed(cells)}'

    def run(self, cursor: Any, args: Sequence[Any]) -> None:
        """Run it on a cursor of a `chassis.database.Database`."""
        known: set[str] = cursor.connection.prepared
        if self.name not in known:
            cursor.execute(self._prepare)
            known.add(self.name)
        cursor.execute(self._execute, args)

    def later(self, cursor: Any, args: Sequence[Any]) -> None:
        """Run it, for its effect alone, together with the next statement on this connection."""
        if self.name in cursor.connection.prepared:
            cursor.connection.waiting.append(cursor.mogrify(self._execute, args))
        else:
            self.run(cursor, args)


def _listed(parts: Sequence[str]) -> str:
    return f" ({', '.join(parts)})" if parts else ""


def plan_of(statement: str) -> Prepared:
    """Return what prepares a statement with `%s` for each argument, the same one for the same text.

    Types are inferred where no `::type` says them; arrays need that, unless they are of texts, and so does what stands
    where any type may.
    """
    found = _plans.get(statement)
    if found is None:
        first, *others = statement.replace("%%", "%").split("%s")
        text = first + "".join(f"${place}{part}" for place, part in enumerate(others, start=1))
        types = [told[1] if (told := _CAST.match(part)) else INFERRED for part in others]
        made = Prepared(f"planned {next(_numbers)}", types, text)
        # Two threads may make it at once; both are good, and one stays.
        found = _plans.setdefault(statement, made)
    return found


def prepared_for(thing: Any, how: str, make: Callable[[Any, str], Prepared]) -> Prepared:
    """Return what `make` makes of `thing` and `how`, and has made once."""
    key = id(thing), how
    found = _of_things.get(key)
    if found is None:
        found = _of_things[key] = (thing, make(thing, how))
    return found[1]
