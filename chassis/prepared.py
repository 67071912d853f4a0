"""Statements that PostgreSQL parses and plans once per connection: those that every change runs.

Only writes are prepared. A plan finds its tables even under another name, and reads of a release that another one has
superseded must not (see `chassis.shapes`); what they write is refused with their append.
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
