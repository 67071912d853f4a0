"""Run the scenarios against one server or two, turn by turn, so that both meet the same machine."""

import gc
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tqdm import tqdm

from bench.client import Connection, Measurement, Target, measure
from bench.fill import maker
from bench.load import Api
from bench.processes import settle, usage
from bench.scenarios import Scenario
from bench.world import World

CLIENTS = (1, 16)
# A task that is given what it has already does not change.
never_twice = itertools.count(int(time.time()) % 1_000_000)
WARM_REQUESTS = 5
WARM_SECONDS = 60.0
NO_LIMIT = 1_000_000


@dataclass
class Server:
    """One server that is measured: its session, its loaded production and its processes (none when unknown).

    brokers: processes whose CPU is its, too, though it has not started them.
    """

    name: str
    api: Api
    world: World
    pids: list[int] = field(default_factory=list)
    brokers: list[int] = field(default_factory=list)

    def target(self, token: str | None = None) -> Target:
        """Return where to send, by default as the administrator."""
        return Target.of(self.api.url, self.api.token if token is None else token)


@dataclass
class Result:
    """One scenario on one server: a measurement and CPU seconds for each number of clients."""

    scenario: str
    server: str
    row: str
    runs: dict[int, Measurement] = field(default_factory=dict)
    cpu: dict[int, tuple[float, float]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of the last body."""
        return max((run.size for run in self.runs.values()), default=0)

    def cpu_ms(self, clients: int) -> float | None:
        """CPU of all processes for one request, in milliseconds; None when unknown."""
        run, (app, others) = self.runs.get(clients), self.cpu.get(clients, (0.0, 0.0))
        return (app + others) / len(run.latencies) * 1000 if run and run.latencies and app else None

    def p50_ms(self, clients: int = 1) -> float:
        """Median latency in milliseconds."""
        return self.runs[clients].percentile(0.5) * 1000 if clients in self.runs else float("nan")


def run_all(servers: list[Server], scenarios: Iterable[Scenario], seconds: float) -> list[Result]:
    """Measure every scenario on every server and return the results in order."""
    chosen = list(scenarios)
    results = []
    with tqdm(chosen, unit="scenario") as bar:
        for scenario in bar:
            bar.set_description(scenario.name)
            results += [run_one(server, scenario, seconds) for server in servers]
    return results


def run_one(server: Server, scenario: Scenario, seconds: float) -> Result:
    """Warm one scenario up, then measure it at 1 and at 16 clients."""
    target = server.target()
    etag = etag_of(target, scenario, server.world) if scenario.unchanged else None
    result = Result(scenario.name, server.name, scenario.row)
    first = 0
    if scenario.warm:
        make = maker(scenario, target, server.world, etag)
        measure(target, make, clients=max(CLIENTS), seconds=WARM_SECONDS, wanted=(scenario.wanted,), most=scenario.warm)
    for clients in CLIENTS:
        make = _from(maker(scenario, target, server.world, etag), first)
        warm = measure(target, make, clients=clients, seconds=seconds, wanted=(scenario.wanted,), most=WARM_REQUESTS)
        first += WARM_REQUESTS
        make = _from(maker(scenario, target, server.world, etag), first)
        if scenario.changed:
            make = after_a_change(make, target, server.world, scenario.changed)
        gc.collect()
        settle(server.pids, server.brokers)
        before = usage(server.pids, server.brokers)
        most = len(server.world.tasks) - first if scenario.once else NO_LIMIT
        run = measure(target, make, clients=clients, seconds=seconds, wanted=(scenario.wanted,), most=most)
        result.runs[clients], result.cpu[clients] = run, usage(server.pids, server.brokers).since(before)
        first += len(run.latencies) + sum(run.errors.values())
        if not warm.latencies and not run.latencies:
            break
    return result


def _from(make: Callable[[int], bytes], first: int) -> Callable[[int], bytes]:
    """Count on from where the last run ended, so that names and days are new."""
    return lambda number: make(number + first)


def after_a_change(make: Callable[[int], bytes], target: Target, world: World, kind: str) -> Callable[[int], bytes]:
    """Return what changes a task or a shot before it makes a request, in a connection of each thread."""
    things, path, name = {
        "task": (world.tasks, "/data/tasks", "estimation"),
        "shot": (world.shots, "/data/entities", "nb_frames"),
    }[kind]
    here = threading.local()

    def changed(number: int) -> bytes:
        if not hasattr(here, "connection"):
            here.connection = Connection(target)
        thing = things[number % len(things)]
        body = json.dumps({name: next(never_twice)}).encode()
        if here.connection.exchange(target.request("PUT", f"{path}/{thing}", body)).status != 200:
            raise SystemExit(f"{kind} {thing} could not be changed")
        return make(number)

    return changed


def etag_of(target: Target, scenario: Scenario, world: World) -> str | None:
    """Ask once and return the tag of the answer, or None when it has none."""
    connection = Connection(target)
    try:
        return connection.exchange(maker(scenario, target, world)(0)).header("ETag")
    finally:
        connection.close()
