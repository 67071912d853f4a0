"""Sums that are kept as records change: a row per cell, such as all tasks of a project with one type and status.

Counting a hundred thousand records takes longer than a page may; adding what a change adds takes no time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from chassis.binding import NIL
from chassis.changes import Change
from chassis.events import CREATE, DELETE
from chassis.prepared import Prepared, plan_of
from chassis.spec import Derived

# Stands for a missing id, so that cells are unique by what they are for.
Cell = tuple[Any, ...]
Amounts = tuple[Any, ...]


@dataclass(frozen=True)
class Key:
    """One thing that a cell is for: a column, its SQL type, and the expression over a record's columns."""

    column: str
    type: str = "uuid"
    expression: str = ""

    def of(self, fields: Mapping[str, Any]) -> Any:
        """Return its value for a record with `fields`; years come from dates."""
        value = fields.get(self.column) if self.type == "uuid" else int(str(fields["date"])[:4])
        return value or NIL

    @property
    def sql(self) -> str:
        """Return the expression that gives the same value for a row of the kind's table."""
        return self.expression or f"coalesce({self.column}, '{NIL}')"


@dataclass(frozen=True)
class Cells:
    """How many records of `kind` each cell holds, and the sums of some of their numbers."""

    name: str
    kind: str
    keys: tuple[Key, ...]
    sums: tuple[str, ...]

    @property
    def derived(self) -> Derived:
        """Return the read model."""
        return Derived(self.name, self._ddl(), self._apply, self._fill)

    def _ddl(self) -> str:
        # Sums are numeric: they stay exact however often something is added and taken away again.
        columns = [f"{key.column} {key.type} NOT NULL" for key in self.keys]
        columns += ["amount bigint NOT NULL", *(f"{name} numeric NOT NULL" for name in self.sums)]
        unique = ", ".join(key.column for key in self.keys)
        return f"CREATE TABLE {self.name} ({', '.join(columns)}, PRIMARY KEY ({unique}));"

    def differences(self, changes: list[Change]) -> dict[Cell, Amounts]:
        """Return what `changes` add to each cell: records, then the sums. Pure."""
        found: dict[Cell, list[Any]] = {}
        for change in changes:
            if change.event.kind != self.kind:
                continue
            for sign, fields in _sides(change):
                cell = tuple(key.of(fields) for key in self.keys)
                sums = found.setdefault(cell, [0, *(Decimal() for _ in self.sums)])
                sums[0] += sign
                for place, name in enumerate(self.sums, start=1):
                    sums[place] += sign * _exact(fields.get(name))
        return {cell: tuple(sums) for cell, sums in found.items() if any(sums)}

    def _apply(self, cursor: Any, changes: list[Change]) -> None:
        found = self.differences(changes)
        if not found:
            return
        cells = sorted(found)
        columns = [*zip(*cells, strict=True), *zip(*(found[cell] for cell in cells), strict=True)]
        self._adding.later(cursor, [list(column) for column in columns])
        if any(amounts[0] < 0 for amounts in found.values()):
            plan_of(f"DELETE FROM {self.name} WHERE amount = 0").later(cursor, ())

    @cached_property
    def _adding(self) -> Prepared:
        types = [*(key.type for key in self.keys), "bigint", *("numeric" for _ in self.sums)]
        unique = ", ".join(key.column for key in self.keys)
        added = [f"{name} = trim_scale(c.{name} + EXCLUDED.{name})" for name in self.sums]
        arrays = ", ".join(f"${place}" for place in range(1, len(types) + 1))
        text = (
            f"INSERT INTO {self.name} AS c SELECT * FROM unnest({arrays}) "
            f"ON CONFLICT ({unique}) DO UPDATE SET amount = c.amount + EXCLUDED.amount, {', '.join(added)}"
        )
        return Prepared(f"add to {self.name}", [f"{type_}[]" for type_ in types], text)

    def _fill(self, cursor: Any) -> None:
        keys = ", ".join(key.sql for key in self.keys)
        sums = ", ".join(f"trim_scale(coalesce(sum({name}::numeric), 0))" for name in self.sums)
        groups = ", ".join(str(place) for place in range(1, len(self.keys) + 1))
        cursor.execute(f"TRUNCATE {self.name}")
        cursor.execute(f"INSERT INTO {self.name} SELECT {keys}, count(*), {sums} FROM {self.kind} GROUP BY {groups}")


def _sides(change: Change) -> list[tuple[int, dict[str, Any]]]:
    """Return the record as it is now, to be added, and as it was, to be taken away."""
    event = change.event
    after = {"project_id": change.record.project_id, **change.record.fields}
    sides = [(1, after)] if event.op != DELETE else []
    return [*sides, (-1, {**after, **event.old})] if event.op != CREATE else sides


def _exact(value: float | None) -> Decimal:
    # As PostgreSQL turns a double into a numeric.
    return Decimal(f"{value or 0:.15g}")


TASK_CELLS = Cells(
    "task_cell", "task", (Key("project_id"), Key("task_type_id"), Key("task_status_id")), ("duration", "estimation")
)
TIME_CELLS = Cells(
    "time_cell",
    "time_spent",
    (Key("person_id"), Key("year", "int", "extract(year FROM date)::int"), Key("project_id")),
    ("duration",),
)
