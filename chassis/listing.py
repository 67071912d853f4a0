"""Long lists that many ask for while somebody changes a row now and then: only what has changed is read again.

A row is known by its id and the transaction that wrote it (`xmin`): under the same name it is the same row. Reading the
names of a list takes a third to a sixth of reading the list.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chassis.pieces import Pieces, Texts, id_in
from chassis.reading import Reader


@dataclass(frozen=True)
class Listing(Pieces):
    """A SELECT of the rows of one table: `cells` of `source` (FROM … WHERE …) in `order`, with psycopg2's `args`.

    `id` is the column that tells rows apart, with the alias of its table. `made` makes of the rows that were read, each
    with its name first, the text of each row by its name; rows that it leaves out are not in the list.
    """

    id: str
    cells: str
    source: str
    order: str
    args: Mapping[str, Any] | Sequence[Any]
    made: Callable[[list[tuple[Any, ...]]], Texts]

    @property
    def _name(self) -> str:
        return f"{self.id}::text || {self.id.partition('.')[0]}.xmin::text"

    def _names(self, unit: Reader) -> list[bytes]:
        names = unit.raw(f"SELECT string_agg({self._name}, ',' ORDER BY {self.order}) {self.source}", self.args)
        return names.split(b",") if names else []

    def _whole(self, unit: Reader) -> Texts:
        statement = f"SELECT {self._name}, {self.cells} {self.source} ORDER BY {self.order}"
        return self.made(unit.undecoded(statement, self.args))

    def _some(self, unit: Reader, names: list[bytes]) -> Texts:
        ids = [id_in(name).decode() for name in names]
        args: Mapping[str, Any] | Sequence[Any]
        if isinstance(self.args, Mapping):
            wanted, args = "%(rows)s", {**self.args, "rows": ids}
        else:
            wanted, args = "%s", [*self.args, ids]
        statement = f"SELECT {self._name}, {self.cells} {self.source} AND {self.id} = ANY({wanted}::uuid[])"
        return self.made(unit.undecoded(statement, args))
