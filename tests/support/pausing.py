"""Work that a thread pauses, for tests: it looks into its connections by sleeping until it is woken."""

import threading
from collections.abc import Callable


class Pausing:
    """Fits `chassis.at_once.Pausable`: what is to be done before waiting is done at the first pause."""

    def __init__(self) -> None:
        self._work: list[Callable[[], None]] = []
        self._woken = threading.Event()

    def pause(self, seconds: float) -> None:
        """Do what was to be done, and wait to be woken."""
        while self._work:
            self._work.pop(0)()
        self._woken.wait(seconds)
        self._woken.clear()

    def wake(self) -> None:
        """End the pause."""
        self._woken.set()

    def before_waiting(self, work: Callable[[], None]) -> None:
        """Do `work` at the next pause."""
        self._work.append(work)
