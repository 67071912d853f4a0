"""Where a gateway begins to know what moves, and whether it has heard of everything since: the heads of all logs."""

import threading
from collections.abc import Callable

from chassis.mended import LOOK_SECONDS
from gateway.kept import Moves

PAUSE = 0.5


class Heads:
    """Looks at the log of each service in a thread of its own, as some may not answer for a while.

    That is before it is known, and once a second while somebody wants what is kept for longer than a moment.
    """

    def __init__(self, moves: Moves, state: Callable[[str], tuple[int, int]]) -> None:
        """Begin `moves`; `state` asks a service what `Service.state` returns."""
        self._moves, self._state = moves, state
        self._news = {service: threading.Event() for service in moves.services}
        for service in self._news:
            threading.Thread(target=self._run, args=(service,), name=f"head of {service}", daemon=True).start()

    def begin(self) -> None:
        """Forget what was known, as wake-ups are heard from now on only."""
        self._moves.listen()
        for news in self._news.values():
            news.set()

    def _run(self, service: str) -> None:
        news, moves = self._news[service], self._moves
        news.wait()
        while True:
            news.clear()
            if (moves.wanted or not moves.knows(service)) and not moves.look(service, self._state):
                news.wait(PAUSE)
            else:
                news.wait(LOOK_SECONDS)
