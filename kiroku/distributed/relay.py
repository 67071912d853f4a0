"""The relay: publishes each event of a service once or more, in order, for whoever subscribes at the broker.

The log is the outbox: the relay keeps its position in the same database and moves it after the broker has confirmed.
One process of a service relays at a time; when it dies, the lock goes to another.
"""

import logging
import threading
from typing import Any

import orjson

from chassis.events import Event
from chassis.service import Service
from kiroku.distributed.broker import EVENTS, Broker, declare_events

logger = logging.getLogger(__name__)
BATCH = 200
IDLE = 0.5
LOCK = "kiroku relay"


def routing_key(service: str, event: Event) -> str:
    """Return `<service>.<kind>.<what>` of an event: `tasks.task.task-commented`. Pure."""
    return f"{service}.{event.kind.replace('_', '-')}.{event.name.partition('.')[2]}"


def cloud_event(service: str, event: Event) -> dict[str, Any]:
    """Return an event in CloudEvents 1.0 JSON. Pure."""
    return {
        "specversion": "1.0",
        "id": f"{service}-{event.position}",
        "source": f"/kiroku/{service}",
        "type": f"{event.name}.v{event.schema}",
        "subject": event.stream,
        "time": event.recorded_at.isoformat(),
        "datacontenttype": "application/json",
        "kirokuposition": event.position,
        **({"kirokuproject": event.project_id} if event.project_id else {}),
        "data": {
            "kind": event.kind,
            "id": event.id,
            "version": event.version,
            "op": event.op,
            "new": event.new,
            "old": event.old,
            "actor_id": event.actor_id,
            "on_behalf_of": event.on_behalf_of,
            "request_id": event.request_id,
        },
    }


class Relay:
    """Publishes the log of one service to the topic exchange."""

    def __init__(self, service: Service, broker: Broker) -> None:
        """Relay the log of `service` to `broker`."""
        self._service, self._broker = service, broker
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)

    def start(self) -> None:
        """Relay from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the batch under way."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def wake(self, *_: Any) -> None:
        """Look for new events at once."""
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._relay()
            except Exception as problem:
                # Nothing is lost: the position only moves after the broker's confirmation.
                logger.warning("%s: relay interrupted: %s", self._service.name, problem)
                self._pause(1.0)

    def _pause(self, seconds: float) -> None:
        self._wake.wait(seconds)
        self._wake.clear()

    def _relay(self) -> None:
        with (
            self._service.database.connection() as lock,
            lock.cursor() as cursor,
            self._broker.connect(transport_options={"confirm_publish": True}) as broker,
        ):
            channel = broker.channel()
            declare_events(channel)
            cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 1))", (LOCK,))
            if not cursor.fetchone()[0]:
                self._pause(2.0)
                return
            try:
                while not self._stopping:
                    if not self._batch(cursor, broker):
                        self._pause(IDLE)
            finally:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 1))", (LOCK,))

    def _batch(self, cursor: Any, broker: Any) -> int:
        cursor.execute("SELECT position FROM log.relay")
        after = cursor.fetchone()[0]
        events, reached = self._service.feed(after, BATCH)
        if events:
            with broker.Producer() as producer:
                for event in events:
                    producer.publish(
                        orjson.dumps(cloud_event(self._service.name, event)),
                        exchange=EVENTS,
                        routing_key=routing_key(self._service.name, event),
                        content_type="application/cloudevents+json",
                        content_encoding="utf-8",
                        delivery_mode=2,
                    )
        if reached > after:
            cursor.execute("UPDATE log.relay SET position = %s", (reached,))
        return len(events)
