"""What the thread that waits for all connections does between two waits."""

import logging

from gateway.trials import Rounds
from tests.support.logged import logged


def test_work_is_done_at_the_end_of_a_round_once() -> None:
    rounds, done = Rounds(), list[str]()
    rounds.before_waiting(lambda: done.append("once"))
    rounds.end()
    rounds.end()
    assert done == ["once"]
    assert not rounds.soon


def test_work_that_work_leaves_behind_is_done_in_the_same_round() -> None:
    rounds, done = Rounds(), list[str]()
    rounds.before_waiting(lambda: rounds.before_waiting(lambda: done.append("then")))
    rounds.end()
    assert done == ["then"]


def test_work_that_is_not_done_yet_is_done_again_in_the_next_round_which_comes_soon() -> None:
    rounds, left = Rounds(), [1, 2, 3]
    rounds.before_waiting(lambda: bool(left.pop() and left))
    rounds.end()
    assert rounds.soon
    rounds.end()
    assert rounds.soon
    rounds.end()
    assert not rounds.soon
    assert left == []


def test_work_that_fails_keeps_nothing_else_from_being_done() -> None:
    rounds, done = Rounds(), list[str]()

    def fails() -> None:
        raise RuntimeError("this fails")

    rounds.before_waiting(fails)
    rounds.before_waiting(lambda: done.append("done"))
    with logged(logging.ERROR) as records:
        rounds.end()
    assert done == ["done"]
    assert "has failed" in records[0].getMessage()


def test_many_that_are_woken_call_for_the_thread_once_and_all_go_on() -> None:
    class Woken:
        def __init__(self) -> None:
            self.times = 0

        def go_on(self) -> None:
            self.times += 1

    rounds, calls = Rounds(), []
    trials = [Woken() for _ in range(5)]
    for trial in trials:
        rounds.wake(trial, calls.append)  # type: ignore[arg-type]
    assert len(calls) == 1
    calls.pop()()
    assert [trial.times for trial in trials] == [1] * 5
    rounds.wake(trials[0], calls.append)  # type: ignore[arg-type]
    assert len(calls) == 1
