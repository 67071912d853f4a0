"""Processes that have started before their work comes."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

from services.media.transcoding.limits import GIB, TimeLimitError
from services.media.transcoding.spare import Spare
from tests.support.waiting import wait_for

# Says who it is and what it was told, and sleeps if it was told to.
PROGRAM = """
import os, sys, time
told = sys.stdin.readline()
time.sleep(60 if told == "sleep\\n" else 0)
print(os.getpid(), told)
"""


@pytest.fixture
def spare() -> Iterator[Spare]:
    made = Spare([sys.executable, "-c", PROGRAM], memory=GIB)
    yield made
    made.end()


def told(spare: Spare, line: str) -> tuple[int, str]:
    """Return the process that did the work, and what it was told."""
    number, _, line = spare.run(line, 20).output.partition(" ")
    return int(number), line.strip()


def runs(number: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(number, 0)
        return True
    return False


def waiting(spare: Spare) -> int:
    """Return the process that waits for work."""
    assert spare._ready is not None
    return spare._ready.pid


def test_each_piece_of_work_has_a_process_of_its_own_that_has_waited_for_it(spare: Spare) -> None:
    first, said = told(spare, "one")
    assert said == "one"
    expected = waiting(spare)
    assert told(spare, "two") == (expected, "two")
    assert first != expected
    assert not runs(first)


def test_one_that_died_while_it_waited_is_replaced(spare: Spare) -> None:
    told(spare, "one")
    dead = waiting(spare)
    os.kill(dead, signal.SIGKILL)
    wait_for(lambda: spare._ready is not None and not spare._ready.is_running)
    number, said = told(spare, "two")
    assert (said, number == dead) == ("two", False)


def test_work_that_takes_too_long_is_ended_and_the_next_one_is_done(spare: Spare) -> None:
    told(spare, "one")
    slow = waiting(spare)
    with pytest.raises(TimeLimitError, match=r"longer than 0\.2 seconds"):
        spare.run("sleep", 0.2)
    assert not runs(slow)
    assert told(spare, "two")[1] == "two"


def test_memory_is_given_back_when_no_work_comes() -> None:
    spare = Spare([sys.executable, "-c", PROGRAM], memory=GIB, idle=0.2)
    told(spare, "one")
    number = waiting(spare)
    wait_for(lambda: not runs(number))
