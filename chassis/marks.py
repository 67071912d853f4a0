"""Marks: numbers in memory that all processes of one server see, another one after each change of what they stand for.

Equal marks mean that nothing has changed in between. A service has a mark for everything, one for each of its kinds,
and some that its records share by their ids: a change moves all of those that it concerns, right after its commit.
"""

import mmap
import re
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from itertools import count
from typing import Protocol
from zlib import crc32

from chassis.changes import Change

EVERYTHING = 0
ID_SLOTS = 1024
ID_LENGTH = 36
MANY_IDS = 16
SLOT_BYTES = 8
TABLES = re.compile(r"\b(?:FROM|JOIN)\s+(\S+)", re.IGNORECASE)
# Tables that commas join stand where only a parser of SQL would find them.
COMMAS = re.compile(r"\b(?:FROM|JOIN)\s+[^\s(),]+(?:\s+(?:AS\s+)?\w+)?\s*,", re.IGNORECASE)
UNKNOWN = frozenset(["?"])

Slot = int | str


def place_of(id_: str) -> int | None:
    """Return the number of the slot that a record shares by its id; None for an id that others may write otherwise."""
    return crc32(id_.encode()) % ID_SLOTS if len(id_) == ID_LENGTH else None


class Slots(Protocol):
    """Where records have their marks."""

    @property
    def everything(self) -> Slot:
        """Return the slot that every change moves."""
        ...

    def read(self, slot: Slot) -> int:
        """Return the mark in a slot."""
        ...

    def knows(self, kind: str) -> bool:
        """Tell whether a kind has a slot of its own."""
        ...

    def of_kind(self, kind: str) -> Slot:
        """Return the slot of a kind; that of everything for one that is not known."""
        ...

    def of_id(self, id_: str) -> Slot:
        """Return the slot of a record."""
        ...


class Marks:
    """The marks of one service. Made before the fork, they are those of all processes."""

    everything = EVERYTHING

    def __init__(self, kinds: Iterable[str]) -> None:
        """Begin with marks for records of `kinds`."""
        self._kinds = {kind: slot for slot, kind in enumerate(sorted(kinds), start=1)}
        self._first_id = len(self._kinds) + 1
        self._count = self._first_id + ID_SLOTS
        # One machine word each: a process never sees half of a number.
        self._slots = memoryview(mmap.mmap(-1, self._count * SLOT_BYTES)).cast("Q")

    def read(self, slot: Slot = EVERYTHING) -> int:
        """Return the number in a slot."""
        return self._slots[slot]  # type: ignore[index]

    def knows(self, kind: str) -> bool:
        """Tell whether a kind has a slot of its own."""
        return kind in self._kinds

    def of_kind(self, kind: str) -> int:
        """Return the slot of a kind; that of everything for one that is not known."""
        return self._kinds.get(kind, EVERYTHING)

    def of_id(self, id_: str) -> int:
        """Return the slot of a record; that of everything for an id that may be written in another way elsewhere."""
        place = place_of(id_)
        return EVERYTHING if place is None else self._first_id + place

    def note(self, changes: Iterable[Change] = ()) -> None:
        """Mark that something was committed, `changes` among it. No number comes twice, so no mark returns."""
        slots = {EVERYTHING}
        for change in changes:
            slots.add(self.of_kind(change.event.kind))
            slots.add(self.of_id(change.event.id))
        self._move(slots)

    def doubt(self) -> None:
        """Mark that anything may have been committed: a process has died, perhaps between its commit and its mark."""
        self._move(range(self._count))

    def _move(self, slots: Iterable[int]) -> None:
        number = secrets.randbits(64)
        for slot in slots:
            self._slots[slot] = number


class Followed:
    """Up to which marks of those it follows a service has followed, in whichever process; made before the fork."""

    def __init__(self, kinds: Mapping[str, Iterable[str]], marks: Callable[[str], Marks]) -> None:
        """Follow `kinds` of each owner, whose `marks` every process moves before it answers."""
        places = count()
        self._kinds: dict[str, dict[str, tuple[int, Marks, int]]] = {
            owner: {name: (next(places), marks(owner), marks(owner).of_kind(name)) for name in names}
            for owner, names in kinds.items()
        }
        self._seen = memoryview(mmap.mmap(-1, (next(places) + 1) * SLOT_BYTES)).cast("Q")

    def now(self, owner: str) -> list[tuple[int, int]]:
        """Return the marks of what is followed of `owner`, each with its place."""
        return [(place, marks.read(slot)) for place, marks, slot in self._kinds[owner].values()]

    def late(self, owner: str) -> list[str]:
        """Return the kinds of which something has moved at their owner since it was followed."""
        seen = self._seen
        found = self._kinds.get(owner, {}).items()
        return [kind for kind, (place, marks, slot) in found if marks.read(slot) != seen[place]]

    def concerns(self, reads: "Reads") -> bool:
        """Tell whether something that was read has moved at its owner since it was followed."""
        return any(reads.touch(kind) for owner in self._kinds for kind in self.late(owner))

    def reached(self, now: Iterable[tuple[int, int]]) -> None:
        """Note that all was followed that had moved when `now` was returned."""
        for place, mark in now:
            self._seen[place] = mark

    def forget(self) -> None:
        """Forget what was followed."""
        for place in range(len(self._seen)):
            self._seen[place] = 0


class Reads:
    """The kinds that an answer was made of: all, where a table is read that is not that of a kind."""

    __slots__ = ("_knows", "all", "kinds")

    def __init__(self, knows: Callable[[str], bool]) -> None:
        """Nothing was read yet. `knows` tells names of kinds."""
        self._knows = knows
        self.kinds: set[str] = set()
        self.all = False

    def touch(self, kind: str) -> bool:
        """Tell whether records of `kind` were read."""
        return self.all or kind in self.kinds

    def reads(self) -> "Reads":
        """Return the kinds that were read so far, and nothing else of this."""
        found = Reads(self._knows)
        found.kinds, found.all = set(self.kinds), self.all
        return found

    def elsewhere(self) -> None:
        """Note that something is read that has no mark here."""

    def everything(self) -> None:
        """Note that anything may be read."""
        self.all = True

    def ids(self, kind: str, ids: Collection[str]) -> None:
        """Note that records of `kind` are read by their ids."""
        self.kinds.add(kind)

    def statement(self, text: str) -> None:
        """Note that a statement reads the tables it names."""
        tables = tables_of(text)
        self.kinds |= tables
        self.all = self.all or not all(map(self._knows, tables))

    def kind(self, kind: str, condition: str) -> None:
        """Note that records of `kind` are read by an SQL condition, which may name more tables."""
        self.kinds.add(kind)
        self.statement(condition)


class Watch(Reads):
    """What has been read, each with its mark as it was before."""

    __slots__ = ("_marks", "_seen", "whole")

    def __init__(self, marks: Slots) -> None:
        """Watch reads of the service with `marks`."""
        super().__init__(marks.knows)
        self._marks = marks
        self._seen: dict[Slot, int] = {}
        self.whole = True

    def elsewhere(self) -> None:
        """Note that something is read that has no mark here: what was seen is not the whole."""
        self.whole = False

    def everything(self) -> None:
        """Note that anything may be read."""
        super().everything()
        self._see(self._marks.everything)

    def ids(self, kind: str, ids: Collection[str]) -> None:
        """Note that records of `kind` are read by their ids."""
        super().ids(kind, ids)
        if len(ids) > MANY_IDS:
            self._see(self._marks.of_kind(kind))
        else:
            for id_ in ids:
                self._see(self._marks.of_id(id_))

    def statement(self, text: str) -> None:
        """Note that a statement reads the tables it names."""
        super().statement(text)
        for table in tables_of(text):
            self._see(self._marks.of_kind(table))

    def kind(self, kind: str, condition: str) -> None:
        """Note that records of `kind` are read by an SQL condition, which may name more tables."""
        self._see(self._marks.of_kind(kind))
        super().kind(kind, condition)

    def seen(self) -> tuple[tuple[Slot, int], ...]:
        """Return slots and marks."""
        return tuple(self._seen.items())

    def _see(self, slot: Slot) -> None:
        if slot not in self._seen:
            self._seen[slot] = self._marks.read(slot)


@lru_cache(2048)
def tables_of(statement: str) -> frozenset[str]:
    """Return what follows FROM and JOIN; what is not the name of a kind (a function, a derived table) is any. Pure.

    A subquery is met again by its own FROM; its parenthesis is no table.
    """
    if COMMAS.search(statement):
        return UNKNOWN
    found = (name.strip('"()') for name in TABLES.findall(statement))
    return frozenset(name for name in found if name.upper() != "SELECT")
