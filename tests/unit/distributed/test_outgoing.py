"""Calls wait a moment for others to travel with, but only while so many are under way that others will come."""

from collections.abc import Callable

import pytest

from kiroku.distributed import together
from kiroku.distributed.slots import Slot, Together
from kiroku.distributed.together import LATE_SECONDS, MOMENT_SECONDS, MOST, Outgoing
from tests.support.pausing import Pausing


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(together, "monotonic", made)
    return made


class Rounds(Pausing):
    """Rounds of a thread, of which a test says when they end."""

    def __init__(self) -> None:
        super().__init__()
        self.left: list[Callable[[], bool | None]] = []

    def before_waiting(self, work: Callable[[], bool | None]) -> None:
        """Note the work."""
        self.left.append(work)

    def end(self) -> None:
        """End a round."""
        self.left = [work for work in self.left if work()]


class Queue:
    """One queue: how many calls each message had that was sent, and where their replies go."""

    def __init__(self) -> None:
        self.sent: list[Slot] = []
        self.rounds = Rounds()
        self.outgoing = Outgoing(lambda body, slot, content_type: self.sent.append(slot))

    def begin(self, count: int) -> list[Slot]:
        """Begin so many calls."""
        slots = [Slot() for _ in range(count)]
        for slot in slots:
            self.outgoing.add(b"call", slot, self.rounds)
        return slots


def finish(slots: list[Slot]) -> None:
    for slot in slots:
        slot.finish()


@pytest.fixture
def queue(clock: Clock) -> Queue:
    return Queue()


def test_a_call_alone_leaves_at_the_end_of_its_round(queue: Queue) -> None:
    queue.begin(1)
    assert queue.sent == []
    queue.rounds.end()
    assert len(queue.sent) == 1
    assert queue.rounds.left == []


def test_few_others_under_way_are_not_waited_for(queue: Queue) -> None:
    queue.begin(MOST - 1)
    queue.rounds.end()
    queue.begin(1)
    queue.rounds.end()
    assert len(queue.sent) == 2


def test_a_call_waits_for_others_while_many_are_under_way_and_leaves_with_them(queue: Queue) -> None:
    queue.begin(MOST)
    assert len(queue.sent) == 1
    queue.begin(1)
    queue.rounds.end()
    queue.rounds.end()
    assert len(queue.sent) == 1
    queue.begin(MOST - 1)
    assert len(queue.sent) == 2
    queue.rounds.end()
    assert len(queue.sent) == 2
    assert queue.rounds.left == []


def test_it_leaves_as_soon_as_few_are_under_way(queue: Queue) -> None:
    before = queue.begin(MOST)
    queue.begin(1)
    queue.rounds.end()
    finish(before)
    queue.rounds.end()
    assert len(queue.sent) == 2


def test_it_waits_for_a_moment_only(queue: Queue, clock: Clock) -> None:
    queue.begin(MOST)
    queue.begin(1)
    queue.rounds.end()
    clock.now += 2 * MOMENT_SECONDS
    queue.rounds.end()
    assert len(queue.sent) == 2


def test_rounds_are_asked_once_however_many_calls_leave_within_one(queue: Queue) -> None:
    for _ in range(5):
        queue.begin(MOST + 1)
        queue.rounds.end()
        assert len(queue.rounds.left) <= 1
    assert sum(len(message._slots) for message in queue.sent if isinstance(message, Together)) == 5 * MOST


def test_calls_whose_replies_are_late_are_not_counted(queue: Queue, clock: Clock) -> None:
    queue.begin(2 * MOST)
    clock.now += 2 * LATE_SECONDS
    queue.begin(1)
    queue.rounds.end()
    assert len(queue.sent) == 3
