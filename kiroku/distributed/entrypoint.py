"""The queue of a service as nameko serves it: an entrypoint of its own, and the service class around it."""

import logging
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import monotonic, thread_time, time_ns
from typing import Any

warnings.filterwarnings("ignore", message="(?s).*Eventlet is deprecated")

from nameko.containers import WorkerContext  # noqa: E402
from nameko.extensions import DependencyProvider, Entrypoint  # noqa: E402

from chassis.answers import LONGEST  # noqa: E402
from chassis.at_once import NotAtOnce, briefly  # noqa: E402
from chassis.company import run_together  # noqa: E402
from chassis.errors import DomainError, Superseded, Unavailable  # noqa: E402
from chassis.messages import Reply, Request  # noqa: E402
from chassis.service import Service  # noqa: E402
from chassis.telemetry import QUEUE_SECONDS  # noqa: E402
from kiroku.distributed.broker import PIECE, Broker  # noqa: E402
from kiroku.distributed.feeds import FEED, STATE  # noqa: E402
from kiroku.distributed.inline import Inline  # noqa: E402
from kiroku.distributed.line import Line, LineDown  # noqa: E402
from kiroku.distributed.together import CALLS  # noqa: E402
from kiroku.distributed.wire import (  # noqa: E402
    pack_error,
    pack_events,
    pack_many,
    pack_reply,
    unpack_many,
    unpack_request,
)

logger = logging.getLogger(__name__)
DRAIN_SECONDS = 25.0
UNREADABLE = "The service could not read the call, which may be one of another release: try again."


class Running(DependencyProvider):  # type: ignore[misc]
    """Gives workers the running service, which lives as long as the container."""

    def setup(self) -> None:
        """Take the service that the host has made."""
        self.service: Service = self.container.config["service"]

    def get_dependency(self, worker_ctx: WorkerContext) -> Service:
        """Return the service."""
        return self.service


class OperationEntrypoint(Entrypoint):  # type: ignore[misc]
    """Consumes one queue of the service: prefetch, a pool of threads, replies as bytes, drained when stopped.

    A query is acknowledged after its reply, so a dying process leaves it to another. A command is acknowledged
    before it runs unless it carries an Idempotency-Key: what may have happened must not happen twice.
    """

    def __init__(self, *, inner: bool = False, threads: int = 8, **kwargs: Any) -> None:
        """Serve calls of people, or `inner` ones of other services, with so many threads."""
        super().__init__(**kwargs)
        self._inner, self._threads = inner, threads
        self._tag = ""
        self._busy = 0
        self._closed = False
        self._quiet = threading.Condition()
        self._inline = Inline()

    def start(self) -> None:
        """Connect and take messages."""
        name = self.container.service_name
        self._broker: Broker = self.container.config["broker"]
        self._queue = self._broker.queue_of(name, inner=self._inner)
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix=self._queue)
        self._line = Line(self._broker, self._queue, opened=self._open)
        self._line.start(10)

    def stop(self) -> None:
        """Take no more, finish what is under way, then disconnect."""
        self._line.cancel(self._tag)
        with self._quiet:
            self._quiet.wait_for(lambda: self._busy == 0, DRAIN_SECONDS)
            self._closed = True
        self._pool.shutdown(wait=False)
        self._line.close()

    kill = stop

    def _open(self, channel: Any) -> None:
        self._broker.declare_calls(channel, self._queue)
        channel.basic_qos(0, self._threads * 2, False)
        self._tag = channel.basic_consume(self._queue, callback=partial(self._taken, channel))

    def _taken(self, channel: Any, message: Any) -> None:
        with self._quiet:
            if self._closed:
                return  # not acknowledged, so another process takes it
            self._busy += 1
        call = _Call(channel, message)
        if self._inline.may(call.names):
            try:
                with briefly():
                    self._work(call, monotonic, self._inline.by_reader)
                return
            except NotAtOnce:
                # Nothing was written, nor answered: a thread begins again.
                self._inline.leave(call.names)
        self._pool.submit(self._work, call, thread_time, self._inline.by_pool)

    def _work(self, call: "_Call", clock: Callable[[], float], took: Callable[..., None]) -> None:
        """Answer a call; tell `took` how long that was by `clock`. Raises NotAtOnce where a thread has to."""
        began, again = clock(), False
        try:
            size = self._answer_all(call, call.read())
            # Who holds the answer is answered at once, which says nothing of the next one.
            if not any(request.holds or self._writes(request) for request in call.read()):
                took(call.names, clock() - began, short=size <= LONGEST)
        except NotAtOnce:
            again = True
            raise
        except Exception:
            logger.exception("%s: a message could not be worked on", self._queue)
            self._reply(call, pack_error(Unavailable(UNREADABLE)), ack=True)
        finally:
            if not again:
                with self._quiet:
                    self._busy -= 1
                    self._quiet.notify_all()

    def _answer_all(self, call: "_Call", requests: list[Request]) -> int:
        """Work on the requests of a call, reply, and acknowledge it; return the size of the reply in bytes."""
        sent = int(call.message.properties.get("message_id") or time_ns())  # the client's clock, in nanoseconds
        QUEUE_SECONDS.observe(max(0.0, (time_ns() - sent) / 1e9), self._queue)
        early = any(self._writes(request) and not request.idempotency_key for request in requests)
        if early:
            self._line.ack(call.channel, call.tag)
        try:
            # Several are queries: what is written travels alone.
            contents = run_together([partial(self._answer, request) for request in requests])
        except Superseded:
            self._hand_on(call.message)
            if not early:
                self._line.ack(call.channel, call.tag)
            return 0
        content = pack_many(contents) if call.together else contents[0]
        self._reply(call, content, ack=not early)
        return len(content)

    def _writes(self, request: Request) -> bool:
        service: Service = self.container.config["service"]
        operation = service.operations.get(request.operation.partition(".")[2])
        return operation is not None and operation.writes

    def _hand_on(self, message: Any) -> None:
        """Take no more, and put the message, of which nothing was done, back for a process of the other release."""
        self._line.cancel(self._tag)
        self._line.send(None, "", self._queue, message.body, **message.properties)

    def _reply(self, call: "_Call", content: bytes, *, ack: bool) -> None:
        """Send a reply and, if that is still to be done, acknowledge the call, with the last piece of it."""
        reply_to, number = call.message.properties.get("reply_to"), call.message.properties.get("correlation_id")
        *first, last = pieces(content)
        try:
            for label, piece in first if reply_to else ():
                self._line.send(call.channel, "", reply_to, piece, correlation_id=number, message_id=label)
            with self._line.in_one_piece():
                if reply_to:
                    label, piece = last
                    self._line.send(call.channel, "", reply_to, piece, correlation_id=number, message_id=label)
                if ack:
                    self._line.ack(call.channel, call.tag)
        except LineDown:
            logger.warning("%s: a reply was lost with its connection", self._queue)

    def _answer(self, request: Request) -> bytes:
        name = request.operation.partition(".")[2]
        service: Service = self.container.config["service"]
        if name == FEED:
            events, position = service.feed(int(request.path["after"]), int(request.path["limit"]), request.body)
            return pack_reply(Reply(body=pack_events(events, position)))
        if name == STATE:
            return pack_reply(Reply(body="{} {}".format(*service.state()).encode()))
        try:
            return pack_reply(self._run(request))
        except Superseded:
            raise
        except DomainError as refusal:
            return pack_error(refusal)
        except Exception:
            logger.exception("%s of request %s failed", request.operation, request.request_id)
            error = DomainError("Internal server error.", code="internal")
            error.status = 500
            return pack_error(error)

    def _run(self, request: Request) -> Reply:
        """Do what nameko's container does for a worker, in this thread."""
        container = self.container
        worker = container.service_cls()
        context = WorkerContext(container, worker, self, (request,), {}, data={})
        for provider in container.dependencies:
            setattr(worker, provider.attr_name, provider.get_dependency(context))
            provider.worker_setup(context)
        try:
            began = monotonic()
            reply: Reply = getattr(worker, self.method_name)(request)
            # Who asks must know how heavy this is: what he waits for, in all, depends on how many others ask.
            reply.seconds = monotonic() - began
            return reply
        finally:
            for provider in container.dependencies:
                provider.worker_teardown(context)


class _Call:
    """A message: what it asks for, and where its reply goes."""

    __slots__ = ("_requests", "channel", "message", "together")

    def __init__(self, channel: Any, message: Any) -> None:
        self.channel, self.message = channel, message
        self.together = message.properties.get("content_type") == CALLS
        self._requests: list[Request] | None = None

    def read(self) -> list[Request]:
        """Return the requests that it holds. Raises what those who decode raise."""
        if self._requests is None:
            body = self.message.body
            body = body if isinstance(body, bytes) else bytes(body)
            self._requests = [unpack_request(each) for each in (unpack_many(body) if self.together else (body,))]
        return self._requests

    @property
    def names(self) -> set[str]:
        """Return the names of the operations; none of what cannot be read."""
        try:
            return {request.operation for request in self.read()}
        except Exception:
            return set()

    @property
    def tag(self) -> int:
        """Return the number of the delivery."""
        number: int = self.message.delivery_info["delivery_tag"]
        return number


def pieces(content: bytes) -> list[tuple[str, bytes]]:
    """Return a reply as (`<index>/<count>`, bytes) that any broker takes: lists of whole studios are larger. Pure."""
    count = max(1, -(-len(content) // PIECE))
    if count == 1:
        return [("0/1", content)]
    return [(f"{index}/{count}", content[index * PIECE : (index + 1) * PIECE]) for index in range(count)]


operation: Any = OperationEntrypoint.decorator


def hosted(name: str, threads: int) -> type:
    """Return the nameko service class of the service `name`."""

    class Hosted:
        service: Any = Running()

        @operation(threads=threads)
        def call(self, request: Request) -> Reply:
            service: Service = self.service
            return service.call(request)

        @operation(inner=True, threads=threads)
        def call_inner(self, request: Request) -> Reply:
            service: Service = self.service
            return service.call(request)

    Hosted.name = name  # type: ignore[attr-defined]
    Hosted.__name__ = f"{name.capitalize()}Service"
    return Hosted
