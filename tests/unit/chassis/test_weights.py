"""Which operations are light enough for a thread that serves many connections."""

import time

import pytest

from chassis import weights as module
from chassis.answers import LONGEST
from chassis.at_once import at_once
from chassis.messages import Reply
from chassis.weights import Weights, stopwatch
from tests.support.pausing import Pausing

SHORT, LONG, FILE = Reply(body=b"short"), Reply(body=bytes(LONGEST + 1)), Reply(file="a/key")
HELD = Reply(tag="1", held=True)


def test_an_operation_is_heavy_until_it_has_answered_lightly() -> None:
    weights = Weights()
    assert weights.heavy("a")
    assert weights.weigh("a", SHORT, quick=True)
    assert not weights.heavy("a")
    assert weights.heavy("b")


@pytest.mark.parametrize(("reply", "quick"), [(LONG, True), (FILE, True), (HELD, True), (SHORT, False)])
def test_a_long_answer_a_slow_one_and_a_file_are_heavy_for_a_minute(
    monkeypatch: pytest.MonkeyPatch, reply: Reply, quick: bool
) -> None:
    now = [1000.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    weights = Weights()
    assert weights.weigh("a", SHORT, quick=True)
    for _ in range(1 if quick else module.STRIKES):
        assert not weights.heavy("a")
        assert not weights.weigh("a", reply, quick=quick)
    assert weights.heavy("a")
    assert not weights.weigh("a", SHORT, quick=True)
    now[0] += 61
    assert weights.weigh("a", SHORT, quick=True)
    assert not weights.heavy("a")


def test_what_is_slow_now_and_then_stays_light() -> None:
    weights = Weights()
    for _ in range(5):
        assert weights.weigh("a", SHORT, quick=True)
        for _ in range(module.STRIKES - 1):
            assert not weights.weigh("a", SHORT, quick=False)
    assert not weights.heavy("a")


def test_what_was_never_light_is_heavy_after_one_slow_answer() -> None:
    weights = Weights()
    assert not weights.weigh("a", SHORT, quick=False)
    assert weights.heavy("a")


def test_what_is_burdened_is_heavy_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    weights = Weights()
    assert weights.weigh("a", SHORT, quick=True)
    weights.burden("a")
    assert weights.heavy("a")
    now[0] += 61
    assert not weights.heavy("a")


def work(seconds: float) -> None:
    """Keep the processor busy."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_a_thread_of_its_own_may_wait_but_not_work_for_long() -> None:
    was_quick = stopwatch()
    time.sleep(2 * module.BUSY_SECONDS)
    assert was_quick()
    work(2 * module.BUSY_SECONDS)
    assert not was_quick()


def test_among_others_all_the_time_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    with at_once(Pausing()):
        was_quick = stopwatch()
    now[0] += 0.9 * module.QUICK_SECONDS
    assert was_quick()
    now[0] += module.QUICK_SECONDS
    assert not was_quick()


def test_among_others_their_turns_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    now, here = [1000.0], Pausing()
    here.idle = 7.0
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    with at_once(here):
        was_quick = stopwatch()
    now[0] += 10.0
    here.idle += 10.0
    assert was_quick()
    now[0] += 2 * module.QUICK_SECONDS
    assert not was_quick()
