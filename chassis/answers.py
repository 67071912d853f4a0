"""Answers that are kept: a query asked again is not run again while nothing that it has read has changed.

Only queries that are made of records alone are `kept`: of the records of their service, their arguments and who asks.
What they read is noted by the unit that reads (`chassis.marks.Watch`), so no query has to say it.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from random import random
from time import monotonic
from typing import Any, NamedTuple, Protocol

from chassis.at_once import note_light
from chassis.marks import Followed, Marks, Reads, Slot, Watch
from chassis.messages import Reply, Request
from chassis.operations import Operation
from chassis.telemetry import KEPT_ANSWERS

Key = tuple[object, ...]
SECONDS = 60.0
# Whoever changes records leaves marks; but commands that mend rows, which leave none, may change some too. So what is
# older is only used while it is known that none did (`chassis.mended`): until so long after somebody has looked.
FRESH_SECONDS, SURE_SECONDS = 2.0, 3.0
LONGEST = 64 * 1024
OVERHEAD = 1536
LIMIT = 48 * 1024 * 1024
# How many of those let in where there is no room but by what is not old yet. Whoever goes round in order through more
# than there is room for would find nothing: each newcomer would drive out what is asked for soon.
LET_IN = 0.25


class Answer(NamedTuple):
    """An answer, when it was put here, and what it was made of."""

    since: float
    facts: Any
    reply: Reply

    @property
    def fresh(self) -> bool:
        """Tell whether it is so new that nobody has to know what was mended."""
        return monotonic() - self.since <= FRESH_SECONDS


class Store:
    """Answers by their questions, bounded in bytes and in time. Thread-safe.

    There may be many thousands, so they are kept as plain tuples: the garbage collector does not look at these again.
    """

    def __init__(self, limit: int = LIMIT, seconds: float = SECONDS) -> None:
        """Keep answers of at most `limit` bytes in all, each for at most `seconds`."""
        self._limit, self._seconds = limit, seconds
        # An OrderedDict, as a dict takes the longer to find its first key the more were taken out before.
        self._kept: OrderedDict[Key, tuple[Any, ...]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return how many answers there are, used or not."""
        return len(self._kept)

    def get(self, key: Key) -> Answer | None:
        """Return the answer to `key`, unless it has been here for too long. The reply is the caller's own."""
        found = self._kept.get(key)
        if found is None or monotonic() - found[0] > self._seconds:
            return None
        since, _, facts, status, body, content_type, headers, file = found
        return Answer(since, facts, Reply(status, body, content_type, dict(headers), file=file))

    def put(self, key: Key, reply: Reply, facts: Any) -> None:
        """Keep `reply`, made of `facts`; where there is no room, only now and then in place of the oldest one."""
        now, body = monotonic(), reply.read()
        size = len(body) + OVERHEAD
        kept = self._kept
        answer = (now, size, facts, reply.status, body, reply.content_type, tuple(reply.headers.items()), reply.file)
        with self._lock:
            known = self._drop(key)
            # The first ones have been there for longest: a new answer comes in at the end.
            while kept and now - kept[next(iter(kept))][0] > self._seconds:
                self._drop(next(iter(kept)))
            if self._size + size > self._limit and not known and random() >= LET_IN:
                return
            self._size += size
            kept[key] = answer
            while kept and self._size > self._limit:
                self._drop(next(iter(kept)))

    def _drop(self, key: Key) -> bool:
        before = self._kept.pop(key, None)
        if before is not None:
            self._size -= before[1]
        return before is not None


class Keeper(Protocol):
    """What a service asks before it runs a query that is kept, and tells afterwards.

    `gives` tells whether it may give answers itself, in a process whose thread serves many connections.
    """

    gives: bool

    def find(self, key: Key) -> Reply | None:
        """Return the answer to `key` when it would be the same if it were asked for now."""
        ...

    def watch(self, request: Request) -> Watch | None:
        """Return what is to note the reads of the next answer; None when nobody needs to know."""
        ...

    def keep(self, key: Key, watch: Watch, reply: Reply) -> None:
        """Take `reply`, which was made of what `watch` has seen."""
        ...


class Answers:
    """The kept answers of one service in one process."""

    gives = True

    def __init__(
        self,
        service: str,
        marks: Marks,
        store: Store | None = None,
        followed: Followed | None = None,
        sure: Callable[[], bool] = lambda: False,
    ) -> None:
        """Keep answers in `store`, which services may share, as keys name the operation.

        `followed` says what of other services the replicas have, where they are to have all that was answered;
        `sure` whether it is known that nobody mends rows.
        """
        self._service, self.marks, self._followed, self._sure = service, marks, followed, sure
        self.store = Store() if store is None else store
        self._reads: dict[tuple[frozenset[str], bool], Reads] = {}

    def watch(self, request: Request) -> Watch:
        """Return what is to note the reads of the next answer."""
        return Watch(self.marks)

    def find(self, key: Key) -> Reply | None:
        """Return the answer to `key` when it would be the same if it were asked for now."""
        answer = self.store.get(key)
        if answer is None or not (answer.fresh or self._sure()):
            return None
        seen, reads = answer.facts
        # In this order: what is followed meanwhile moves our own marks before it counts as followed.
        if self._followed is not None and self._followed.concerns(reads):
            return None
        if not self.same(seen):
            return None
        KEPT_ANSWERS.add(1, self._service)
        if answer.reply.file is None:
            note_light()
        return answer.reply

    def same(self, seen: tuple[tuple[Slot, int], ...]) -> bool:
        """Tell whether all that was `seen` has the marks that it had."""
        read = self.marks.read
        return all(read(slot) == mark for slot, mark in seen)

    def keep(self, key: Key, watch: Watch, reply: Reply) -> None:
        """Keep `reply`, which was made of what `watch` has seen, where that can be done."""
        if watch.whole and can_be_kept(reply):
            # Most answers were made of the same few kinds, so they share what says so.
            reads = self._reads.setdefault((frozenset(watch.kinds), watch.all), watch.reads())
            self.store.put(key, reply, (watch.seen(), reads))


def can_be_kept(reply: Reply) -> bool:
    """Tell whether a reply is short and did nothing but answer. Pure."""
    more = reply.notes or reply.positions or reply.status != 200
    return not more and isinstance(reply.body, bytes) and len(reply.body) <= LONGEST


def key_of(operation: Operation, request: Request) -> Key | None:
    """Return what an answer depends on besides records; None where it is not kept. Pure."""
    if not operation.kept or request.if_none_match or request.if_match:
        return None
    actor = request.actor
    query = tuple((name, *values) for name, values in request.query.items()) if request.query else ()
    who = (actor.person_id, actor.role, actor.identity, actor.departments, actor.claims.get("on_behalf_of"))
    return (request.operation, *request.path.values(), query, *who)
