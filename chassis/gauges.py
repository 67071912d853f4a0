"""What a service's database says of its state, read when Prometheus asks and not before."""

import logging
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from chassis import telemetry

if TYPE_CHECKING:
    from chassis.follow import Follower
    from chassis.service import Service

logger = logging.getLogger(__name__)
FAMILIES = {
    "up": ("kiroku_database_up", "1 when the service's database answers", ("service",)),
    "position": ("kiroku_log_position", "Newest position of the log", ("service",)),
    "backlog": ("kiroku_relay_backlog_events", "Events not yet confirmed by the broker", ("service",)),
    "checkpoint": ("kiroku_projection_position", "Position reached in an owner's log", ("service", "owner")),
    "lag": ("kiroku_projection_lag_events", "Events of an owner not yet applied", ("service", "owner")),
    "age": ("kiroku_projection_lag_seconds", "Seconds since nothing was missing", ("service", "owner")),
    "parked": ("kiroku_parked_events", "Events whose reaction failed", ("service", "owner")),
    "jobs": ("kiroku_jobs_waiting", "Background work that waits or is under way", ("service", "worker")),
}
STATE = "SELECT head.position, relay.position FROM log.head, log.relay"
CHECKPOINTS = "SELECT owner, c.position FROM log.checkpoints c JOIN log.head USING (shape)"
PARKED = "SELECT owner, count(*) FROM log.parked GROUP BY owner"
Sample = tuple[str, tuple[str, ...], float]


class StateCollector(Collector):
    """Reads positions, lags, parked events and waiting jobs of the services in this process."""

    def __init__(self) -> None:
        """Start with no service."""
        self._services: Mapping[str, Service] = {}
        self._followers: Mapping[str, Follower] = {}
        self._relays = False
        self._heads: dict[str, float] = {}

    def watch(self, services: "Mapping[str, Service]", followers: "Mapping[str, Follower]", *, relays: bool) -> None:
        """Report these from now on; `relays` tells whether events go to a broker."""
        self._services, self._followers, self._relays = services, followers, relays

    def note_head(self, owner: str, position: int) -> None:
        """Take note of how far the log of a service in another process has come."""
        self._heads[owner] = position

    def describe(self) -> list[Metric]:
        """Tell no names beforehand: asking a database at import would be wrong."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges; those of a database that does not answer are left out."""
        samples: list[Sample] = []
        for name, service in self._services.items():
            try:
                samples += self._of(name, service)
                samples.append(("up", (name,), 1))
            except Exception as problem:
                logger.warning("%s: no metrics of the database: %s", name, problem)
                samples.append(("up", (name,), 0))
        heads = {**self._heads, **{labels[0]: value for family, labels, value in samples if family == "position"}}
        samples += [
            ("lag", labels, max(0, heads[labels[1]] - value))
            for family, labels, value in samples
            if family == "checkpoint" and labels[1] in heads
        ]
        for key, (name, text, names) in FAMILIES.items():
            family = GaugeMetricFamily(name, text, labels=names)
            for _, labels, value in (sample for sample in samples if sample[0] == key):
                family.add_metric(labels, value)
            if family.samples:
                yield family

    def _of(self, name: str, service: "Service") -> Iterator[Sample]:
        head, relayed = service.database.run(STATE)[0]
        yield "position", (name,), head
        if self._relays:
            yield "backlog", (name,), head - relayed
        parked: dict[str, int] = dict(service.database.run(PARKED))
        follower = self._followers.get(name)
        for owner in follower.owners if follower else ():
            yield "parked", (name, owner), parked.get(owner, 0)
            seen = follower.caught_up.get(owner) if follower else None
            if seen is not None:
                yield "age", (name, owner), max(0.0, time.monotonic() - seen)
        for owner, position in service.database.run(CHECKPOINTS):
            yield "checkpoint", (name, owner), position
        for worker in service.spec.workers:
            if worker.waiting:
                yield "jobs", (name, worker.name), service.database.run(worker.waiting)[0][0]


STATES = StateCollector()
telemetry.register(STATES)


def watch(services: Any, followers: Any, *, relays: bool) -> None:
    """Report the state of these services of this process."""
    STATES.watch(services, followers, relays=relays)


def note_head(owner: str, position: int) -> None:
    """Take note of how far the log of a service in another process has come."""
    STATES.note_head(owner, position)
