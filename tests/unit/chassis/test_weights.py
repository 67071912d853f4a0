"""Which operations are light enough for a thread that serves many connections."""

import pytest

from chassis import weights as module
from chassis.answers import LONGEST
from chassis.messages import Reply
from chassis.weights import Weights

SHORT, LONG, FILE = Reply(body=b"short"), Reply(body=bytes(LONGEST + 1)), Reply(file="a/key")


def test_an_operation_is_heavy_until_it_has_answered_lightly() -> None:
    weights = Weights()
    assert weights.heavy("a")
    assert weights.weigh("a", SHORT, 0.001)
    assert not weights.heavy("a")
    assert weights.heavy("b")


@pytest.mark.parametrize(("reply", "seconds"), [(LONG, 0.001), (FILE, 0.001), (SHORT, 0.5)])
def test_a_long_answer_a_slow_one_and_a_file_are_heavy_for_a_minute(
    monkeypatch: pytest.MonkeyPatch, reply: Reply, seconds: float
) -> None:
    now = [1000.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    weights = Weights()
    assert weights.weigh("a", SHORT, 0.001)
    assert not weights.weigh("a", reply, seconds)
    assert weights.heavy("a")
    assert not weights.weigh("a", SHORT, 0.001)
    now[0] += 61
    assert weights.weigh("a", SHORT, 0.001)
    assert not weights.heavy("a")


def test_what_is_burdened_is_heavy_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    weights = Weights()
    assert weights.weigh("a", SHORT, 0.001)
    weights.burden("a")
    assert weights.heavy("a")
    now[0] += 61
    assert not weights.heavy("a")
