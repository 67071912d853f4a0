"""Wake-ups: after each commit every process hears which service moved. Losing one costs a second, never an event."""

import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any

from chassis.changes import Change
from kiroku.distributed.broker import WAKES, Broker, declare_wakes
from kiroku.distributed.line import Line, LineDown


class Wakes:
    """Tells and hears wake-ups over a fanout exchange."""

    def __init__(self, broker: Broker) -> None:
        """Connect to `broker`."""
        self._listeners: list[Callable[[str], None]] = []
        self._line = Line(broker, "wakes", opened=self._open)
        self._moved: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._tell, name="wakes", daemon=True)

    def start(self) -> None:
        """Connect and tell in the background."""
        self._line.start(5)
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._moved.put(None)
        self._line.close()

    def hear(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with the name of each service that has committed something."""
        self._listeners.append(listener)

    def committed(self, service: str, position: int, changes: list[Change]) -> None:
        """Note a commit of `service`: an `on_commit` listener, once bound to the name."""
        self._moved.put(service)

    def _open(self, channel: Any) -> None:
        channel.basic_consume(declare_wakes(channel), no_ack=True, callback=self._heard)

    def _heard(self, message: Any) -> None:
        body = message.body
        service = body.decode() if isinstance(body, bytes) else str(body)
        for listener in self._listeners:
            listener(service)

    def _tell(self) -> None:
        while (service := self._moved.get()) is not None:
            services = {service}
            with contextlib.suppress(queue.Empty):
                while (more := self._moved.get_nowait()) is not None:
                    services.add(more)
            for each in services:
                with contextlib.suppress(LineDown):
                    self._line.send(None, WAKES, "", each.encode())
