"""A child process that has started already: starting one takes as long as decoding a picture."""

import threading
from collections.abc import Sequence

from services.media.transcoding.limits import Ended, Limited

IDLE_SECONDS = 30.0


class Spare:
    """Runs a program once for each piece of work, and starts the next run while nobody waits for it.

    The program starts, waits for a line at its standard input, does what that says and ends. So each piece of work has
    a process of its own, as before. The first one is started by the first piece of work; one that nobody has needed
    for `idle` seconds is ended, and its memory given back.
    """

    def __init__(self, command: Sequence[str], memory: int, idle: float = IDLE_SECONDS) -> None:
        """Run `command` with at most `memory` bytes of address space each. Nothing is started yet."""
        self._command, self._memory, self._idle = command, memory, idle
        self._lock = threading.Lock()
        self._ready: Limited | None = None
        self._timer: threading.Timer | None = None

    def run(self, line: str, seconds: float) -> Ended:
        """Let a process do what `line` says within `seconds`. Raises TimeLimitError after ending it."""
        child = self._taken()
        try:
            return child.finish(seconds, f"{line}\n".encode())
        finally:
            self._prepare()

    def end(self) -> None:
        """End the process that waits, if one does."""
        with self._lock:
            child, self._ready = self._ready, None
        if child is not None:
            child.end()

    def _taken(self) -> Limited:
        with self._lock:
            child, self._ready = self._ready, None
            if self._timer is not None:
                self._timer.cancel()
        if child is not None and child.is_running:
            return child
        if child is not None:
            child.end()
        return self._started()

    def _started(self) -> Limited:
        return Limited(self._command, memory=self._memory, told=True)

    def _prepare(self) -> None:
        with self._lock:
            if self._ready is not None:
                return
            self._ready = self._started()
            self._timer = threading.Timer(self._idle, self.end)
            self._timer.daemon = True
            self._timer.start()
