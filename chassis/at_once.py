"""Answers at once: a thread that serves many connections may answer, but must not wait for a database or a broker.

Such a thread works inside `at_once()`. Whatever is about to wait says so by `waits()`, and what was begun is then done
again by a thread that may. So both ways run the same code, and what reaches the client is the same.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class NotAtOnce(BaseException):
    """This takes a thread that may wait."""


class _Here(threading.local):
    hurried = False
    kept = False
    turn: Callable[[], None] | None = None


_here = _Here()


@contextmanager
def at_once() -> Iterator[None]:
    """Let this thread wait for nothing until the end of the block."""
    _here.hurried = True
    try:
        yield
    finally:
        _here.hurried = False


def waits() -> None:
    """Say that this thread is about to wait for something. Raises NotAtOnce where it must not."""
    if _here.hurried:
        raise NotAtOnce


def hold(give: Callable[[], None]) -> None:
    """Note that this thread has a turn, which `give` gives to the next one."""
    _here.turn = give


def pass_on() -> None:
    """Give the turn that this thread has, if any, to the next one: it is done, or about to wait for long."""
    give, _here.turn = _here.turn, None
    if give is not None:
        give()


def note_kept() -> None:
    """Note that this thread has found a kept answer: one that needed no waiting."""
    _here.kept = True


def take_kept() -> bool:
    """Tell whether this thread has found a kept answer since it was asked the last time."""
    kept, _here.kept = _here.kept, False
    return kept
