"""Which queries the thread that reads the broker works on itself, instead of handing them to a thread of the pool.

Handing over takes as long as reading a record, and two threads that want the interpreter hold each other up. But who
reads the broker for all must not be kept: only queries that were short, and quick by this thread, too, are its own.
"""

from collections.abc import Collection, Iterable

from chassis.weights import Weights

# What a query may take of the processor to be tried, in seconds; what it may take in all; what nobody should wait for.
LIGHT_SECONDS, QUICK_SECONDS, LONG_SECONDS = 0.002, 0.005, 1.0
STRIKES = 5


class Inline:
    """Knows the queries of one queue by what they took. An unknown one is for the pool."""

    def __init__(self) -> None:
        """Know no query yet."""
        self._weights = Weights(STRIKES)

    def may(self, operations: Collection[str]) -> bool:
        """Tell whether all of `operations`, if any, may be worked on by the thread that reads."""
        return bool(operations) and not any(map(self._weights.heavy, operations))

    def by_pool(self, operations: Iterable[str], seconds: float, *, short: bool) -> None:
        """Note that a thread of the pool worked on `operations`, for so many seconds of the processor in all.

        Where that was little, and the answer `short`, the thread that reads will try.
        """
        if short and seconds <= LIGHT_SECONDS:
            for operation in operations:
                self._weights.note(operation, short=True, quick=True)

    def by_reader(self, operations: Iterable[str], seconds: float, *, short: bool) -> None:
        """Note that the thread that reads worked on `operations`, for so many seconds in all.

        Now and then anything takes long; what does so again and again, or once for very long, is for the pool.
        """
        if seconds > LONG_SECONDS:
            self.leave(operations)
            return
        for operation in operations:
            self._weights.note(operation, short=short, quick=seconds <= QUICK_SECONDS)

    def leave(self, operations: Iterable[str]) -> None:
        """Leave `operations` to the pool for a while: they wait for others, or take long."""
        for operation in operations:
            self._weights.burden(operation)
