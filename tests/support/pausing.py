"""Work that a thread pauses, for tests."""

import select
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable
from math import inf
from typing import Any

from greenlet import getcurrent, greenlet

from chassis.at_once import at_once

PATIENCE_SECONDS = 20.0
SOON_SECONDS = 0.001


class Pausing:
    """Fits `chassis.at_once.Pausable` without a coroutine: the thread sleeps through each pause.

    What is to be done before waiting is done at the first one.
    """

    idle = 0.0

    def __init__(self) -> None:
        self._work: list[Callable[[], bool | None]] = []
        self._woken = threading.Event()

    def pause(self, seconds: float) -> None:
        """Do what was to be done, and wait to be woken."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.rest()
            if self._woken.wait(min(left, SOON_SECONDS) if self._work else left):
                break
        self._woken.clear()

    def wake(self) -> None:
        """End the pause."""
        self._woken.set()

    def rest(self) -> None:
        """Do what was to be done; what is not done yet will be done again."""
        work, self._work = self._work, []
        self._work += [each for each in work if each()]

    def before_waiting(self, work: Callable[[], bool | None]) -> None:
        """Do `work` at the next pause."""
        self._work.append(work)

    def until_ready(self, source: int, seconds: float, *, writing: bool) -> None:
        """Wait for `source`."""
        ready = select.poll()
        ready.register(source, select.POLLOUT if writing else select.POLLIN)
        ready.poll(seconds * 1000)


class Together:
    """Jobs that one thread does beside each other, going on with another one wherever one pauses."""

    def __init__(self) -> None:
        self.thread = getcurrent()
        self.poller = selectors.DefaultSelector()
        self.ready: deque[_Job] = deque()

    def do(self, *jobs: Callable[[], Any]) -> list[Any]:
        """Return what each of `jobs` has returned or raised."""
        begun = [_Job(self, job) for job in jobs]
        self.ready.extend(begun)
        until = time.monotonic() + PATIENCE_SECONDS
        while not all(job.coroutine.dead for job in begun):
            assert time.monotonic() < until, "a job waits for ever"
            while self.ready:
                job = self.ready.popleft()
                if not job.coroutine.dead:
                    with at_once(job):
                        job.coroutine.switch()
            if self.poller.get_map():
                self.ready.extend(key.data for key, _ in self.poller.select(0.05))
            self.ready.extend(job for job in begun if job.until < time.monotonic())
        return [job.outcome for job in begun]


class _Job:
    """Fits `chassis.at_once.Pausable`."""

    idle = 0.0

    def __init__(self, together: Together, job: Callable[[], Any]) -> None:
        self._together, self._job = together, job
        self.outcome: Any = None
        self.until = inf
        self.coroutine = greenlet(self._run)

    def _run(self) -> None:
        try:
            self.outcome = self._job()
        except BaseException as problem:
            self.outcome = problem

    def pause(self, seconds: float) -> None:
        """Let the others go on."""
        self.until = time.monotonic() + seconds
        self._together.thread.switch()
        self.until = inf

    def wake(self) -> None:
        """Go on."""
        self._together.ready.append(self)

    def until_ready(self, source: int, seconds: float, *, writing: bool) -> None:
        """Let the others go on until `source` is ready."""
        poller = self._together.poller
        poller.register(source, selectors.EVENT_WRITE if writing else selectors.EVENT_READ, self)
        self.pause(seconds)
        poller.unregister(source)

    def rest(self) -> None:
        """Let the others go on, and then this one."""
        self.wake()
        self.pause(PATIENCE_SECONDS)

    def before_waiting(self, work: Callable[[], bool | None]) -> None:
        """Do `work` now: nothing else is gathered here."""
        while work():
            time.sleep(SOON_SECONDS)
