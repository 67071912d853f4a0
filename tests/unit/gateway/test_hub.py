"""What the hub reads of the logs, and whom it tells."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import orjson

from chassis.changes import Change
from chassis.events import Event
from chassis.messages import Actor, Reply, Request
from chassis.news import MANY_EVENTS, News, news_of
from gateway.live.hub import Hub, Wake

PERSON, TASK = (f"0000000{n}-0000-4000-8000-000000000000" for n in (2, 3))


MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
HELLO = {"HTTP_AUTHORIZATION": "Bearer abc"}


class Studio:
    """A hub between one log, that of `tasks`, and administrators who connect."""

    def __init__(self) -> None:
        self.names = ["auth", "tasks"]
        self.asked: Counter[str] = Counter()
        self.told: list[tuple[str, int]] = []
        self.arriving: Callable[[], None] = lambda: None
        self._log: list[Event] = []
        identities = SimpleNamespace(actor_for=self._actor, drop=lambda: None)
        self.role = "admin"
        self.reach: list[dict[str, int]] = []
        self.hub = Hub(SimpleNamespace(call=self._call), identities, self)  # type: ignore[arg-type]
        self.hub.server.emit = self._emit

    def _actor(self, token: str, kind: str) -> Actor:
        self.arriving()
        return Actor(person_id=PERSON, role=self.role)

    def _call(self, request: Request) -> Reply:
        self.reach.append(request.needs)
        return Reply(body=orjson.dumps({"projects": [], "entities": []}))

    async def _emit(self, name: str, payload: Any, *, to: str, **_: Any) -> None:
        self.told.append((to, payload["number"]))

    def head(self, service: str) -> int:
        self.asked[service] += 1
        return len(self._log) if service == "tasks" else 0

    def read(self, service: str, after: int, limit: int) -> tuple[list[Event], int]:
        self.asked[service] += 1
        return (self._log[after:], len(self._log)) if service == "tasks" else ([], 0)

    def subscribe(self, wake: Wake) -> None:
        self._wake = wake

    def append(self, **new: Any) -> News:
        """Append an event that changes the fields `new`; return what is told of it."""
        number = len(self._log)
        live = [["task:update", {"number": number}]]
        event = Event("tasks.task-updated", "task", TASK, 1, "update", new, {}, MOMENT, live=live)
        self._log.append(event)
        found = news_of(number + 1, [Change(event, SimpleNamespace())])  # type: ignore[arg-type]
        assert found is not None
        return found

    async def wake(self, *news: News) -> None:
        """Wake the hub and let it work."""
        self._wake("tasks", news)
        await asyncio.sleep(0.05)

    async def write(self) -> None:
        """Append an event, wake the hub and let it work."""
        self.append()
        await self.wake()

    async def during(self, story: Callable[["Studio"], Any]) -> "Studio":
        """Tell a story while the hub runs."""
        running = asyncio.create_task(self.hub.run())
        await asyncio.sleep(0.05)
        await story(self)
        running.cancel()
        return self


def test_no_log_but_that_of_people_is_read_while_nobody_listens() -> None:
    async def story(studio: Studio) -> None:
        await studio.write()
        await studio.hub._connect("maya", HELLO)
        await studio.write()
        await studio.hub._disconnect("maya")
        studio.asked.clear()
        await studio.write()
        await studio.write()

    studio = asyncio.run(Studio().during(story))
    assert studio.told == [("maya", 1)]
    assert not studio.asked["tasks"]


def test_who_comes_hears_what_happens_from_then_on() -> None:
    async def story(studio: Studio) -> None:
        await studio.write()
        await studio.hub._connect("maya", HELLO)
        await studio.write()
        await studio.hub._disconnect("maya")
        await studio.write()
        await studio.hub._connect("ivy", HELLO)
        await studio.write()

    assert asyncio.run(Studio().during(story)).told == [("maya", 1), ("ivy", 3)]


def test_who_is_let_in_while_others_write_misses_nothing_afterwards() -> None:
    async def story(studio: Studio) -> None:
        loop = asyncio.get_running_loop()
        studio.arriving = lambda: asyncio.run_coroutine_threadsafe(studio.write(), loop).result(5)
        await studio.hub._connect("maya", HELLO)
        studio.arriving = lambda: None
        await studio.write()

    assert asyncio.run(Studio().during(story)).told == [("maya", 1)]


def test_what_is_told_with_a_wake_up_is_not_read() -> None:
    async def story(studio: Studio) -> None:
        await studio.hub._connect("maya", HELLO)
        await studio.write()
        studio.asked.clear()
        await studio.wake(studio.append())
        one, other = studio.append(), studio.append()
        await studio.wake(other, one)
        assert not studio.asked["tasks"]

    assert asyncio.run(Studio().during(story)).told == [("maya", number) for number in range(4)]


def test_news_that_come_in_another_order_or_not_at_all_are_heard_once_and_in_order() -> None:
    async def story(studio: Studio) -> None:
        await studio.hub._connect("maya", HELLO)
        first, second, _lost, fourth = (studio.append() for _ in range(4))
        await studio.wake(second)
        await studio.wake(first)
        await studio.wake(fourth)
        asked = studio.asked["tasks"]
        await studio.wake(studio.append())
        assert studio.asked["tasks"] == asked

    studio = asyncio.run(Studio().during(story))
    assert studio.told == [("maya", number) for number in range(5)]
    assert not studio.hub._news["tasks"]


def test_whom_an_assignment_concerns_is_asked_of_who_knows_of_it() -> None:
    async def story(studio: Studio) -> None:
        studio.role = "vendor"
        await studio.hub._connect("maya", HELLO)
        await studio.wake(studio.append(priority=1))
        await studio.wake(studio.append(assignees=[PERSON]))

    assert asyncio.run(Studio().during(story)).reach == [{}, {"tasks": 2}]


def test_a_large_commit_is_read() -> None:
    assert news_of(100, [SimpleNamespace()] * (MANY_EVENTS + 1)) is None  # type: ignore[list-item]


def test_who_hangs_up_while_being_let_in_is_not_kept() -> None:
    async def story(studio: Studio) -> None:
        loop = asyncio.get_running_loop()
        studio.arriving = lambda: asyncio.run_coroutine_threadsafe(studio.hub._disconnect("maya"), loop).result(5)
        await studio.hub._connect("maya", HELLO)
        await studio.write()

    assert asyncio.run(Studio().during(story)).told == []
