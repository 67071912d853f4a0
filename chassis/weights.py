"""Which operations a thread that serves many connections may work on, without keeping the others waiting."""

from collections.abc import Callable
from math import inf
from time import monotonic, thread_time

from chassis.answers import LONGEST
from chassis.at_once import pausable
from chassis.messages import Reply

HEAVY_SECONDS, QUICK_SECONDS, BUSY_SECONDS = 60.0, 0.1, 0.01
# Now and then anything is slow on a busy machine; what is so several times in a row is slow.
STRIKES = 3


def stopwatch() -> Callable[[], bool]:
    """Begin to time an operation; return what tells whether it was quick.

    In a thread of its own that is what it took of the processor, for which it would keep others waiting. Among
    others it is the time in all, but for pauses in which they had their turns: with many of them all take long.
    """
    here = pausable()
    if here is None:
        busy = thread_time()
        return lambda: thread_time() - busy <= BUSY_SECONDS
    began = monotonic() - here.idle
    return lambda: monotonic() - here.idle - began <= QUICK_SECONDS


class Weights:
    """Which operations answer lightly: shortly, quickly, and without a file.

    An operation is heavy until it has answered lightly, and for a minute after an answer that was long or a file, or
    after several slow ones in a row.
    """

    def __init__(self, strikes: int = STRIKES) -> None:
        """Know no operation yet. So many slow answers in a row make one heavy."""
        self._most = strikes
        self._until: dict[str, float] = {}
        self._strikes: dict[str, int] = {}

    def heavy(self, operation: str) -> bool:
        """Tell whether an answer of this operation may be heavy."""
        return self._until.get(operation, inf) > monotonic()

    def weigh(self, operation: str, reply: Reply, *, quick: bool) -> bool:
        """Note what an operation has answered, and whether it was quick; tell whether it is light."""
        short = reply.file is None and not reply.held and isinstance(reply.body, bytes) and len(reply.body) <= LONGEST
        return self.note(operation, short=short, quick=quick)

    def note(self, operation: str, *, short: bool, quick: bool) -> bool:
        """Note that an operation has answered; tell whether it is light."""
        if not quick and short and not self.heavy(operation):
            self._strikes[operation] = self._strikes.get(operation, 0) + 1
            if self._strikes[operation] < self._most:
                return False
        self._strikes.pop(operation, None)
        if not (short and quick):
            self.burden(operation)
            return False
        return self._until.setdefault(operation, -inf) <= monotonic()

    def burden(self, operation: str) -> None:
        """Note that an operation is heavy for now."""
        self._strikes.pop(operation, None)
        self._until[operation] = monotonic() + HEAVY_SECONDS
