"""Kiroku, but no kept answer is believed: each is compared with a fresh one, and a difference fails the request.

`python -m tests.support.doubting run` is the embedded server of the tests.
"""

import sys
import threading
import time
from typing import Any

# Between a commit and its mark, which comes before its answer, a fresh answer is a little ahead of a kept one.
SECONDS_UNTIL_MARKED = 0.5


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
            while all(self.answers.marks.read(slot) == mark for slot, mark in answer.facts):
                assert time.monotonic() < deadline, f"{request.operation} {request.path} {request.query} is stale"
                time.sleep(0.01)
        return reply

    def facts(reply: Reply) -> tuple[Any, ...]:
        return reply.status, reply.read(), reply.content_type, reply.headers, reply.file

    _doubt_lists()
    Answers.find = doubting_find  # type: ignore[method-assign]
    Service._met = doubting_met  # type: ignore[method-assign]


def _doubt_lists() -> None:
    """Compare what is kept by revisions, too: it may differ only when these have moved on meanwhile."""
    from chassis.reading import Reader
    from chassis.shared import REVISIONS, SharedLists
    from chassis.unit import Unit

    etag, finished, read = Reader.etag, Reader.finished, SharedLists.read
    here = threading.local()

    def noting_etag(self: Reader, *scopes: str) -> str:
        here.scopes = scopes
        return etag(self, *scopes)

    def doubting_finished(self: Reader, key: Any, tag: str, make: Any) -> Any:
        scopes, kept = here.scopes, finished(self, key, tag, make)
        if kept != make():
            assert etag(self, *scopes) != tag, f"{key} is stale"
        return kept

    def doubting_read(self: SharedLists, unit: Unit, **own: Any) -> dict[str, bytes]:
        found = read(self, unit, **own)
        fresh = unit.lists(**self._parts)
        if any(found[name] != rows for name, rows in fresh.items()):
            revisions = unit.lists(**{REVISIONS: self._revisions})[REVISIONS]
            assert unit.memory[self][0] != revisions, "a shared list is stale"
        return found

    Reader.etag = noting_etag  # type: ignore[method-assign]
    Reader.finished = doubting_finished  # type: ignore[method-assign,assignment]
    SharedLists.read = doubting_read  # type: ignore[method-assign]


def main() -> int:
    """Run a command of Kiroku, in doubt."""
    from kiroku import cli
    from kiroku.observing import share_metrics
    from kiroku.settings import read_settings

    # Before anything that counts is imported.
    share_metrics(read_settings())
    doubt()
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
