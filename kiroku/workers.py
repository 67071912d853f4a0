"""What the worker processes of one server share: a place for each, marks of what has changed, a line to live events.

Made before the fork, by nothing but what a fork leaves in common: memory, a file and a pair of sockets.
"""

import array
import fcntl
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import BinaryIO

from chassis.marks import Marks
from gateway.live.handover import Adopts

PLACE_SECONDS = 60.0
WAKE, HAND_OVER = b"w", b"h"
HAND_OVER_SECONDS = 10.0

Wake = Callable[[str], None]


class Places:
    """Numbers from 0 on, one for each living process that has taken one. A process that dies gives its place back."""

    def __init__(self, count: int) -> None:
        """Keep `count` places; every process must come from a fork of this one."""
        self._count = count
        self._file: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - open for as long as the processes live

    def take(self, seconds: float = PLACE_SECONDS) -> int:
        """Return the first free place. Raises TimeoutError when there is none for `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            for place in range(self._count):
                try:
                    fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
                except OSError:
                    continue
                return place
            if time.monotonic() > deadline:
                raise TimeoutError("all places are taken")
            time.sleep(0.05)


class HouseMarks:
    """The marks of all services, in memory that all processes see."""

    def __init__(self, kinds: Mapping[str, Iterable[str]]) -> None:
        """Begin with marks for the kinds of each service."""
        self._of = {service: Marks(names) for service, names in kinds.items()}

    def of(self, service: str) -> Marks:
        """Return the marks of a service."""
        return self._of[service]

    def doubt(self) -> None:
        """Mark that anything may have been committed: a process has died, perhaps between its commit and its mark."""
        for marks in self._of.values():
            marks.doubt()

    def moved(self, seen: dict[str, int]) -> list[str]:
        """Return the services whose marks are others than `seen`, which is brought up to date."""
        now = {name: marks.read() for name, marks in self._of.items()}
        changed = [name for name in now if now[name] != seen.get(name)]
        seen.update(now)
        return changed


class Line:
    """Leads from all processes to the one that has live events: wake-ups, and connections with their first request.

    What is said while nobody listens waits for the next one who does.
    """

    def __init__(self, marks: HouseMarks) -> None:
        """Prepare the line; `marks` say what a wake-up is about."""
        self._marks = marks
        self._near, self._far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._near.settimeout(HAND_OVER_SECONDS)
        self._bell = self._near.dup()
        self._bell.setblocking(False)
        self._wakes: list[Wake] = []

    def wake(self) -> None:
        """Say that a mark has changed; where many have said so already, once less does no harm."""
        try:
            self._bell.send(WAKE)
        except OSError:
            return

    def adopt(self, fd: int, head: bytes) -> None:
        """Send an open connection and its first request to the process that has live events."""
        with tempfile.TemporaryFile() as request:
            request.write(head)
            request.flush()
            try:
                rights = array.array("i", [fd, request.fileno()])
                self._near.sendmsg([HAND_OVER], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
            finally:
                os.close(fd)

    def hear(self, wake: Wake) -> None:
        """Call `wake` with the name of a service, in any thread, after each of its commits in any process."""
        self._wakes.append(wake)

    def listen(self, live: Adopts) -> None:
        """Be the process that has live events: give `live` the connections, and those who hear the wake-ups."""
        threading.Thread(target=self._listen, args=(live,), name="line", daemon=True).start()

    def _listen(self, live: Adopts) -> None:
        seen: dict[str, int] = {}
        while True:
            word, rights, _, _ = socket.recv_fds(self._far, 1, 2)
            if word == HAND_OVER and len(rights) == 2:
                with os.fdopen(rights[1], "rb") as request:
                    request.seek(0)
                    live.adopt(rights[0], request.read())
            for name in self._marks.moved(seen):
                for wake in list(self._wakes):
                    wake(name)
