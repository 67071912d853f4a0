"""The broker and everything that stands in it: exchanges and queues as values, and how to connect.

RabbitMQ 3.10 to 4.x: every named queue is durable, a queue that is not is exclusive to its connection, prefetch is per
consumer, and no message is larger than what 4.x takes by default.
"""

import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from kombu.connection import Connection

CLASSIC, QUORUM = "classic", "quorum"
EVENTS, DEAD = "kiroku.events", "kiroku.dead"
WAKES, SERVICES_WAKES = "kiroku.wakes", "kiroku.wakes.services"
# RabbitMQ 4 closes the channel of whoever publishes more than 16 MiB; what frames and properties take is left over.
LARGEST = 15 * 1024 * 1024
PIECE = 8 * 1024 * 1024
# A call that ended this many processes is not given to a further one.
DELIVERIES = 3
DEAD_MESSAGES, DEAD_SECONDS = 100_000, 14 * 86_400


@dataclass(frozen=True)
class Broker:
    """Where RabbitMQ is and how its queues are kept."""

    url: str
    ca: str = ""
    queues: str = CLASSIC

    def connect(self, **options: Any) -> Any:
        """Return a connection that is not opened yet; amqps:// checks certificate and host name against `ca`."""
        parts = urlsplit(self.url)
        if parts.scheme == "amqps":
            options["ssl"] = {
                "ca_certs": self.ca or None,
                "cert_reqs": ssl.CERT_REQUIRED,
                "server_hostname": parts.hostname,
                "ssl_version": ssl.PROTOCOL_TLS_CLIENT,
            }
        return Connection(self.url, **options)

    def queue_of(self, service: str, *, inner: bool) -> str:
        """Return the name of a service's queue; `inner` is for calls by other services, so that these never wait for
        what waits for them. The type of a queue cannot change, so quorum queues have names of their own."""
        ends = (".inner" if inner else "", f".{QUORUM}" if self.queues == QUORUM else "")
        return f"kiroku.rpc.{service}{''.join(ends)}"

    def declare_calls(self, channel: Any, queue: str) -> None:
        """Declare a queue of calls. No dead letters: calls carry passwords, and their callers have been told."""
        arguments: dict[str, Any] = {"x-queue-type": self.queues}
        if self.queues == QUORUM:
            arguments["x-delivery-limit"] = DELIVERIES
        channel.queue_declare(queue, durable=True, auto_delete=False, arguments=arguments)


def declare_events(channel: Any) -> None:
    """Declare the exchange of events, and where subscribers' queues may send what they refuse."""
    channel.exchange_declare(EVENTS, "topic", durable=True, auto_delete=False)
    channel.exchange_declare(DEAD, "topic", durable=True, auto_delete=False)
    arguments = {
        "x-queue-type": QUORUM,
        "x-max-length": DEAD_MESSAGES,
        "x-overflow": "drop-head",
        "x-message-ttl": DEAD_SECONDS * 1000,
    }
    channel.queue_declare(DEAD, durable=True, auto_delete=False, arguments=arguments)
    channel.queue_bind(DEAD, DEAD, "#")


def declare_wakes(channel: Any, exchange: str) -> str:
    """Declare the exchanges of wake-ups and a queue for those of `exchange`; return its name.

    The queue lives as long as this connection.
    """
    for each in (WAKES, SERVICES_WAKES):
        channel.exchange_declare(each, "fanout", durable=True, auto_delete=False)
    name: str = channel.queue_declare("", exclusive=True, auto_delete=True).queue
    channel.queue_bind(name, exchange)
    return name
