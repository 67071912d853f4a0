"""A service in nameko's container, for tests: its class is whatever answers calls."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kiroku.distributed.broker import Broker
from kiroku.distributed.entrypoint import hosted


@contextmanager
def serving(name: str, service: Any, broker: Broker) -> Iterator[None]:
    """Let `service` answer the calls to `name` by four threads, and by the one that reads."""
    from nameko.containers import ServiceContainer  # after the module that hushes it

    container = ServiceContainer(hosted(name, 4), {"service": service, "broker": broker})
    container.start()
    yield
    container.stop()
