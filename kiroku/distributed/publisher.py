"""Publishing with the broker's word for it: a batch is sent at once, then its confirmations are awaited."""

import time
from types import TracebackType
from typing import Any, Self

from amqp import Message

from kiroku.distributed.broker import EVENTS, Broker, declare_events

CONFIRM_SECONDS = 30.0


class NotConfirmed(ConnectionError):
    """The broker refused messages or did not answer for them in time; they may or may not have been published."""


class Publisher:
    """A channel in confirm mode on a connection of its own, for one thread."""

    def __init__(self, broker: Broker) -> None:
        """Publish to the exchange of events of `broker`, which is declared."""
        self._connection: Any = broker.connect(connect_timeout=5)
        self._waiting: set[int] = set()
        self._refused = False
        self._sent = 0

    def __enter__(self) -> Self:
        """Connect."""
        self._connection.connect()
        self._channel: Any = self._connection.connection.channel()
        declare_events(self._channel)
        self._channel.confirm_select()
        self._channel.events["basic_ack"].add(self._acked)
        self._channel.events["basic_nack"].add(self._nacked)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""
        self._connection.release()

    def publish(self, messages: list[tuple[str, bytes]], **properties: Any) -> None:
        """Send (routing key, body) in order and return once the broker has taken charge of all. Raises NotConfirmed."""
        for key, body in messages:
            self._sent += 1
            self._waiting.add(self._sent)
            message = Message(body, delivery_mode=2, **properties)
            self._channel.basic_publish(message, exchange=EVENTS, routing_key=key)
        deadline = time.monotonic() + CONFIRM_SECONDS
        while self._waiting and not self._refused:
            left = deadline - time.monotonic()
            if left <= 0:
                raise NotConfirmed(f"{len(self._waiting)} messages were not confirmed in {CONFIRM_SECONDS:.0f} s")
            self._connection.connection.drain_events(timeout=left)
        if self._refused:
            raise NotConfirmed("the broker refused messages")

    def _acked(self, tag: int, multiple: bool) -> None:
        if multiple:
            self._waiting = {number for number in self._waiting if number > tag}
        else:
            self._waiting.discard(tag)

    def _nacked(self, tag: int, multiple: bool) -> None:
        self._refused = True
