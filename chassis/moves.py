"""Moves: what a commit has moved, told to those who keep answers of a service in other processes.

There are no marks between machines. An answer is told with what it was made of (`MadeOf`): the slots of what was read,
and the positions that it holds all changes up to. Whoever hears of every commit which slots it moved knows for how long
it would be the same.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from psycopg2 import Error

from chassis.answers import Key, can_be_kept
from chassis.changes import Change
from chassis.marks import Slot, Watch, place_of
from chassis.messages import MadeOf, Reply, Request

ALL = ""
MANY_SLOTS = 64


class Move(NamedTuple):
    """What a commit has moved: the log from `after` to `position`, and slots; ALL among them is any."""

    after: int
    position: int
    slots: tuple[str, ...]


def slot_of(id_: str) -> str:
    """Return the slot that a record shares by its id; ALL for an id that may be written otherwise elsewhere. Pure."""
    place = place_of(id_)
    return ALL if place is None else f"#{place}"


def move_of(position: int, changes: Iterable[Change]) -> Move:
    """Return the move of a commit that has brought the log to `position`. Pure."""
    events = [change.event for change in changes]
    slots = {e.kind for e in events} | {slot_of(e.id) for e in events}
    return Move(position - len(events), position, tuple(sorted(slots)) if len(slots) <= MANY_SLOTS else (ALL,))


class Names:
    """Slots by their names, the same in all processes of a release."""

    everything = ALL

    def __init__(self, kinds: Iterable[str]) -> None:
        """Name slots of records of `kinds`."""
        self._kinds = frozenset(kinds)

    def read(self, slot: Slot) -> int:
        """Return no mark: positions say when a slot was read."""
        return 0

    def knows(self, kind: str) -> bool:
        """Tell whether a kind has a slot of its own."""
        return kind in self._kinds

    def of_kind(self, kind: str) -> str:
        """Return the slot of a kind; ALL for one that is not known."""
        return kind if kind in self._kinds else ALL

    def of_id(self, id_: str) -> str:
        """Return the slot of a record."""
        return slot_of(id_)


class Told(Watch):
    """A watch that began when the service held all changes up to the positions `at`."""

    __slots__ = ("at",)

    def __init__(self, names: Names, at: dict[str, int]) -> None:
        """Watch reads at `at`."""
        super().__init__(names)
        self.at = at


class Telling:
    """Keeps nothing, but says what answers are made of to those who do: a `Keeper` for one of several processes."""

    gives = False

    def __init__(
        self,
        service: str,
        kinds: Iterable[str],
        owners: Iterable[str],
        head: Callable[[], int],
        followed: Callable[[], Mapping[str, int]],
    ) -> None:
        """Tell for `service`, which reads records of `kinds` and follows `owners`.

        `head` reads the newest position of its log, `followed` how far it has followed the others for certain.
        """
        self._service, self._names, self._owners = service, Names(kinds), tuple(owners)
        self._head, self._followed = head, followed
        self._position: int | None = None
        self._lock = threading.Lock()

    def reached(self, position: int) -> None:
        """Note that the log has reached `position`. As positions have no gaps, all before it is committed."""
        with self._lock:
            self._position = max(position, self._position or 0)

    def find(self, key: Key) -> Reply | None:
        """Return nothing."""
        return None

    def watch(self, request: Request) -> Watch | None:
        """Return what is to note the reads for a request of somebody who keeps answers."""
        if not request.keeps:
            return None
        if self._position is None:
            try:
                self.reached(self._head())
            except Error:
                return None  # what is wrong will be said by the query itself
        at = {self._service: self._position or 0, **self._followed()}
        return Told(self._names, at) if all(owner in at for owner in self._owners) else None

    def keep(self, key: Key, watch: Watch, reply: Reply) -> None:
        """Say in `reply` what it is made of, if that is all known."""
        slots = tuple(str(slot) for slot, _ in watch.seen())
        if isinstance(watch, Told) and watch.whole and ALL not in slots and can_be_kept(reply):
            reply.made_of = MadeOf(slots, watch.at)
