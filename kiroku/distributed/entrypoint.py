"""The queue of a service as nameko serves it: an entrypoint of its own, and the service class around it."""

import logging
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import time_ns
from typing import Any

warnings.filterwarnings("ignore", message="(?s).*Eventlet is deprecated")

from nameko.containers import WorkerContext  # noqa: E402
from nameko.extensions import DependencyProvider, Entrypoint  # noqa: E402

from chassis.company import run_together  # noqa: E402
from chassis.errors import DomainError, Superseded, Unavailable  # noqa: E402
from chassis.messages import Reply, Request  # noqa: E402
from chassis.service import Service  # noqa: E402
from chassis.telemetry import QUEUE_SECONDS  # noqa: E402
from kiroku.distributed.broker import PIECE, Broker  # noqa: E402
from kiroku.distributed.feeds import FEED, STATE  # noqa: E402
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
        self._pool.submit(self._work, channel, message)

    def _work(self, channel: Any, message: Any) -> None:
        tag = message.delivery_info["delivery_tag"]
        try:
            together = message.properties.get("content_type") == CALLS
            body = message.body if isinstance(message.body, bytes) else bytes(message.body)
            requests = [unpack_request(each) for each in (unpack_many(body) if together else (body,))]
            sent = int(message.properties.get("message_id") or time_ns())  # the client's clock, in nanoseconds
            QUEUE_SECONDS.observe(max(0.0, (time_ns() - sent) / 1e9), self._queue)
            early = any(map(self._once, requests))
            if early:
                self._line.ack(channel, tag)
            try:
                # Several are queries: what is written travels alone.
                contents = run_together([partial(self._answer, request) for request in requests])
            except Superseded:
                self._hand_on(message)
            else:
                self._reply(channel, message, pack_many(contents) if together else contents[0])
            if not early:
                self._line.ack(channel, tag)
        except Exception:
            logger.exception("%s: a message could not be worked on", self._queue)
            self._reply(channel, message, pack_error(Unavailable(UNREADABLE)))
            self._line.ack(channel, tag)
        finally:
            with self._quiet:
                self._busy -= 1
                self._quiet.notify_all()

    def _once(self, request: Request) -> bool:
        service: Service = self.container.config["service"]
        operation = service.operations.get(request.operation.partition(".")[2])
        return operation is not None and operation.writes and not request.idempotency_key

    def _hand_on(self, message: Any) -> None:
        """Take no more, and put the message, of which nothing was done, back for a process of the other release."""
        self._line.cancel(self._tag)
        self._line.send(None, "", self._queue, message.body, **message.properties)

    def _reply(self, channel: Any, message: Any, content: bytes) -> None:
        reply_to = message.properties.get("reply_to")
        if not reply_to:
            return
        try:
            number = message.properties.get("correlation_id")
            for label, piece in pieces(content):
                self._line.send(channel, "", reply_to, piece, correlation_id=number, message_id=label)
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
            reply: Reply = getattr(worker, self.method_name)(request)
            return reply
        finally:
            for provider in container.dependencies:
                provider.worker_teardown(context)


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
