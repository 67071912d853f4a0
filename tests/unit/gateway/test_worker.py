"""How a process of the web server ends."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.worker import Worker

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
