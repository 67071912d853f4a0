"""Rows that are mended beside a running server: rebuilt, exchanged for those of another release, replayed, put right by
hand. That leaves no mark and no event, but moves all revisions on, also one that nothing else moves (`Service.state`).

Whoever keeps answers for long looks at it once a second, and is sure for a moment of what was seen.
"""

import logging
import mmap
import threading
from collections.abc import Callable, Mapping
from time import monotonic

from psycopg2 import Error

from chassis.answers import SURE_SECONDS
from chassis.service import Service

logger = logging.getLogger(__name__)
LOOK_SECONDS = 1.0


class Sure:
    """Until when it is known that nobody mends rows, in memory that all processes of one server see.

    Make it before the fork. Its clock is the machine's.
    """

    def __init__(self) -> None:
        """Be sure of nothing."""
        self._until = memoryview(mmap.mmap(-1, 8)).cast("d")

    def __call__(self) -> bool:
        """Tell whether nothing was mended, as far as it was told within the last seconds."""
        return monotonic() <= self._until[0]

    def say(self, looked: float) -> None:
        """Note that nothing had been mended at a moment after `looked`."""
        self._until[0] = looked + SURE_SECONDS


class Lookout:
    """A thread that looks whether rows of some services were mended, and doubts all that is kept when they were."""

    def __init__(self, services: Mapping[str, Service], sure: Sure, doubt: Callable[[], None]) -> None:
        """Look at `services`; one such thread does for all processes of a server."""
        self._services, self._sure, self._doubt = services, sure, doubt
        self._seen: dict[str, int] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lookout", daemon=True)

    def start(self) -> None:
        """Look once a second from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._done.set()

    def look(self) -> None:
        """Look now. Raises psycopg2's Error where a database cannot be asked."""
        began = monotonic()
        seen = {name: service.state()[1] for name, service in self._services.items()}
        if seen != self._seen:
            self._seen = seen
            self._doubt()
        self._sure.say(began)

    def _run(self) -> None:
        while not self._done.wait(LOOK_SECONDS):
            try:
                self.look()
            except Error as problem:
                # Nobody is sure of anything then, and whoever asks meets the same problem.
                logger.debug("databases cannot be looked at: %s", problem)
