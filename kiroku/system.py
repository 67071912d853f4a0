"""All services in one process: direct calls, feeds read from each other's logs, followers in the background."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any

from chassis.changes import Change
from chassis.database import POOL_SIZE, Database
from chassis.errors import DomainError, Superseded
from chassis.events import Event
from chassis.follow import Follower
from chassis.gauges import watch
from chassis.messages import Reply, Request
from chassis.schema import migrate
from chassis.service import Service
from chassis.spec import ServiceSpec
from chassis.workers import Workers
from contracts import OWNERS

logger = logging.getLogger(__name__)
SERVICES = ("auth", "production", "tasks", "media", "imports")
IDLE = 1.0
# What is written within this time is followed in one step. Who has written it does not wait: see `Follower.meet`.
# After a step within the last `BUSY` seconds it is the longer one, as a step costs as much as a change.
GATHER, BUSY_GATHER, BUSY = 0.05, 0.1, 0.5
LEAST_POOL = 8


def specs() -> dict[str, ServiceSpec]:
    """Return the spec of every service that there is."""
    found = {}
    for name in SERVICES:
        try:
            module = import_module(f"services.{name}.service")
        except ModuleNotFoundError as missing:
            if missing.name != f"services.{name}.service":
                raise
            continue
        found[name] = getattr(module, name.upper())
    return found


def followed() -> dict[str, dict[str, list[str]]]:
    """Return by service, and by owner, the kinds that the service has replicas of."""
    found: dict[str, dict[str, list[str]]] = {}
    for name, spec in specs().items():
        for resource in spec.replicates:
            found.setdefault(name, {}).setdefault(OWNERS[resource.kind], []).append(resource.kind)
    return found


class System:
    """The embedded shape: services by name, called directly (about 2 microseconds)."""

    def __init__(
        self, urls: Mapping[str, str], settings: Mapping[str, Any], *, commit: str = "on", processes: int = 1
    ) -> None:
        """Open every service on its database in `urls`, one of so many `processes` that share its connections."""
        self.services: dict[str, Service] = {}
        self.followers: dict[str, Follower] = {}
        self._loop = FollowLoop(self.followers)
        self._workers: list[Workers] = []
        for name, spec in specs().items():
            database = Database(urls[name], pool_size=max(LEAST_POOL, POOL_SIZE // processes), commit=commit)
            service = Service(spec, database, self, settings)
            service.on_commit.append(partial(self._wake, name))
            self.services[name] = service
        for name, service in self.services.items():
            follower = Follower(service, OWNERS, self._feed)
            follower.serve(service)
            self.followers[name] = follower

    def migrate(self, *, serve: bool = True) -> None:
        """Bring every database into shape and seed fresh ones, owners before followers.

        Without `serve`, databases that another release serves are only prepared for this one.
        """
        ready: list[str] = []
        served = []
        for name, service in self.services.items():
            fill, follow = partial(self._fill, service), partial(self._follow_all, name, list(ready))
            if migrate(service, fill, follow, serve=serve):
                served.append(name)
            ready.append(name)
        for name in served:
            self._follow_all(name, ready)

    def _fill(self, service: Service, limits: Mapping[str, int]) -> None:
        """Fill replicas that are not served yet up to `limits`."""
        follower = Follower(service, OWNERS, partial(self._feed_until, limits), served=False)
        for owner in follower.owners:
            if limits.get(owner):
                follower.catch_up(owner, settle=True)

    def _feed_until(
        self, limits: Mapping[str, int], owner: str, after: int, limit: int, kinds: list[str]
    ) -> tuple[list[Event], int]:
        events, reached = self._feed(owner, after, limit, kinds)
        last = limits[owner]
        return [event for event in events if event.position <= last], min(reached, last)

    def _follow_all(self, name: str, ready: list[str]) -> None:
        for owner in self.followers[name].owners:
            if owner in ready:
                self.followers[name].catch_up(owner)

    def call(self, request: Request) -> Reply:
        """Run an operation of any service."""
        service = self.services.get(request.operation.partition(".")[0])
        if service is None:
            raise DomainError(f"Unknown operation {request.operation}.", code="operation.unknown")
        return service.call(request)

    def begin(self, request: Request) -> Callable[[], Reply]:
        """Return what runs the operation: nobody else would do it meanwhile."""
        return partial(self.call, request)

    def _feed(self, owner: str, after: int, limit: int, kinds: list[str]) -> tuple[list[Event], int]:
        service = self.services.get(owner)
        return service.feed(after, limit, kinds) if service else ([], after)

    def _wake(self, name: str, position: int, changes: list[Change]) -> None:
        self._loop.wake(name)

    def start(self) -> None:
        """Follow and do background work from now on."""
        watch(self.services, self.followers, relays=False)
        self._loop.start()
        self._workers = [Workers(service) for service in self.services.values()]
        for workers in self._workers:
            workers.start()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Keep followers still, and let them begin anew from their checkpoints afterwards."""
        with self._loop.still:
            yield
            for follower in self.followers.values():
                follower.forget()

    def stop(self) -> None:
        """Stop following and working, and close the databases."""
        for workers in self._workers:
            workers.stop()
        self._loop.stop()
        for service in self.services.values():
            service.database.close()


class FollowLoop:
    """A thread in which followers catch up with the services that moved, and once a second with all."""

    def __init__(self, followers: dict[str, Follower]) -> None:
        """Run `followers`."""
        self._followers = followers
        self._news = threading.Condition()
        self._moved: set[str] = set()
        self._stopping = False
        self.still = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="followers", daemon=True)

    def start(self) -> None:
        """Follow from now on."""
        self._thread.start()

    def end(self) -> None:
        """Begin to stop: take no further step, and say nothing of what goes wrong with this one."""
        self._stopping = True
        self.wake("")

    def stop(self) -> None:
        """Stop after the step under way."""
        self.end()
        if self._thread.is_alive():
            self._thread.join(5)

    def wake(self, service: str) -> None:
        """Note that `service` has committed something."""
        with self._news:
            self._moved.add(service)
            self._news.notify_all()

    def _run(self) -> None:
        all_seen = stepped = 0.0
        while not self._stopping:
            with self._news:
                if not self._moved:
                    self._news.wait(IDLE)
            if self._moved:
                time.sleep(BUSY_GATHER if time.monotonic() - stepped < BUSY else GATHER)
                stepped = time.monotonic()
            with self._news:
                moved, self._moved = self._moved, set()
            if time.monotonic() - all_seen > IDLE:
                # Where much happens somewhere, a wake-up lost elsewhere must not wait for silence.
                moved, all_seen = set(), time.monotonic()
            for follower in self._followers.values():
                for owner in follower.owners:
                    if not self._stopping and (not moved or owner in moved):
                        self._step(follower, owner, settle=not moved)

    def _step(self, follower: Follower, owner: str, *, settle: bool) -> None:
        try:
            with self.still:
                follower.catch_up(owner, settle=settle)
        except Superseded:
            self._stopping = True
        except DomainError as problem:
            if not self._stopping:
                logger.warning("following %s: %s", owner, problem.message)
        except Exception:
            # The events stay in the owner's log; the next wake-up or second tries again.
            logger.exception("following %s failed", owner)


class LogSource:
    """The logs of all services of this process, as live events read them."""

    def __init__(self, system: System, hear: Callable[[Callable[[str], None]], None]) -> None:
        """Read the logs of `system`; `hear` tells of commits to them, in whichever process."""
        self._services = system.services
        self.names = list(system.services)
        self.subscribe = hear

    def head(self, service: str) -> int:
        """Return the newest position of a service's log."""
        return self._services[service].head()

    def read(self, service: str, after: int, limit: int) -> tuple[list[Event], int]:
        """Return events after a position, and the position reached."""
        return self._services[service].feed(after, limit)
