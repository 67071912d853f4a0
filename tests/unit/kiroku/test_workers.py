"""What worker processes share: places, marks, and the line to live events."""

import os
import socket
import time
from collections.abc import Callable

import pytest

from kiroku.settings import Settings, worker_count
from kiroku.workers import HouseMarks, Line, Places
from tests.support.waiting import wait_for


def in_a_fork(work: Callable[[], object]) -> int:
    """Run `work` in a child process and return its pid; the child ends with it."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    return pid


class Heard:
    """Collects what comes over the line."""

    def __init__(self) -> None:
        self.connections: list[tuple[int, bytes]] = []
        self.woken: list[str] = []

    def adopt(self, fd: int, head: bytes) -> None:
        self.connections.append((fd, head))


def test_a_place_is_free_again_when_its_process_dies() -> None:
    places = Places(2)
    ready, said = os.pipe()

    def hold() -> None:
        os.write(said, bytes([places.take()]))
        time.sleep(60)

    child = in_a_fork(hold)
    assert os.read(ready, 1) == b"\0"
    assert places.take() == 1

    def look() -> None:
        try:
            places.take(0)
        except TimeoutError:
            os.write(said, b"x")

    os.waitpid(in_a_fork(look), 0)
    assert os.read(ready, 1) == b"x"
    os.kill(child, 9)
    os.waitpid(child, 0)
    assert places.take() == 0


def test_a_mark_of_one_process_is_seen_by_all_and_doubt_changes_every_mark() -> None:
    marks = HouseMarks({"auth": ["person"], "tasks": ["task"]})
    seen: dict[str, int] = {}
    assert marks.moved(seen) == ["auth", "tasks"]
    os.waitpid(in_a_fork(lambda: marks.of("tasks").note()), 0)
    assert marks.moved(seen) == ["tasks"]
    assert marks.moved(seen) == []
    marks.doubt()
    assert marks.moved(seen) == ["auth", "tasks"]


def test_connections_and_wake_ups_of_other_processes_reach_live_events_even_if_nobody_listened_yet() -> None:
    marks = HouseMarks({"auth": ["person"], "tasks": ["task"]})
    line, heard = Line(marks), Heard()
    line.hear(heard.woken.append)
    client, server = socket.socketpair()
    body = b"x" * 500_000

    def elsewhere() -> None:
        line.adopt(os.dup(server.fileno()), b"POST /socket.io/ HTTP/1.1\r\n\r\n" + body)
        marks.of("tasks").note()
        line.wake()

    os.waitpid(in_a_fork(elsewhere), 0)
    line.listen(heard)
    wait_for(lambda: "tasks" in heard.woken)
    [(fd, head)] = heard.connections
    assert head.endswith(body)
    os.write(fd, b"hello")
    assert client.recv(5) == b"hello"
    os.close(fd)
    client.close()
    server.close()


def test_a_flood_of_wake_ups_neither_waits_nor_fails() -> None:
    line = Line(HouseMarks({"auth": []}))
    for _ in range(5_000):
        line.wake()


@pytest.mark.parametrize(
    ("settings", "count"),
    [(Settings(workers=3), 3), (Settings(workers=3, dev=True), 1), (Settings(workers=40), 40)],
)
def test_there_are_as_many_workers_as_told_and_one_for_development(settings: Settings, count: int) -> None:
    assert worker_count(settings) == count


def test_untold_there_is_a_worker_for_each_processor_up_to_four() -> None:
    assert 1 <= worker_count(Settings()) <= 4
