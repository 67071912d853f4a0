"""The relay over a real RabbitMQ: every event of the log at the exchange, in order, whatever dies."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import orjson
import pytest
from kombu.connection import Connection

from chassis.service import Service
from kiroku.distributed.broker import EVENTS, Broker, declare_events
from kiroku.distributed.line import LOST
from kiroku.distributed.publisher import NotConfirmed, Publisher
from kiroku.distributed.relay import MOVE, Relay
from tests.support.broker import broker_url, own_broker
from tests.support.kernel import call, library

pytestmark = pytest.mark.distributed
QUEUE = "test.subscriber"


@contextmanager
def relaying(service: Service, url: str) -> Iterator[Relay]:
    relay = Relay(service, Broker(url))
    service.on_commit.append(relay.wake)
    relay.start()
    try:
        yield relay
    finally:
        relay.stop()
        service.on_commit.remove(relay.wake)


def subscribe(url: str, key: str = "#") -> None:
    with Connection(url) as connection:
        channel: Any = connection.channel()
        declare_events(channel)
        channel.queue_declare(QUEUE, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
        # A broker that somebody else runs may still hold what the test before this one has left.
        channel.queue_purge(QUEUE)
        channel.queue_bind(QUEUE, EVENTS, key)


def received(url: str, enough: Callable[[list[dict[str, Any]]], bool], seconds: float = 30) -> list[dict[str, Any]]:
    """Take messages until they are enough; a broker that has just started may not know its queue yet."""
    found: list[dict[str, Any]] = []
    deadline = time.monotonic() + seconds
    while not enough(found) and time.monotonic() < deadline:
        with suppress(*LOST), Connection(url) as connection:
            channel: Any = connection.channel()
            while not enough(found) and time.monotonic() < deadline:
                if (message := channel.basic_get(QUEUE, no_ack=True)) is None:
                    time.sleep(0.02)
                    continue
                assert message.properties["delivery_mode"] == 2
                assert message.properties["content_type"] == "application/cloudevents+json"
                assert message.delivery_info["routing_key"].startswith("library.book.book-")
                found.append(orjson.loads(message.body))
    return found


def write(service: Service, count: int) -> None:
    for number in range(count):
        call(service, "create_book", {"name": f"Volume {number}", "data": {"number": number}})


def test_every_event_reaches_a_durable_queue_in_the_order_of_the_log() -> None:
    with library() as service, broker_url() as url:
        write(service, 30)  # before anybody relays
        subscribe(url)
        with relaying(service, url):
            write(service, 30)
            found = received(url, lambda events: len(events) == 60)
    assert [event["position"] for event in found] == list(range(1, 61))
    assert found[0]["type"] == "library.book-created.v1"
    assert "secret_note" not in found[0]["data"]["new"]


def test_of_two_processes_one_relays_and_the_other_takes_over() -> None:
    with library() as service, broker_url() as url:
        subscribe(url)
        with relaying(service, url):
            write(service, 1)
            assert len(received(url, lambda events: len(events) == 1)) == 1
            with relaying(service, url):
                write(service, 20)
                found = received(url, lambda events: len(events) == 20)
                assert [event["position"] for event in found] == list(range(2, 22))
                assert received(url, bool, seconds=1) == []
        with relaying(service, url):
            write(service, 1)
            assert [e["position"] for e in received(url, lambda events: len(events) == 1)] == [22]


def test_events_of_a_time_without_broker_are_published_when_it_is_back() -> None:
    with library() as service, own_broker() as broker:
        subscribe(broker.url)
        with relaying(service, broker.url):
            write(service, 10)
            first = received(broker.url, lambda events: len(events) == 10)
            time.sleep(2)  # RabbitMQ 3.10 loses a quorum queue when it is killed within a second of its creation
            writing = threading.Thread(target=write, args=(service, 200))
            writing.start()
            broker.kill()
            writing.join()
            broker.restart()
            found = first + received(broker.url, lambda events: bool(events) and events[-1]["position"] == 210, 60)
    positions = [event["position"] for event in found]
    assert sorted(set(positions)) == list(range(1, 211))
    firsts = list(dict.fromkeys(positions))
    assert firsts == sorted(firsts)


def test_what_the_broker_does_not_confirm_is_not_taken_for_published() -> None:
    with broker_url() as url, Publisher(Broker(url)) as publisher:
        publisher.publish([("library.book.book-created", b"{}")])
        publisher._nacked(1, False)
        with pytest.raises(NotConfirmed):
            publisher.publish([("library.book.book-created", b"{}")])


def test_a_batch_is_confirmed_as_a_whole() -> None:
    with broker_url() as url:
        subscribe(url)
        with Publisher(Broker(url)) as publisher:
            publisher.publish([("library.book.book-created", b"%d" % number) for number in range(2_000)])
        with Connection(url) as connection:
            channel: Any = connection.channel()
            assert channel.queue_declare(QUEUE, passive=True).message_count == 2_000


def test_only_the_commit_of_the_relays_own_position_waits_for_no_disk() -> None:
    with library(commit="on") as service, service.database.connection() as connection, connection.cursor() as cursor:
        cursor.execute(MOVE, (7,))
        assert connection.notices == []  # PostgreSQL warns of a SET LOCAL that has no effect
        cursor.execute("SELECT position, current_setting('synchronous_commit') FROM log.relay")
        assert cursor.fetchone() == (7, "on")
