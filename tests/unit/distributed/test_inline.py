"""The thread that reads the broker works on queries that were short and quick; others are for the pool."""

import pytest

from chassis import weights
from chassis.weights import HEAVY_SECONDS
from kiroku.distributed.frames import Outlet
from kiroku.distributed.inline import LIGHT_SECONDS, LONG_SECONDS, QUICK_SECONDS, STRIKES, Inline

ONE, OTHER = "tasks.get_task", "tasks.get_tasks"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(weights, "monotonic", made)
    return made


@pytest.fixture
def known() -> Inline:
    """Know one light query."""
    made = Inline()
    made.by_pool([ONE], LIGHT_SECONDS, short=True)
    return made


def test_an_unknown_query_is_for_the_pool_until_it_was_light_there() -> None:
    made = Inline()
    assert not made.may([ONE])
    made.by_pool([ONE], LIGHT_SECONDS * 2, short=True)
    made.by_pool([ONE], 0.0, short=False)
    assert not made.may([ONE])
    made.by_pool([ONE], LIGHT_SECONDS, short=True)
    assert made.may([ONE])


def test_a_message_is_worked_on_by_the_reader_only_when_all_in_it_is_light(known: Inline) -> None:
    assert known.may([ONE])
    assert not known.may([ONE, OTHER])
    assert not known.may([])


def test_what_takes_long_now_and_then_stays(known: Inline) -> None:
    for _ in range(5):
        for _ in range(STRIKES - 1):
            known.by_reader([ONE], LONG_SECONDS, short=True)
        known.by_reader([ONE], QUICK_SECONDS, short=True)
    assert known.may([ONE])


@pytest.mark.parametrize("seconds", [[QUICK_SECONDS * 2] * STRIKES, [LONG_SECONDS * 2]])
def test_what_takes_long_again_and_again_or_very_long_is_for_the_pool_for_a_while(
    known: Inline, clock: Clock, seconds: list[float]
) -> None:
    for took in seconds:
        assert known.may([ONE])
        known.by_reader([ONE], took, short=True)
    assert not known.may([ONE])
    known.by_pool([ONE], 0.0, short=True)
    clock.now += HEAVY_SECONDS - 1
    assert not known.may([ONE])
    clock.now += 2
    assert known.may([ONE])


def test_what_answers_at_length_or_waits_for_others_is_for_the_pool(known: Inline, clock: Clock) -> None:
    known.by_reader([ONE], 0.0, short=False)
    assert not known.may([ONE])
    clock.now += HEAVY_SECONDS + 1
    assert known.may([ONE])
    known.leave([ONE])
    assert not known.may([ONE])


class Transport:
    """Fits py-amqp's."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(bytes(data))


def test_frames_of_a_block_go_out_in_one_piece_though_they_share_their_memory() -> None:
    transport, memory = Transport(), bytearray(b"first")
    outlet = Outlet(transport)
    outlet.write(memoryview(memory))
    with outlet:
        memory[:] = b"other"
        outlet.write(memoryview(memory))
        memory[:] = b"third"
        outlet.write(memoryview(memory))
        assert transport.written == [b"first"]
    outlet.write(b"last")
    assert transport.written == [b"first", b"otherthird", b"last"]


def test_nothing_goes_out_of_a_block_that_was_broken_off() -> None:
    transport = Transport()
    outlet = Outlet(transport)

    def half() -> None:
        with outlet:
            outlet.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    with outlet:
        pass
    outlet.write(b"next")
    assert transport.written == [b"next"]
