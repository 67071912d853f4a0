"""Statements that PostgreSQL parses and plans once per connection: those of every change, and reads by id.

Planning takes longer than such a read. When tables are exchanged or their schema gets another name, PostgreSQL looks
the names in its plans up anew. So a rebuild is read at once (`chassis.rebuild`), and a release that another one has
superseded finds its tables as little as by any other statement (`chassis.shapes`).
"""

from collections.abc import Sequence
from typing import Any


class Prepared:
    """A statement whose arguments are numbered, `$1` first, and of declared `types`."""

    def __init__(self, name: str, types: Sequence[str], text: str) -> None:
        """Take a name that no other statement of the same service has."""
        self.name = name
        self._prepare = f'PREPARE "{name}" ({", ".join(types)}) AS {text}'
        self._execute = f'EXECUTE "{name}" ({", ".join(f"%s::{type_}" for type_ in types)})'

    def run(self, cursor: Any, args: Sequence[Any]) -> None:
        """Run it on a cursor of a `chassis.database.Database`."""
        known: set[str] = cursor.connection.prepared
        if self.name not in known:
            cursor.execute(self._prepare)
            known.add(self.name)
        cursor.execute(self._execute, args)
