"""Metrics in Prometheus' words. Labels are operations and services, never paths, people or ids."""

import os
from collections.abc import Callable
from typing import Any

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
    values,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
CONTENT_TYPE = CONTENT_TYPE_LATEST
# Names the folder in which processes count together; must be set before this module is imported.
SHARED = "PROMETHEUS_MULTIPROC_DIR"
disable_created_metrics()  # type: ignore[no-untyped-call]


class _Pid:
    """The number of this process, told at each fork: asking the system at each count takes longer than counting."""

    here = os.getpid()

    @classmethod
    def note(cls) -> None:
        cls.here = os.getpid()


os.register_at_fork(after_in_child=_Pid.note)
if SHARED in os.environ:
    values.ValueClass = values.MultiProcessValue(lambda: _Pid.here)  # type: ignore[no-untyped-call]


class Timed:
    """A histogram of seconds whose children are kept, as looking one up costs more than observing."""

    def __init__(self, name: str, text: str, *labels: str) -> None:
        """Declare the histogram `name` with `labels`."""
        self._histogram = Histogram(name, text, labels, buckets=BUCKETS)
        self._known: dict[tuple[str, ...], Callable[[float], None]] = {}

    def observe(self, seconds: float, *labels: str) -> None:
        """Add one observation."""
        found = self._known.get(labels)
        if found is None:
            found = self._known[labels] = self._histogram.labels(*labels).observe
        found(seconds)


class Counted:
    """A counter whose children are kept."""

    def __init__(self, name: str, text: str, *labels: str) -> None:
        """Declare the counter `name` with `labels`."""
        self._counter = Counter(name, text, labels)
        self._known: dict[tuple[str, ...], Callable[[float], None]] = {}

    def add(self, amount: float, *labels: str) -> None:
        """Count `amount` more."""
        found = self._known.get(labels)
        if found is None:
            found = self._known[labels] = self._counter.labels(*labels).inc
        found(amount)


HTTP_SECONDS = Timed("kiroku_http_request_seconds", "Time to answer a request, without streaming", "operation")
HTTP_REQUESTS = Counted("kiroku_http_requests", "Answered requests", "operation", "status")
OPERATION_SECONDS = Timed("kiroku_operation_seconds", "Time of an operation in its service", "service", "operation")
OPERATION_FAILURES = Counted(
    "kiroku_operation_failures", "Operations that ended in a refusal or a failure", "service", "operation", "outcome"
)
KEPT_ANSWERS = Counted("kiroku_kept_answers", "Queries answered by what an equal one was answered", "service")
RPC_SECONDS = Timed("kiroku_rpc_seconds", "Time of a call over the broker, as the caller sees it", "service")
RPC_FAILURES = Counted("kiroku_rpc_failures", "Calls over the broker that nobody answered", "service")
QUEUE_SECONDS = Timed("kiroku_rpc_queue_seconds", "Time from a call until a thread works on it", "queue")
APPEND_SECONDS = Timed("kiroku_append_seconds", "Time from the append to the end of the commit", "service")
APPENDED = Counted("kiroku_appended_events", "Events appended to the log", "service")
PUBLISHED = Counted("kiroku_relay_published_events", "Events that the broker has confirmed", "service")
JOBS = Counted("kiroku_jobs", "Pieces of background work", "service", "worker", "outcome")


_asked_too: list[Any] = []


def exposition() -> bytes:
    """Return all metrics in the text format of Prometheus: of this process, or of all that share a folder for them."""
    if SHARED not in os.environ:
        return bytes(generate_latest(REGISTRY))
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    for collector in _asked_too:
        registry.register(collector)
    return bytes(generate_latest(registry))


def register(collector: Any) -> None:
    """Ask `collector` too at each exposition."""
    REGISTRY.register(collector)
    _asked_too.append(collector)
