"""A connection to RabbitMQ that comes back: one channel, one reading thread, writers in any thread."""

import contextlib
import logging
import select
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from amqp import AMQPError, Message, spec
from amqp.method_framing import frame_writer

from kiroku.distributed.broker import Broker
from kiroku.distributed.frames import Frames, Outlet

logger = logging.getLogger(__name__)
HEARTBEAT = 60
SLOWEST = 2.0
LOST = (OSError, AMQPError, AttributeError, ValueError)


class LineDown(ConnectionError):
    """There is no connection to the broker at this moment."""


class Line:
    """One channel on one connection, opened again whenever it breaks."""

    def __init__(
        self, broker: Broker, name: str, *, opened: Callable[[Any], None], lost: Callable[[], None] = lambda: None
    ) -> None:
        """Connect to `broker`; `opened` prepares each new channel, `lost` hears of its end."""
        self._broker, self._name = broker, name
        self._opened, self._lost = opened, lost
        self._channel: Any = None
        self._connection: Any = None
        self._outlet: Outlet | None = None
        self._lock = threading.RLock()
        self._up = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=f"amqp-{name}", daemon=True)
        self._pulse = threading.Thread(target=self._beat, name=f"amqp-{name}-heartbeat", daemon=True)

    def start(self, seconds: float = 0.0) -> bool:
        """Open the connection; wait for it up to `seconds` and tell whether it is there."""
        self._thread.start()
        self._pulse.start()
        return self._up.wait(seconds)

    @property
    def up(self) -> bool:
        """Tell whether there is a connection at this moment."""
        return self._up.is_set()

    def close(self) -> None:
        """Close for good."""
        self._closing = True
        self._drop()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(5)

    def send(
        self, channel: Any, exchange: str, key: str, body: bytes, *, mandatory: bool = False, **properties: Any
    ) -> None:
        """Publish on `channel`, the present one when None. Raises LineDown.

        Method frames are sent as they are: py-amqp's own publish drains events of a connection that another thread
        is reading.
        """
        target = channel or self._channel
        if target is None:
            raise LineDown(f"no connection to the broker ({self._name})")
        message = Message(body, **properties)
        try:
            with self._lock:
                target.send_method(spec.Basic.Publish, "Bssbb", (0, exchange, key, mandatory, False), message)
        except LOST as problem:
            if target is self._channel:
                self._drop()
            raise LineDown(str(problem)) from None

    @contextlib.contextmanager
    def in_one_piece(self) -> Iterator[None]:
        """Let what is sent in a `with` block go out at its end, by one call of the system. Raises LineDown."""
        with self._lock:
            outlet = self._outlet
            try:
                with outlet or contextlib.nullcontext():
                    yield
            except LineDown:
                raise
            except LOST as problem:
                if outlet is self._outlet:
                    self._drop()
                raise LineDown(str(problem)) from None

    def ack(self, channel: Any, tag: int) -> None:
        """Acknowledge a delivery; when its connection is gone, the broker will deliver it again."""
        with contextlib.suppress(*LOST), self._lock:
            channel.send_method(spec.Basic.Ack, "Lb", (tag, False))

    def cancel(self, tag: str) -> None:
        """Take no more deliveries."""
        with contextlib.suppress(*LOST), self._lock:
            self._channel.send_method(spec.Basic.Cancel, "sb", (tag, True))

    def _run(self) -> None:
        pause = 0.05
        while not self._closing:
            try:
                self._open()
                pause = 0.05
                connection, frames = self._connection, Frames()
                while not self._closing:
                    self._read(connection, frames)
            except LOST as problem:
                if not self._closing:
                    logger.warning("%s: broker connection lost: %s", self._name, problem)
            finally:
                self._drop()
                self._lost()
            if not self._closing:
                time.sleep(pause)
                pause = min(pause * 2, SLOWEST)

    def _read(self, connection: Any, frames: Frames) -> None:
        """Take what comes. A TLS session takes one thread at a time, so there the reader waits outside of it."""
        held = connection.transport.sock
        if isinstance(held, ssl.SSLSocket):
            if not held.pending() and not select.select([held], [], [], 1.0)[0]:
                return
            with self._lock:
                data = held.recv(frames.wanted)
        else:
            data = held.recv(frames.wanted)
        if not data:
            raise ConnectionResetError("the broker has closed the connection")
        for frame in frames.take(data):
            connection.on_inbound_frame(frame)

    def _open(self) -> None:
        connection: Any = self._broker.connect(heartbeat=HEARTBEAT, connect_timeout=5)
        connection.connect()
        self._connection = connection.connection
        self._outlet = Outlet(self._connection.transport)
        self._connection.frame_writer = frame_writer(self._connection, self._outlet)
        channel = self._connection.channel()
        self._opened(channel)
        self._channel = channel
        self._up.set()

    def _drop(self) -> None:
        """Close the socket; the reading thread then opens a new connection."""
        self._channel = self._outlet = None
        self._up.clear()
        connection, self._connection = self._connection, None
        transport = getattr(connection, "transport", None)
        held = getattr(transport, "sock", None)
        if held is not None:
            import socket

            with contextlib.suppress(*LOST):
                held.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(*LOST):
                held.close()

    def _beat(self) -> None:
        while not self._closing:
            time.sleep(HEARTBEAT / 4)
            connection = self._connection
            if connection is None:
                continue
            try:
                with self._lock:
                    connection.heartbeat_tick()
            except LOST:
                self._drop()
