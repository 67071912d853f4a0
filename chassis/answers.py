"""Answers that are kept: a query asked again is not run again while nothing that it has read has changed.

Only queries that are made of records alone are `kept`: of the records of their service, their arguments and who asks.
What they read is noted by the unit that reads (`chassis.marks.Watch`), so no query has to say it.
"""

import threading
from time import monotonic
from typing import NamedTuple

from chassis.marks import Marks, Watch
from chassis.messages import Reply, Request
from chassis.operations import Operation
from chassis.telemetry import KEPT_ANSWERS

Key = tuple[object, ...]
# Only this server changes its databases, and leaves marks; but commands that mend them, which leave none, may too.
SECONDS = 2.0
LONGEST = 64 * 1024
OVERHEAD = 2048
LIMIT = 2 * 1024 * 1024


class Answer(NamedTuple):
    """An answer, the marks of what it was made of, and until when it is used at most."""

    until: float
    marks: tuple[tuple[int, int], ...]
    reply: Reply
    size: int


class Answers:
    """The kept answers of one service in one process."""

    def __init__(self, service: str, marks: Marks, limit: int = LIMIT, seconds: float = SECONDS) -> None:
        """Keep answers of at most `limit` bytes in all, each for at most `seconds`."""
        self._service, self.marks = service, marks
        self._limit, self._seconds = limit, seconds
        self._kept: dict[Key, Answer] = {}
        self._size = 0
        self._lock = threading.Lock()

    def watch(self) -> Watch:
        """Return what is to note the reads of the next answer."""
        return Watch(self.marks)

    def find(self, key: Key) -> Reply | None:
        """Return the answer to `key` when it would be the same if it were asked for now."""
        answer = self._kept.get(key)
        if answer is None or answer.until < monotonic():
            return None
        read = self.marks.read
        for slot, mark in answer.marks:
            if read(slot) != mark:
                return None
        KEPT_ANSWERS.add(1, self._service)
        reply = answer.reply
        return Reply(reply.status, reply.body, reply.content_type, dict(reply.headers), file=reply.file)

    def keep(self, key: Key, watch: Watch, reply: Reply) -> None:
        """Keep `reply`, which was made of what `watch` has seen; not one that is long or did more than answer."""
        more = reply.notes or reply.positions or reply.status != 200
        if more or not watch.whole or not isinstance(reply.body, bytes) or len(reply.body) > LONGEST:
            return
        kept = Reply(reply.status, reply.body, reply.content_type, dict(reply.headers), file=reply.file)
        answer = Answer(monotonic() + self._seconds, watch.seen(), kept, len(reply.body) + OVERHEAD)
        with self._lock:
            before = self._kept.pop(key, None)
            self._size += answer.size - (before.size if before else 0)
            self._kept[key] = answer
            # The first ones have been there for longest: a new answer comes in at the end.
            while self._size > self._limit:
                self._size -= self._kept.pop(next(iter(self._kept))).size


def key_of(operation: Operation, request: Request) -> Key | None:
    """Return what an answer depends on besides records; None where it is not kept. Pure."""
    if not operation.kept or request.if_none_match or request.if_match:
        return None
    actor = request.actor
    query = tuple((name, *values) for name, values in request.query.items()) if request.query else ()
    who = (actor.person_id, actor.role, actor.identity, actor.departments, actor.claims.get("on_behalf_of"))
    return (operation.name, *request.path.values(), query, *who)
