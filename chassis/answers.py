"""Answers that are kept: a query asked again is not run again while nothing that it has read has changed.

Only queries that are made of records alone are `kept`: of the records of their service, their arguments and who asks.
What they read is noted by the unit that reads (`chassis.marks.Watch`), so no query has to say it.
"""

import threading
from time import monotonic
from typing import Any, NamedTuple, Protocol

from chassis.at_once import note_light
from chassis.marks import Followed, Marks, Watch
from chassis.messages import Reply, Request
from chassis.operations import Operation
from chassis.telemetry import KEPT_ANSWERS

Key = tuple[object, ...]
# Whoever changes records leaves marks; but commands that mend a database, which leave none, may change some too.
SECONDS = 2.0
LONGEST = 64 * 1024
OVERHEAD = 2048
LIMIT = 2 * 1024 * 1024


class Answer(NamedTuple):
    """An answer, what it was made of, and until when it is used at most."""

    until: float
    facts: Any
    reply: Reply
    size: int


class Store:
    """Answers by their questions, bounded in bytes and in time. Thread-safe."""

    def __init__(self, limit: int = LIMIT, seconds: float = SECONDS) -> None:
        """Keep answers of at most `limit` bytes in all, each for at most `seconds`."""
        self._limit, self._seconds = limit, seconds
        self._kept: dict[Key, Answer] = {}
        self._size = 0
        self._lock = threading.Lock()

    def get(self, key: Key) -> Answer | None:
        """Return the answer to `key`, unless it has been here for too long."""
        answer = self._kept.get(key)
        return None if answer is None or answer.until < monotonic() else answer

    def put(self, key: Key, reply: Reply, facts: Any) -> None:
        """Keep `reply`, made of `facts`."""
        answer = Answer(monotonic() + self._seconds, facts, plain(reply), len(reply.read()) + OVERHEAD)
        with self._lock:
            before = self._kept.pop(key, None)
            self._size += answer.size - (before.size if before else 0)
            self._kept[key] = answer
            # The first ones have been there for longest: a new answer comes in at the end.
            while self._size > self._limit:
                self._size -= self._kept.pop(next(iter(self._kept))).size


class Keeper(Protocol):
    """What a service asks before it runs a query that is kept, and tells afterwards."""

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

    def __init__(
        self,
        service: str,
        marks: Marks,
        limit: int = LIMIT,
        seconds: float = SECONDS,
        followed: Followed | None = None,
    ) -> None:
        """Keep answers of at most `limit` bytes in all, each for at most `seconds`.

        `followed` says what of other services the replicas have, where they are to have all that was answered.
        """
        self._service, self.marks, self._followed = service, marks, followed
        self.store = Store(limit, seconds)

    def watch(self, request: Request) -> Watch:
        """Return what is to note the reads of the next answer."""
        return Watch(self.marks)

    def find(self, key: Key) -> Reply | None:
        """Return the answer to `key` when it would be the same if it were asked for now."""
        answer = self.store.get(key)
        if answer is None:
            return None
        read = self.marks.read
        seen, reads = answer.facts
        # In this order: what is followed meanwhile moves our own marks before it counts as followed.
        if self._followed is not None and self._followed.concerns(reads):
            return None
        for slot, mark in seen:
            if read(slot) != mark:
                return None
        KEPT_ANSWERS.add(1, self._service)
        if answer.reply.file is None:
            note_light()
        return plain(answer.reply)

    def keep(self, key: Key, watch: Watch, reply: Reply) -> None:
        """Keep `reply`, which was made of what `watch` has seen, where that can be done."""
        if watch.whole and can_be_kept(reply):
            self.store.put(key, reply, (watch.seen(), watch))


def can_be_kept(reply: Reply) -> bool:
    """Tell whether a reply is short and did nothing but answer. Pure."""
    more = reply.notes or reply.positions or reply.status != 200
    return not more and isinstance(reply.body, bytes) and len(reply.body) <= LONGEST


def plain(reply: Reply) -> Reply:
    """Return a copy of what an answer says; headers may be added to it."""
    return Reply(reply.status, reply.body, reply.content_type, dict(reply.headers), file=reply.file)


def key_of(operation: Operation, request: Request) -> Key | None:
    """Return what an answer depends on besides records; None where it is not kept. Pure."""
    if not operation.kept or request.if_none_match or request.if_match:
        return None
    actor = request.actor
    query = tuple((name, *values) for name, values in request.query.items()) if request.query else ()
    who = (actor.person_id, actor.role, actor.identity, actor.departments, actor.claims.get("on_behalf_of"))
    return (request.operation, *request.path.values(), query, *who)
