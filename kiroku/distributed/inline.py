"""Which queries the thread that reads the broker works on itself, instead of handing them to a thread of the pool.

Handing over takes as long as reading a record, and two threads that want the interpreter hold each other up. But who
reads the broker for all must not be kept: only queries that were short, and quick by this thread, too, are its own.
"""

from collections.abc import Collection, Iterable
from math import inf
from time import monotonic

# What a query may take of the processor to be tried, in seconds; what it may take in all; what nobody should wait for.
LIGHT_SECONDS, QUICK_SECONDS, LONG_SECONDS = 0.002, 0.005, 1.0
AWAY_SECONDS = 60.0
STRIKES = 5


class Inline:
    """Knows the queries of one queue by what they took. An unknown one is for the pool."""

    def __init__(self) -> None:
        """Know no query yet."""
        self._from: dict[str, float] = {}
        self._strikes: dict[str, int] = {}

    def may(self, operations: Collection[str]) -> bool:
        """Tell whether all of `operations`, if any, may be worked on by the thread that reads."""
        now = monotonic()
        return bool(operations) and all(self._from.get(operation, inf) <= now for operation in operations)

    def by_pool(self, operations: Iterable[str], seconds: float, *, short: bool) -> None:
        """Note that a thread of the pool worked on `operations`, for so many seconds of the processor in all.

        Where that was little, and the answer `short`, the thread that reads will try.
        """
        if short and seconds <= LIGHT_SECONDS:
            for operation in operations:
                self._from.setdefault(operation, 0.0)

    def by_reader(self, operations: Iterable[str], seconds: float, *, short: bool) -> None:
        """Note that the thread that reads worked on `operations`, for so many seconds in all.

        Now and then anything takes long; what does so again and again, or once for very long, is for the pool.
        """
        if short and seconds <= QUICK_SECONDS:
            for operation in operations:
                self._strikes.pop(operation, None)
            return
        for operation in operations:
            strikes = self._strikes[operation] = self._strikes.get(operation, 0) + 1
            if strikes >= STRIKES or seconds > LONG_SECONDS or not short:
                self.leave([operation])

    def leave(self, operations: Iterable[str]) -> None:
        """Leave `operations` to the pool for a while: they wait for others, or take long."""
        for operation in operations:
            self._strikes.pop(operation, None)
            self._from[operation] = monotonic() + AWAY_SECONDS
