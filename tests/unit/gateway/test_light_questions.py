"""What one thread asks for many connections: light answers, and only where it can do something else meanwhile."""

from collections.abc import Callable
from functools import partial

import pytest

from chassis.at_once import NotAtOnce, at_once, take_light
from chassis.messages import Reply, Request
from chassis.operations import Operation, command, query
from chassis.policy import anyone
from chassis.unit import Unit
from chassis.weights import QUICK_SECONDS, STRIKES
from gateway import kept
from gateway.kept import KeptAnswers, Moves
from tests.support.pausing import Pausing

SHORT, FILE = Reply(body=b"short"), Reply(file="a/key")


@query(allow=anyone)
def read(unit: Unit) -> None:
    """Read something."""


@command(allow=anyone)
def write(unit: Unit) -> None:
    """Write something."""


class Bus:
    """Answers all questions alike, and counts them."""

    def __init__(self, reply: Reply) -> None:
        self.reply, self.asked = reply, 0

    def call(self, request: Request) -> Reply:
        """Answer."""
        self.asked += 1
        return self.reply

    def begin(self, request: Request) -> Callable[[], Reply]:
        """Answer when it is waited for."""
        return partial(self.call, request)


def gateway(bus: Bus) -> KeptAnswers:
    operations: list[Operation] = [read.operation, write.operation]  # type: ignore[attr-defined]
    return KeptAnswers(bus, {f"house.{each.name}": each for each in operations}, Moves({}))


def test_only_reads_that_are_known_to_be_light_are_asked_by_a_thread_that_serves_many() -> None:
    bus = Bus(SHORT)
    door = gateway(bus)
    with at_once(Pausing()), pytest.raises(NotAtOnce):
        door.call(Request("house.read"))
    assert bus.asked == 0
    take_light()
    door.call(Request("house.read"))
    assert take_light()
    with at_once(Pausing()):
        assert door.call(Request("house.read")).body == b"short"
    with at_once(), pytest.raises(NotAtOnce):
        door.call(Request("house.read"))
    door.call(Request("house.write"))
    with at_once(Pausing()), pytest.raises(NotAtOnce):
        door.call(Request("house.write"))


def test_what_its_service_works_on_for_long_is_left_to_threads_but_not_what_many_ask_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bus = Bus(Reply(body=b"short"))
    door, now = gateway(bus), [1000.0]
    monkeypatch.setattr(kept, "monotonic", lambda: now[0])

    def call(request: Request) -> Reply:
        now[0] += 10.0  # others had their turns
        return bus.reply

    monkeypatch.setattr(bus, "call", call)
    door.call(Request("house.read"))
    for _ in range(2):
        with at_once(Pausing()):
            door.call(Request("house.read"))
    bus.reply = Reply(body=b"short", seconds=2 * QUICK_SECONDS)
    for _ in range(STRIKES):
        with at_once(Pausing()):
            door.call(Request("house.read"))
    with at_once(Pausing()), pytest.raises(NotAtOnce):
        door.call(Request("house.read"))


def test_what_is_begun_is_weighed_as_what_is_called() -> None:
    bus = Bus(SHORT)
    door = gateway(bus)
    with at_once(Pausing()), pytest.raises(NotAtOnce):
        door.begin(Request("house.read"))
    wait = door.begin(Request("house.read"))
    assert bus.asked == 0
    assert wait().body == b"short"
    with at_once(Pausing()):
        assert door.begin(Request("house.read"))().body == b"short"


def test_who_asks_for_files_stays_with_a_thread() -> None:
    door = gateway(Bus(FILE))
    take_light()
    door.call(Request("house.read"))
    assert not take_light()
