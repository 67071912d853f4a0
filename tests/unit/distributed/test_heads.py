"""Heads of logs: a gateway looks where they are before it knows them, and while somebody wants old answers."""

import threading
from collections import Counter

import pytest

from chassis.answers import Answer
from chassis.errors import Unavailable
from chassis.messages import Reply
from gateway.kept import Moves
from kiroku.distributed import heads as module
from kiroku.distributed.heads import Heads
from tests.support.waiting import wait_for


class Services:
    """Two services that say where their logs are; one may not answer."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.away = threading.Event()
        self.back = threading.Event()

    def state(self, service: str) -> tuple[int, int]:
        self.asked[service] += 1
        if service == "tasks" and self.away.is_set():
            self.back.wait(10)
            raise Unavailable("away")
        return 10, 0


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Services:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(module, "PAUSE", 0.02)
    return Services()


def test_a_service_that_is_away_keeps_nobody_from_knowing_the_others(services: Services) -> None:
    moves = Moves({"tasks": frozenset(), "auth": frozenset()})
    services.away.set()
    Heads(moves, services.state).begin()
    wait_for(lambda: moves.knows("auth"), 5)
    assert not moves.knows("tasks")
    services.away.clear()
    services.back.set()
    wait_for(lambda: moves.knows("tasks"), 5)


def test_nobody_is_asked_again_until_an_old_answer_is_wanted(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.kept.SURE_SECONDS", -1.0)
    moves = Moves({"auth": frozenset()})
    Heads(moves, services.state).begin()
    wait_for(lambda: moves.knows("auth"), 5)
    # The thread comes by ten times in this time.
    threading.Event().wait(0.2)
    assert services.asked["auth"] == 1
    old = Answer(float("-inf"), ((), (("auth", 10),), moves.generation), Reply())
    assert not moves.same("auth", old, {})
    wait_for(lambda: services.asked["auth"] > 2, 5)
