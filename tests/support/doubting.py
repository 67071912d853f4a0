"""Kiroku, but no kept answer is believed: each is compared with a fresh one, and a difference fails the request.

`python -m tests.support.doubting run` is the embedded server of the tests, `… run-distributed` the distributed one.
"""

import sys
import threading
import time
from typing import Any

from msgspec import structs

# Between a commit and its mark, which comes before its answer, a fresh answer is a little ahead of a kept one.
SECONDS_UNTIL_MARKED = 0.5
# Between a commit and its move, over the broker of a busy machine.
SECONDS_UNTIL_TOLD = 1.0


def doubt() -> None:
    """Compare from now on. Raises AssertionError in whatever request gets a stale answer."""
    from chassis.answers import Answer, Answers
    from chassis.messages import Reply, Request
    from chassis.operations import Operation
    from chassis.service import Service

    found_in_thread = threading.local()
    find, met = Answers.find, Service._met

    def doubting_find(self: Answers, key: Any) -> Reply | None:
        reply = find(self, key)
        found_in_thread.answer = self.store.get(key) if reply is not None else None
        return reply

    def doubting_met(self: Service, operation: Operation, request: Request) -> Reply:
        found_in_thread.answer = None
        reply = met(self, operation, request)
        answer: Answer | None = found_in_thread.answer
        if answer is not None and facts(reply) != facts(self._known(operation, request)):
            assert self.answers is not None
            deadline = time.monotonic() + SECONDS_UNTIL_MARKED
            while self.answers.same(answer.facts[0]):
                assert time.monotonic() < deadline, f"{request.operation} {request.path} {request.query} is stale"
                time.sleep(0.01)
        return reply

    _doubt_lists()
    _doubt_gateways()
    Answers.find = doubting_find  # type: ignore[method-assign]
    Service._met = doubting_met  # type: ignore[method-assign]


def facts(reply: Any) -> tuple[Any, ...]:
    """Return all that a reply says."""
    return reply.status, reply.read(), reply.content_type, reply.headers, reply.file


def _doubt_gateways() -> None:
    """Compare what gateways keep, too: it may differ only until they hear of what has moved."""
    from chassis.answers import key_of
    from chassis.errors import DomainError
    from chassis.messages import Reply, Request
    from gateway.kept import KeptAnswers, Question, later

    question = KeptAnswers._question

    def fresh(self: KeptAnswers, request: Request) -> Reply | None:
        try:
            return self._bus.call(structs.replace(request, keeps=False))
        except DomainError:
            return None

    def doubting_question(self: KeptAnswers, request: Request) -> Question:
        found = question(self, request)
        if found.known is None:
            return found
        key = key_of(self._operations[request.operation], request)
        answer = None if key is None else self._store.get(key)
        now = fresh(self, request)
        if answer is not None and (now is None or facts(now) != facts(answer.reply)):
            deadline = time.monotonic() + SECONDS_UNTIL_TOLD
            while self._moves.same(found.operation.partition(".")[0], answer, later(request.needs, request.news)):
                assert time.monotonic() < deadline, f"{request.operation} {request.path} {request.query} is stale"
                time.sleep(0.01)
        return found

    KeptAnswers._question = doubting_question  # type: ignore[method-assign]
    _doubt_held()


def _doubt_held() -> None:
    """Compare what gateways hold: what a service calls the same is the same."""
    from chassis.messages import Reply, Request
    from gateway.held import HeldAnswers

    taken = HeldAnswers._taken

    def doubting_taken(self: HeldAnswers, body: bytes | None, request: Request, reply: Reply) -> Reply:
        was_held, found = reply.held, taken(self, body, request, reply)
        if was_held:
            now = self._bus.call(structs.replace(request, holds=""))
            same = facts(now) == facts(found)
            assert same or now.tag != found.tag, f"{request.operation} {request.path} {request.query} is not the same"
        return found

    HeldAnswers._taken = doubting_taken  # type: ignore[method-assign]


class _Noted:
    """Of which scopes the tags of this thread are; those of a new house are short, and several may have the same."""

    def __init__(self, etag: Any) -> None:
        self.etag, self._here = etag, threading.local()

    def note(self, reader: Any, *scopes: str) -> str:
        tag: str = self.etag(reader, *scopes)
        self._of_thread().setdefault(tag, set()).add(scopes)
        return tag

    def has_moved(self, reader: Any, tag: str) -> bool:
        return any(self.etag(reader, *scopes) != tag for scopes in self._of_thread()[tag])

    def _of_thread(self) -> dict[str, set[tuple[str, ...]]]:
        found: dict[str, set[tuple[str, ...]]] = vars(self._here).setdefault("scopes", {})
        return found


def _doubt_lists() -> None:
    """Compare what is kept by revisions, too: it may differ only when these have moved on meanwhile."""
    from chassis.pieces import Pieces
    from chassis.reading import Reader
    from chassis.shared import REVISIONS, SharedLists
    from chassis.unit import Unit

    noted = _Noted(Reader.etag)
    finished, read, pieces = Reader.finished, SharedLists.read, Pieces.read

    def noting_etag(self: Reader, *scopes: str) -> str:
        return noted.note(self, *scopes)

    def doubting_finished(self: Reader, key: Any, tag: str, make: Any) -> Any:
        kept = finished(self, key, tag, make)
        if kept != make():
            assert noted.has_moved(self, tag), f"{key} is stale"
        return kept

    def doubting_pieces(self: Pieces, unit: Unit, key: Any, tag: str) -> Any:
        found = pieces(self, unit, key, tag)
        if tag and list(found.values()) != list(self._whole(unit).values()):
            assert noted.has_moved(unit, tag), f"pieces of {key} are stale"
        return found

    def doubting_read(self: SharedLists, unit: Unit, **own: Any) -> dict[str, bytes]:
        found = read(self, unit, **own)
        fresh = unit.lists(**self._parts)
        if any(found[name] != rows for name, rows in fresh.items()):
            revisions = unit.lists(**{REVISIONS: self._revisions})[REVISIONS]
            assert unit.memory[self][0] != revisions, "a shared list is stale"
        return found

    Reader.etag = noting_etag  # type: ignore[method-assign]
    Reader.finished = doubting_finished  # type: ignore[method-assign,assignment]
    Pieces.read = doubting_pieces  # type: ignore[assignment,method-assign]
    SharedLists.read = doubting_read  # type: ignore[method-assign]


def main() -> int:
    """Run a command of Kiroku, in doubt."""
    from kiroku import cli
    from kiroku.observing import share_metrics
    from kiroku.settings import read_settings

    # Before anything that counts is imported.
    share_metrics(read_settings())
    doubt()
    from kiroku.distributed import supervisor

    supervisor.PROGRAM = "tests.support.doubting"
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
