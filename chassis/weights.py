"""Which operations a thread that serves many connections may work on, without keeping the others waiting."""

from math import inf
from time import monotonic

from chassis.answers import LONGEST
from chassis.messages import Reply

HEAVY_SECONDS, QUICK_SECONDS = 60.0, 0.1


class Weights:
    """Which operations answer lightly: shortly, quickly, and without a file.

    An operation is heavy until it has answered lightly, and for a minute after an answer that was long, slow or a file.
    """

    def __init__(self) -> None:
        """Know no operation yet."""
        self._until: dict[str, float] = {}

    def heavy(self, operation: str) -> bool:
        """Tell whether an answer of this operation may be heavy."""
        return self._until.get(operation, inf) > monotonic()

    def weigh(self, operation: str, reply: Reply, seconds: float) -> bool:
        """Note what an operation has answered after so many seconds; tell whether it is light."""
        short = reply.file is None and isinstance(reply.body, bytes) and len(reply.body) <= LONGEST
        if not short or seconds > QUICK_SECONDS:
            self.burden(operation)
            return False
        return self._until.setdefault(operation, -inf) <= monotonic()

    def burden(self, operation: str) -> None:
        """Note that an operation is heavy for now."""
        self._until[operation] = monotonic() + HEAVY_SECONDS
