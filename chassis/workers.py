"""Background work: what a service does on its own, one piece at a time, found in its own tables."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg2.errors import UndefinedTable

from chassis.errors import Superseded
from chassis.telemetry import JOBS

if TYPE_CHECKING:
    from chassis.service import Service

logger = logging.getLogger(__name__)
IDLE_SECONDS = 5.0


@dataclass(frozen=True)
class Worker:
    """A kind of background work. `run` does one piece and tells whether there was one.

    The work to do stands in the service's tables, so a restart loses none; `run` makes sure that two processes never
    take the same piece (`claimed`). `waiting` counts, in SQL, the pieces that wait or are under way. Who
    comes `gather` seconds after being woken finds more to do at once. Changes of what is followed wake those that have
    work by them (`copies`), too.
    """

    name: str
    run: Callable[["Service"], bool]
    waiting: str = ""
    gather: float = 0.0
    copies: bool = False


class Workers:
    """The threads that do the background work of one service in this process."""

    def __init__(self, service: "Service") -> None:
        """Prepare a thread for each worker of `service`; a commit wakes them."""
        self._service = service
        self._stopping = False
        self._news = threading.Condition()
        self._moved = True
        self._threads = [
            threading.Thread(target=self._work, args=(worker,), name=f"{service.name}-{worker.name}", daemon=True)
            for worker in service.spec.workers
        ]
        if any(worker.copies for worker in service.spec.workers):
            service.on_change.append(self._wake)
        elif self._threads:
            service.on_commit.append(self._wake)

    def start(self) -> None:
        """Work from now on."""
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float = 10.0) -> None:
        """Let the pieces under way end for at most `seconds`; what does not end is taken up again by the next start."""
        self._stopping = True
        self._wake()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(seconds)

    def _wake(self, *_: Any) -> None:
        with self._news:
            self._moved = True
            self._news.notify_all()

    def _work(self, worker: Worker) -> None:
        while not self._stopping:
            time.sleep(worker.gather)
            with self._news:
                self._moved = False
            try:
                worked = worker.run(self._service)
                if worked:
                    JOBS.add(1, self._service.name, worker.name, "done")
            except Exception as problem:
                if isinstance(problem, Superseded | UndefinedTable) and self._service.is_superseded():
                    return
                logger.exception("%s: %s failed and is tried again", self._service.name, worker.name)
                JOBS.add(1, self._service.name, worker.name, "failed")
                worked = False
            with self._news:
                if not worked and not self._moved and not self._stopping:
                    self._news.wait(IDLE_SECONDS)


def claimed(cursor: Any, key: str) -> bool:
    """Take the work `key` for as long as the cursor's connection lasts; False when somebody else has it."""
    cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (key,))
    return bool(cursor.fetchone()[0])


def release(cursor: Any, key: str) -> None:
    """Give the work `key` back."""
    cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", (key,))
