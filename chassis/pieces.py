"""Large answers made of pieces that many ask for while somebody changes one now and then: only that one is made again.

A piece is known by a name that begins with its id and changes with all that the piece is made of. Reading the names
takes a fraction of making the pieces.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

from chassis.reading import Reader

Texts = Mapping[bytes, bytes]
UUID = 36


def id_in(name: bytes) -> bytes:
    """Return the id in a piece's name. Pure."""
    return name[:UUID]


class Pieces(ABC):
    """How the pieces of an answer are read: their names, all of them, or some."""

    @abstractmethod
    def _names(self, unit: Reader) -> list[bytes]:
        """Return the names of all pieces, in order."""

    @abstractmethod
    def _whole(self, unit: Reader) -> Texts:
        """Return all pieces by their names, in order."""

    @abstractmethod
    def _some(self, unit: Reader, names: list[bytes]) -> Texts:
        """Return the pieces with the ids in `names`, by the names that they have now; those that are gone are not."""

    def read(self, unit: Reader, key: Hashable, tag: str) -> Texts:
        """Return all pieces by their names, in order. What was read before for this `key` is used where it is the same.

        `tag` changes with all that the pieces are made of (`etag`); without one, nothing is kept. `key` says all that
        they depend on and that their names do not tell.
        """
        if not tag:
            return self._whole(unit)
        made_of, before = unit.kept.last(key)
        known: Texts | None = before
        if known is not None and made_of == tag:
            return known
        pieces = self._whole(unit) if known is None else self._changed(unit, known)
        unit.kept.put(key, tag, pieces, sum(map(len, pieces.values())))
        return pieces

    def _changed(self, unit: Reader, before: Texts) -> Texts:
        listed = self._names(unit)
        new = [name for name in listed if name not in before]
        if 3 * len(new) > len(listed):
            return self._whole(unit)
        # One may have changed once more since: then it comes by another name.
        found = {id_in(name): (name, text) for name, text in self._some(unit, new).items()} if new else {}
        pieces: dict[bytes, bytes] = {}
        for name in listed:
            text = before.get(name)
            if text is not None:
                pieces[name] = text
            elif (other := found.get(id_in(name))) is not None:
                pieces[other[0]] = other[1]
        return pieces


@dataclass(frozen=True)
class Groups(Pieces):
    """Pieces of which each is made of many rows: `names` is a SELECT of their names in order, a text each.

    `made` makes them, by their ids: all, or those that it is given. The names are read before the pieces, so that a
    piece may be newer than its name, which then is another the next time, but never older.
    """

    names: str
    args: Sequence[object]
    made: Callable[[list[bytes] | None], Texts]

    def _names(self, unit: Reader) -> list[bytes]:
        return [name for (name,) in unit.undecoded(self.names, self.args)]

    def _whole(self, unit: Reader) -> Texts:
        names = self._names(unit)
        return self._named(names, self.made(None)) if names else {}

    def _some(self, unit: Reader, names: list[bytes]) -> Texts:
        return self._named(names, self.made([id_in(name) for name in names]))

    @staticmethod
    def _named(names: list[bytes], made: Texts) -> Texts:
        return {name: made[id_in(name)] for name in names if id_in(name) in made}
