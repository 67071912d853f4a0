"""Calls that are sent as one message: it costs the broker, and both ends, about as much as a small read.

A thread that serves many connections (`chassis.at_once`) begins a call for each before it waits for replies. What
it has begun for one queue until then travels together, `MOST` at a time: with fewer messages both processes would wait
for each other, as a message is worked on by one thread, and answered by one reply.
"""

from collections import deque
from collections.abc import Callable
from time import monotonic

from chassis.at_once import Pausable
from chassis.errors import DomainError
from kiroku.distributed.slots import Slot, Together
from kiroku.distributed.wire import pack_many

MOST = 8
# How long a few calls wait for others while many are under way, and after how long a reply is not waited for.
MOMENT_SECONDS, LATE_SECONDS = 0.001, 0.02
# The content type of a message that holds several calls.
CALLS = "application/vnd.kiroku.calls"


class Outgoing:
    """The calls to one queue that one thread has begun, and not sent yet."""

    def __init__(self, send: Callable[[bytes, Slot, str | None], None]) -> None:
        """Send by `send`: the body of a message, where its reply goes, and its content type."""
        self._send = send
        self._calls: list[tuple[bytes, Slot]] = []
        self._first = 0.0
        self._awaited = False
        self._sent: deque[tuple[float, list[Slot]]] = deque()

    def add(self, body: bytes, slot: Slot, here: Pausable) -> None:
        """Send `body` with those that are begun beside it, before the thread of `here` waits."""
        self._calls.append((body, slot))
        if len(self._calls) == MOST:
            self.flush()
            return
        if len(self._calls) == 1:
            self._first = monotonic()
        if not self._awaited:
            self._awaited = True
            here.before_waiting(self.end_of_round)

    def end_of_round(self) -> bool:
        """Send what there is, unless it should wait for more for a moment: tell whether it does."""
        now = monotonic()
        if self._calls and now - self._first < MOMENT_SECONDS and self._is_busy(now):
            return True
        self._awaited = False
        self.flush()
        return False

    def _is_busy(self, now: float) -> bool:
        """Tell whether so many calls wait for their replies that the next ones are likely to come together."""
        sent = self._sent
        while sent and (sent[0][1][0].finished or now - sent[0][0] > LATE_SECONDS):
            sent.popleft()
        return sum(len(slots) for _, slots in sent if not slots[0].finished) >= MOST

    def flush(self) -> None:
        """Send what there is. Those who wait are told when that cannot be done."""
        calls, self._calls = self._calls, []
        slots = [slot for _, slot in calls]
        if slots:
            self._sent.append((monotonic(), slots))
        try:
            if len(calls) == 1:
                self._send(*calls[0], None)
            elif calls:
                self._send(pack_many([body for body, _ in calls]), Together(slots), CALLS)
        except DomainError as problem:
            for slot in slots:
                slot.finish(problem.message)
