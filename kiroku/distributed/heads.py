"""Where a gateway begins to know what moves: at the heads of all logs, read once it hears wake-ups."""

import threading
from collections.abc import Callable

from gateway.kept import Moves

PAUSE = 0.5


class Heads:
    """Begins what is known of all logs anew, in a thread of its own, as the services may not answer yet."""

    def __init__(self, moves: Moves, head: Callable[[str], int]) -> None:
        """Begin `moves`; `head` asks a service for its newest position."""
        self._moves, self._head = moves, head
        self._news = threading.Event()
        threading.Thread(target=self._run, name="heads", daemon=True).start()

    def begin(self) -> None:
        """Forget what was known, as wake-ups are heard from now on only."""
        self._moves.listen()
        self._news.set()

    def _run(self) -> None:
        while True:
            self._news.wait()
            self._news.clear()
            while not self._moves.begin(self._head) and not self._news.is_set():
                self._news.wait(PAUSE)
