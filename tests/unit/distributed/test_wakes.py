"""What a wake-up says of the commits that it tells of."""

from types import SimpleNamespace
from typing import Any

import pytest

from chassis.moves import Move
from chassis.news import News, Seen
from kiroku.distributed.broker import SERVICES_WAKES, WAKES, Broker
from kiroku.distributed.wakes import LONGEST_NEWS, Told, Wakes, moves_of, news_of_message


class Line:
    """A connection that keeps the last message."""

    def send(self, *_: Any, application_headers: dict[str, str]) -> None:
        self.sent = SimpleNamespace(properties={"application_headers": application_headers})


def told(position: int, size: int = 1) -> Told:
    seen = Seen("task", "update", ("priority",), [["task:update", {"text": "x" * size}]], None)
    return Told(Move(position - 1, position, ("task",)), News(position - 1, position, [seen]))


def sent(exchange: str, *commits: Told) -> Any:
    """Return the wake-up that is sent for commits of tasks."""
    wakes, line = Wakes(Broker("amqp://nowhere"), WAKES), Line()
    wakes._line = line  # type: ignore[assignment]
    wakes._send(exchange, {"tasks": list(commits)})
    return line.sent


def test_gateways_are_told_the_news_of_all_commits() -> None:
    message = sent(WAKES, told(5), told(6))
    assert moves_of(message) == [told(5).move, told(6).move]
    assert news_of_message(message) == [told(5).news, told(6).news]


def test_services_are_told_none() -> None:
    message = sent(SERVICES_WAKES, told(5))
    assert moves_of(message) == [told(5).move]
    assert news_of_message(message) == []


@pytest.mark.parametrize("other", [Told(told(6).move), told(6, LONGEST_NEWS)], ids=["a large commit", "long news"])
def test_who_would_be_told_of_a_part_alone_is_told_nothing(other: Told) -> None:
    message = sent(WAKES, told(5), other)
    assert moves_of(message) == [told(5).move, other.move]
    assert news_of_message(message) == []
