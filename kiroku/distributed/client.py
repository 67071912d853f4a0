"""Calls to other services over the broker: direct replies, one connection per process."""

import itertools
from collections.abc import Callable
from functools import partial
from time import perf_counter, time_ns
from typing import Any

from chassis import tracing
from chassis.at_once import pausable, waits
from chassis.errors import DomainError, Unavailable
from chassis.messages import Reply, Request
from chassis.telemetry import RPC_FAILURES, RPC_SECONDS
from kiroku.distributed.broker import LARGEST, Broker
from kiroku.distributed.line import Line, LineDown
from kiroku.distributed.slots import Slot
from kiroku.distributed.together import Outgoing
from kiroku.distributed.wire import pack_request, unpack_reply

REPLY_TO = "amq.rabbitmq.reply-to"
TIMEOUT = 60.0
CONNECT_SECONDS = 10.0


class RequestTooLargeError(DomainError):
    """413: no broker takes a message of this size."""

    status = 413
    code = "body.too_large"


class RpcClient:
    """The bus of the distributed shape. Thread-safe; make it after a fork, never before."""

    def __init__(self, broker: Broker, *, timeout: float = TIMEOUT) -> None:
        """Call over `broker`; a call that takes longer than `timeout` seconds is given up."""
        self._timeout = timeout
        self._numbers = itertools.count(1)
        self._waiting: dict[str, Slot] = {}
        self._outgoing: dict[str, Outgoing] = {}
        self._broker = broker
        self._line = Line(broker, "rpc-client", opened=self._open, lost=self._fail_all)

    def start(self) -> None:
        """Connect, waiting a moment for a broker that is just starting."""
        self._line.start(CONNECT_SECONDS)

    @property
    def up(self) -> bool:
        """Tell whether the broker is connected at this moment."""
        return self._line.up

    def close(self) -> None:
        """Disconnect."""
        self._line.close()

    def _open(self, channel: Any) -> None:
        channel.events["basic_return"].add(self._returned)
        channel.basic_consume(REPLY_TO, no_ack=True, callback=self._replied)

    def _replied(self, message: Any) -> None:
        number = message.properties.get("correlation_id")
        slot = self._waiting.get(number)
        body = message.body
        if slot is None:
            return
        piece = body if isinstance(body, bytes) else bytes(body)
        if slot.take(piece, message.properties.get("message_id", "")):
            self._waiting.pop(number, None)
            slot.finish()

    def _returned(self, problem: Any, exchange: str, key: str, message: Any) -> None:
        slot = self._waiting.pop(message.properties.get("correlation_id"), None)
        if slot is not None:
            slot.finish(f"{key.removeprefix('kiroku.rpc.')} is not running")

    def _fail_all(self) -> None:
        slots, self._waiting = list(self._waiting.values()), {}
        for slot in slots:
            slot.finish("the connection to the broker was lost")

    def call(self, request: Request) -> Reply:
        """Return the reply of the operation that `request` names. Raises its DomainError, and Unavailable."""
        if not tracing.enabled():
            return self.begin(request)()
        with tracing.inner(f"call {request.operation}"):
            return self.begin(request)()

    def begin(self, request: Request) -> Callable[[], Reply]:
        """Send `request`; return what waits for the reply. Both raise what `call` does."""
        service = request.operation.partition(".")[0]
        queue = self._broker.queue_of(service, inner=request.actor.role == "system")
        started = perf_counter()
        tracing.carry(request.headers)
        try:
            slot = self._begun(queue, pack_request(request))
        except Unavailable:
            RPC_FAILURES.add(1, service)
            raise

        def wait() -> Reply:
            try:
                content = self._waited(slot)
            except Unavailable:
                RPC_FAILURES.add(1, service)
                raise
            RPC_SECONDS.observe(perf_counter() - started, service)
            return unpack_reply(content)

        return wait

    def send(self, queue: str, body: bytes) -> bytes:
        """Return what the consumer of `queue` answers. Raises Unavailable, and RequestTooLargeError."""
        return self._waited(self._begun(queue, body))

    def _begun(self, queue: str, body: bytes) -> Slot:
        """Send a call, at once or, by a thread that serves many, together with others; return where its reply comes."""
        slot, here = Slot(), pausable()
        if here is None:
            waits(others=True)
            self._send(queue, body, slot)
            return slot
        outgoing = self._outgoing.get(queue)
        if outgoing is None:
            outgoing = self._outgoing[queue] = Outgoing(partial(self._send, queue))
        outgoing.add(body, slot, here)
        return slot

    def _send(self, queue: str, body: bytes, slot: Slot, content_type: str | None = None) -> None:
        if len(body) > LARGEST:
            raise RequestTooLargeError(f"The request is larger than {LARGEST} bytes: send a file, or several requests.")
        number = str(next(self._numbers))
        slot.named(number)
        self._waiting[number] = slot
        more = {"content_type": content_type} if content_type else {}
        try:
            self._line.send(
                None, "", queue, body, mandatory=True, correlation_id=number, reply_to=REPLY_TO,
                expiration=str(int(self._timeout * 1000)), message_id=str(time_ns()), **more,
            )  # fmt: skip
        except LineDown as problem:
            self._waiting.pop(number, None)
            raise Unavailable("The broker cannot be reached: try again.") from problem

    def _waited(self, slot: Slot) -> bytes:
        if not slot.wait(self._timeout):
            self._waiting.pop(slot.number, None)
            raise Unavailable("The service did not answer in time: try again.")
        if slot.content is None:
            raise Unavailable(f"A service could not be reached ({slot.failed}): try again.")
        return slot.content
