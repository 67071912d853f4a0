"""A service as a process of its own: nameko's container around it, the broker in front, its database behind.

nameko is container, dependency injection and life cycle. Nothing is monkey-patched: messages are taken by a thread of
the entrypoint and worked on by a pool of threads, as the work (psycopg2, bcrypt, Pillow) blocks.
"""

import logging
import signal
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

warnings.filterwarnings("ignore", message="(?s).*Eventlet is deprecated")

from nameko.containers import ServiceContainer  # noqa: E402
from psycopg2 import Error  # noqa: E402

from chassis.database import Database  # noqa: E402
from chassis.follow import Follower  # noqa: E402
from chassis.gauges import watch  # noqa: E402
from chassis.moves import Telling  # noqa: E402
from chassis.service import Service  # noqa: E402
from chassis.shapes import served, switch  # noqa: E402
from chassis.workers import Workers  # noqa: E402
from contracts import OWNERS  # noqa: E402
from kiroku.distributed.broker import SERVICES_WAKES, Broker  # noqa: E402
from kiroku.distributed.client import RpcClient  # noqa: E402
from kiroku.distributed.condition import Condition  # noqa: E402
from kiroku.distributed.entrypoint import hosted  # noqa: E402
from kiroku.distributed.feeds import RemoteFeeds  # noqa: E402
from kiroku.distributed.probes import Probes  # noqa: E402
from kiroku.distributed.relay import Relay  # noqa: E402
from kiroku.distributed.wakes import Wakes  # noqa: E402
from kiroku.memory import keep_trimming, keep_what_is_here  # noqa: E402
from kiroku.system import FollowLoop, specs  # noqa: E402

logger = logging.getLogger(__name__)


class Host:
    """Everything of one service process, started and stopped in order."""

    def __init__(
        self, name: str, *, url: str, broker: Broker, told: dict[str, Any], threads: int = 8, timeout: float = 60
    ) -> None:
        """Host the service `name` on its database at `url`; calls to others take `timeout` seconds at most."""
        spec = specs()[name]
        self.client = RpcClient(broker, timeout=timeout)
        self.wakes = Wakes(broker, SERVICES_WAKES)
        self.service = Service(spec, Database(url, pool_size=threads * 2 + 6), self.client, told)
        feeds = RemoteFeeds(self.client)
        follower = Follower(self.service, OWNERS, feeds)
        follower.serve(self.service)
        self.condition = Condition(self.service, follower, self.client, feeds.head)
        self.service.on_commit.append(partial(self.wakes.committed, name))
        telling = Telling(name, spec.kinds, follower.owners, self.service.head, follower.reached)
        self.service.answers = telling
        self.service.on_commit.append(lambda position, changes: telling.reached(position))
        self.wakes.follow(lambda service, move: telling.reached(move.position) if service == name else None)
        watch({name: self.service}, {name: follower}, relays=True)
        self._loop = FollowLoop({name: follower})
        self.wakes.hear(self._loop.wake)
        self._relay = Relay(self.service, broker)
        self.service.on_commit.append(self._relay.wake)
        self.wakes.hear(self._relay.heard)
        self._workers = Workers(self.service)
        config = {"service": self.service, "broker": broker}
        self.container = ServiceContainer(hosted(name, threads), config)

    def take_over(self) -> str:
        """Serve the read models of this release from now on; return why that must wait, nothing when it is done."""
        try:
            if served(self.service) is not None and switch(self.service):
                return ""
        except Error as problem:
            return f"the database cannot be asked: {str(problem).strip().partition(chr(10))[0]}"
        return "the database has another shape: run `kiroku migrate`"

    def is_superseded(self) -> bool:
        """Tell whether another release has taken over. A database that cannot be asked has not been."""
        with suppress(Error):
            return self.service.superseded.is_set() or self.service.is_superseded()
        return False

    def start(self) -> None:
        """Start all parts; the queue is served last."""
        self.client.start()
        self.wakes.start()
        self._loop.start()
        self._relay.start()
        self._workers.start()
        self.container.start()

    def stop(self) -> None:
        """Drain the queue, then stop the rest."""
        self.container.stop()
        self._workers.stop()
        self._loop.end()
        # A follower may wait for a service that is stopping, too: the end of the line ends that.
        self.client.close()
        self._loop.stop()
        self._relay.stop()
        self.wakes.close()
        self.service.database.close()


def serve(make: Callable[[], Host], probe_at: tuple[str, int] = ("127.0.0.1", 0)) -> None:
    """Run a host until SIGTERM or SIGINT, or until another release takes over; serve its health at `probe_at`.

    `probe_at` is (host, port); none is served at port 0. Messages are taken once the database has the read models of
    this release: when `kiroku migrate` has prepared them beside those of another, this process lets them be served.
    """
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    host = make()
    keep_trimming()
    probes = Probes(*probe_at, host.condition.problems)
    probes.start()
    waits = ""
    while not done.is_set() and (reason := host.take_over()):
        if reason != waits:
            logger.warning("%s waits: %s", host.service.name, reason)
        waits = reason
        done.wait(0.5)
    if not done.is_set():
        host.start()
        keep_what_is_here()
        while not done.wait(0.5) and not host.is_superseded():
            pass
        if not done.is_set():
            logger.warning("%s ends: another release serves its database now", host.service.name)
        host.stop()
    probes.stop()
