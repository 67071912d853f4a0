"""How a process of the web server ends."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from chassis.at_once import hold, pass_on
from gateway.worker import Crowds, Turns, Worker

ENDS = (signal.SIGINT, signal.SIGQUIT)


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """Break off what waits for ever, and put back the signals."""

    def late(*_: Any) -> None:
        raise TimeoutError("the worker waits")

    before = {number: signal.getsignal(number) for number in (*ENDS, signal.SIGALRM)}
    signal.signal(signal.SIGALRM, late)
    signal.alarm(5)
    yield
    signal.alarm(0)
    for number, handler in before.items():
        signal.signal(number, handler)


def ended(worker: Worker) -> None:
    """End a worker as a signal does."""
    with pytest.raises(SystemExit):
        worker.handle_quit(signal.SIGQUIT, None)


@pytest.fixture
def worker() -> Worker:
    made: Worker = object.__new__(Worker)
    made.cfg = SimpleNamespace(worker_int=lambda worker: None)
    made.tpool = ThreadPoolExecutor(1)
    return made


def test_a_worker_that_is_interrupted_while_it_gives_out_work_ends_all_the_same(worker: Worker) -> None:
    with worker.tpool._shutdown_lock:
        ended(worker)
    assert not worker.alive


@pytest.mark.parametrize("again", ENDS)
def test_what_is_done_at_the_end_is_not_broken_off_by_a_second_signal(worker: Worker, again: signal.Signals) -> None:
    signal.signal(again, worker.handle_quit)
    ended(worker)
    os.kill(os.getpid(), again)


def test_a_reader_waits_until_another_one_passes_its_turn_on() -> None:
    turns = Turns(count=1)
    assert turns.take()
    hold(turns.give)
    waiting = ThreadPoolExecutor(1).submit(turns.take)
    pass_on()
    assert waiting.result(5)
    pass_on()  # has none any more
    assert not turns.take()


def test_nobody_waits_for_those_who_are_slow() -> None:
    turns = Turns(count=1)
    assert turns.take()
    assert not turns.take()
    started = time.monotonic()
    assert not any(turns.take() for _ in range(100))
    assert time.monotonic() - started < 1
    turns.give()
    assert turns.take()


def test_crowds_know_the_worker_with_fewest_connections_among_the_living() -> None:
    crowds = Crowds()
    assert crowds.least() == 0
    crowds.tell(1, 7)
    crowds.tell(2, 3)
    assert crowds.least() == 3
    crowds.forget(2)
    assert crowds.least() == 7
