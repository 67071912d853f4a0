"""Answers at once: a thread that serves many connections may answer, but must not wait for a database or a broker.

Such a thread works inside `at_once()`. Whatever is about to wait says so by `waits()`, and what was begun is then done
again by a thread that may. So both ways run the same code, and what reaches the client is the same. What waits for a
reply alone, as a call over the broker or a light read does, may pause what is worked on instead, where that is
`pausable()`.
"""

import threading
from collections.abc import Callable
from typing import Protocol


class NotAtOnce(BaseException):
    """This takes a thread that may wait."""


class Pausable(Protocol):
    """What a thread that serves many connections is at work on, and can go on with later.

    `idle` are the seconds that it has waited in pauses, for others to be done, but not for a database.
    """

    idle: float

    def pause(self, seconds: float) -> None:
        """Let the thread do something else until `wake` is called, for so many seconds at most."""
        ...

    def wake(self) -> None:
        """Let the thread go on with this; may be called by any thread, and before the pause."""
        ...

    def until_ready(self, source: int, seconds: float, *, writing: bool) -> None:
        """Let the thread do something else until `source` can be read or, for `writing`, written.

        `source` is the number of a file that PostgreSQL's client waits for; `seconds` are as in `pause`.
        """
        ...

    def rest(self) -> None:
        """Let the thread do something else until it would wait for its connections the next time."""
        ...

    def before_waiting(self, work: Callable[[], bool | None]) -> None:
        """Let the thread do `work` before it waits for its connections the next time.

        Where `work` returns True, it is done again, a millisecond later at most.
        """
        ...


class _Here(threading.local):
    hurried = False
    brief = False
    work: Pausable | None = None
    light = False
    turn: Callable[[], None] | None = None


_here = _Here()


class at_once:  # noqa: N801 - reads as what it does
    """Let this thread wait for nothing until the end of a `with` block.

    A class, as a generator would take a tenth of the time of a kept answer.
    """

    __slots__ = ("_work",)

    def __init__(self, work: Pausable | None = None) -> None:
        """`work` is what the thread does, if that can be paused."""
        self._work = work

    def __enter__(self) -> None:
        """Begin."""
        _here.hurried, _here.work = True, self._work

    def __exit__(self, *problem: object) -> None:
        """End."""
        _here.hurried, _here.work = False, None


class briefly:  # noqa: N801 - reads as what it does
    """Let this thread wait for nothing but its own database until the end of a `with` block: others wait behind it."""

    __slots__ = ()

    def __enter__(self) -> None:
        """Begin."""
        _here.brief = True

    def __exit__(self, *problem: object) -> None:
        """End."""
        _here.brief = False


def pausable() -> Pausable | None:
    """Return what this thread is at work on, if it serves many connections and can pause this."""
    return _here.work


def waits(*, others: bool = False) -> None:
    """Say that this thread is about to wait for something, for `others` if that is another process than PostgreSQL's.

    Raises NotAtOnce where it must not.
    """
    if _here.hurried or (others and _here.brief):
        raise NotAtOnce


def hold(give: Callable[[], None]) -> None:
    """Note that this thread has a turn, which `give` gives to the next one."""
    _here.turn = give


def pass_on() -> None:
    """Give the turn that this thread has, if any, to the next one: it is done, or about to wait for long."""
    give, _here.turn = _here.turn, None
    if give is not None:
        give()


def note_light() -> None:
    """Note that this thread has found an answer that a thread which serves many connections could have found."""
    _here.light = True


def take_light() -> bool:
    """Tell whether this thread has found such an answer since it was asked the last time."""
    light, _here.light = _here.light, False
    return light
