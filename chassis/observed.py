"""An operation under observation: its time, its outcome, its span, and the request that log records belong to."""

import logging
from contextvars import Token
from time import perf_counter
from types import TracebackType
from typing import Any, Self

from chassis import tracing
from chassis.at_once import NotAtOnce
from chassis.errors import DomainError
from chassis.logs import CURRENT
from chassis.messages import Reply, Request
from chassis.telemetry import OPERATION_FAILURES, OPERATION_SECONDS

logger = logging.getLogger(__name__)


class Observed:
    """A `with` block around one operation; `reply` is what it answered. Costs some microseconds."""

    __slots__ = ("_name", "_request", "_service", "_span", "_started", "_token", "reply")

    def __init__(self, service: str, name: str, request: Request) -> None:
        """Observe the operation `name` of `service`, asked by `request`."""
        self._service, self._name, self._request = service, name, request
        self._span: Any = None
        self._token: Token[Request | None]
        self.reply: Reply | None = None

    def __enter__(self) -> Self:
        """Begin."""
        self._token = CURRENT.set(self._request)
        if tracing.enabled():
            told = {"request_id": self._request.request_id}
            self._span = tracing.span(self._request.operation, self._request.headers, **told)
            self._span.__enter__()
        self._started = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End: count, time and tell. What is done again by a thread that may wait counts there."""
        if kind is NotAtOnce:
            CURRENT.reset(self._token)
            return
        seconds = perf_counter() - self._started
        OPERATION_SECONDS.observe(seconds, self._service, self._name)
        outcome = "ok"
        if kind is not None:
            outcome = "refused" if isinstance(problem, DomainError) and problem.status < 500 else "failed"
            OPERATION_FAILURES.add(1, self._service, self._name, outcome)
        if self._span is not None:
            self._span.__exit__(kind, problem, trace)
        if logger.isEnabledFor(logging.INFO):
            position = self.reply.positions.get(self._service) if self.reply else None
            more = {"seconds": round(seconds, 6), "outcome": outcome, "position": position}
            logger.info("%s", self._request.operation, extra=more)
        CURRENT.reset(self._token)
