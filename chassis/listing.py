"""Long lists that many ask for while somebody changes a row now and then: only what has changed is read again.

A row is known by its id and the transaction that wrote it (`xmin`): under the same name it is the same row. Reading the
names of a list takes a third to a sixth of reading the list.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chassis.reading import Reader

Rows = Mapping[bytes, bytes]
UUID = 36


def id_in(name: bytes) -> bytes:
    """Return the id in a row's name. Pure."""
    return name[:UUID]


@dataclass(frozen=True)
class Listing:
    """A SELECT of the rows of one table: `cells` of `source` (FROM … WHERE …) in `order`, with psycopg2's `args`.

    `id` is the column that tells rows apart, with the alias of its table. `made` makes of the rows that were read, each
    with its name first, the text of each row by its name; rows that it leaves out are not in the list.
    """

    id: str
    cells: str
    source: str
    order: str
    args: Mapping[str, Any] | Sequence[Any]
    made: Callable[[list[tuple[Any, ...]]], Rows]

    def read(self, unit: Reader, key: Hashable, tag: str) -> Rows:
        """Return all rows by their names, in order. What was read before for this `key` is used where it is the same.

        `tag` changes with all that the list is made of (`etag`); without one, nothing is kept.
        """
        if not tag:
            return self._whole(unit)
        made_of, before = unit.kept.last(key)
        known: Rows | None = before
        if known is not None and made_of == tag:
            return known
        rows = self._whole(unit) if known is None else self._changed(unit, known)
        unit.kept.put(key, tag, rows, sum(map(len, rows.values())))
        return rows

    @property
    def _name(self) -> str:
        return f"{self.id}::text || {self.id.partition('.')[0]}.xmin::text"

    def _whole(self, unit: Reader) -> Rows:
        statement = f"SELECT {self._name}, {self.cells} {self.source} ORDER BY {self.order}"
        return self.made(unit.undecoded(statement, self.args))

    def _changed(self, unit: Reader, before: Rows) -> Rows:
        names = unit.raw(f"SELECT string_agg({self._name}, ',' ORDER BY {self.order}) {self.source}", self.args)
        listed = names.split(b",") if names else []
        new = [id_in(name).decode() for name in listed if name not in before]
        if 3 * len(new) > len(listed):
            return self._whole(unit)
        found: dict[bytes, tuple[bytes, bytes]] = {}
        if new:
            # It may have changed once more since: then it comes by another name.
            found = {id_in(name): (name, text) for name, text in self.made(self._some(unit, new)).items()}
        rows: dict[bytes, bytes] = {}
        for name in listed:
            text = before.get(name)
            if text is not None:
                rows[name] = text
            elif (other := found.get(id_in(name))) is not None:
                rows[other[0]] = other[1]
        return rows

    def _some(self, unit: Reader, ids: list[str]) -> list[tuple[Any, ...]]:
        args: Mapping[str, Any] | Sequence[Any]
        if isinstance(self.args, Mapping):
            wanted, args = "%(rows)s", {**self.args, "rows": ids}
        else:
            wanted, args = "%s", [*self.args, ids]
        statement = f"SELECT {self._name}, {self.cells} {self.source} AND {self.id} = ANY({wanted}::uuid[])"
        return unit.undecoded(statement, args)
