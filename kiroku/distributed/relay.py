"""The relay: publishes each event of a service once or more, in order, for whoever subscribes at the broker.

The log is the outbox: the relay keeps its position in the same database and moves it after the broker has confirmed.
One process of a service relays at a time; when it dies, the lock goes to another.
"""

import logging
import threading
from typing import Any

import orjson

from chassis.cloud import MEDIA_TYPE, cloud_event, routing_key
from chassis.events import Event
from chassis.service import Service
from chassis.telemetry import PUBLISHED
from kiroku.distributed.broker import Broker
from kiroku.distributed.publisher import Publisher

logger = logging.getLogger(__name__)
BATCH = 500
IDLE = 0.5
# What is written within this time (in seconds) is published as one batch; those of a busy service are so far apart.
GATHER, PACE = 0.01, 0.04
STANDBY = 2.0
LOCK = "SELECT pg_try_advisory_lock(hashtextextended('kiroku relay', 1))"
UNLOCK = "SELECT pg_advisory_unlock(hashtextextended('kiroku relay', 1))"
# One transaction, which waits for no disk: a position that is lost with the machine costs a second publication of its
# batch, which subscribers are ready for.
MOVE = "SET LOCAL synchronous_commit = off; UPDATE log.relay SET position = %s"


def message_of(service: str, event: Event) -> tuple[str, bytes]:
    """Return the routing key and the body of an event. Pure."""
    return routing_key(event.kind, event.name), orjson.dumps(cloud_event(service, event))


class Relay:
    """Publishes the log of one service to the topic exchange."""

    def __init__(self, service: Service, broker: Broker) -> None:
        """Relay the log of `service` to `broker`."""
        self._service, self._broker = service, broker
        self._news = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)

    def start(self) -> None:
        """Relay from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the batch under way."""
        self._stopped.set()
        self._news.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def wake(self, *_: Any) -> None:
        """Look for new events at once: an `on_commit` listener."""
        self._news.set()

    def heard(self, service: str) -> None:
        """Look for new events at once when they are of this service: another process may have written them."""
        if service == self._service.name:
            self._news.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._lead()
            except Exception as problem:
                # Nothing is lost: the position only moves after the broker's confirmation.
                logger.warning("%s: relay interrupted: %s", self._service.name, problem)
            self._stopped.wait(STANDBY)

    def _lead(self) -> None:
        """Relay until stopped, if no other process of this service does."""
        with self._service.database.connection() as lock, lock.cursor() as cursor:
            cursor.execute(LOCK)
            if not cursor.fetchone()[0]:
                return
            try:
                with Publisher(self._broker) as publisher:
                    while not self._stopped.is_set():
                        self._news.clear()
                        published = self._batch(cursor, publisher)
                        if not published:
                            self._news.wait(IDLE)
                        if published < BATCH:
                            self._stopped.wait(PACE if published else GATHER)
            finally:
                if not lock.closed:
                    cursor.execute(UNLOCK)

    def _batch(self, cursor: Any, publisher: Publisher) -> int:
        cursor.execute("SELECT position FROM log.relay")
        after = cursor.fetchone()[0]
        events, reached, _ = self._service.read_feed(cursor, after, BATCH)
        if events:
            messages = [message_of(self._service.name, event) for event in events]
            publisher.publish(messages, content_type=MEDIA_TYPE, content_encoding="utf-8")
            PUBLISHED.add(len(events), self._service.name)
        if reached > after:
            cursor.execute(MOVE, (reached,))
        return len(events)
