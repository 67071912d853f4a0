"""`make scale-demo`: more replicas under load, replicas that die, and a rolling restart, over a real RabbitMQ.

Starts the distributed shape on this machine at KIROKU_AMQP_URL, with one, two and three replicas of production and
tasks, and prints what each gives. Then it ends replicas in good order and in none, and restarts every process one by
one, while clients work. Exit status 1 when a request failed for good, or an event was lost or doubled.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import requests

from bench.careful import AGAIN, Careful, Ledger, wrong_in
from bench.client import measure
from bench.fill import maker
from bench.load import Api, load
from bench.processes import family
from bench.report import aligned
from bench.run import Server
from bench.scenarios import CHANGES, CROWD_WRITES, READS
from kiroku.system import SERVICES

EMAIL, PASSWORD = "admin@example.com", "scale-demo-password"
SCALED = ("production", "tasks")
LIGHT = ("one task", "one entity", "status list", "open projects")
CLIENTS, SECONDS = 16, 8.0
START_SECONDS = 90


class House:
    """The distributed shape in a process of its own, with its children."""

    def __init__(self, url: str, process: "subprocess.Popen[bytes]") -> None:
        """Know where it is."""
        self.url, self.process = url, process

    def parts(self, words: str) -> list[psutil.Process]:
        """Return the processes whose command line ends with `words`, such as `serve tasks`."""
        found = []
        for child in psutil.Process(self.process.pid).children():
            try:
                if " ".join(child.cmdline()).endswith(words):
                    found.append(child)
            except psutil.Error:
                continue
        return found

    def ready(self) -> bool:
        """Tell whether the gateway answers that it is ready."""
        try:
            return requests.get(f"{self.url}/health/ready", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def await_ready(self) -> None:
        """Wait until it is. Raises SystemExit when that takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while not self.ready():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise SystemExit("scale-demo: the processes did not start; see the lines above")
            time.sleep(0.2)


@contextmanager
def house(replicas: int, amqp_url: str) -> Iterator[House]:
    """Lend a fresh house with so many replicas of the scaled services."""
    with tempfile.TemporaryDirectory(prefix="kiroku-scale-") as folder, socket.socket() as probe:
        Path(folder).chmod(0o755)  # as root PostgreSQL runs as another user
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        told = {
            "KIROKU_HOME": folder, "KIROKU_PORT": str(port), "KIROKU_AMQP_URL": amqp_url, "KIROKU_LOG_LEVEL": "error",
            "KIROKU_ADMIN_EMAIL": EMAIL, "KIROKU_ADMIN_PASSWORD": PASSWORD,
            **{f"REPLICAS_{name.upper()}": str(replicas) for name in SCALED},
        }  # fmt: skip
        command = [sys.executable, "-m", "kiroku.cli", "run-distributed"]
        process = subprocess.Popen(command, env={**os.environ, **told}, stdout=subprocess.DEVNULL)
        try:
            found = House(f"http://127.0.0.1:{port}", process)
            found.await_ready()
            yield found
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def busy(processes: list[psutil.Process]) -> float:
    """Return the CPU seconds that processes have used."""
    total = 0.0
    for process in processes:
        try:
            total += sum(process.cpu_times()[:2])
        except psutil.Error:
            continue
    return total


def brokers() -> list[psutil.Process]:
    """Return the brokers of this machine; empty when it runs elsewhere."""
    return [each for each in psutil.process_iter(["name"]) if each.info["name"] == "beam.smp"]


def throughput(replicas: int, amqp_url: str) -> tuple[str, ...]:
    """Measure reads and changes with so many replicas; return a line of the table."""
    with house(replicas, amqp_url) as found:
        api = Api(found.url, EMAIL, PASSWORD)
        world = load(api, "tiny")
        server = Server("scale", api, world)
        reads = [maker(one, server.target(), world) for one in READS if one.name in LIGHT]
        writes = [maker(one, server.target(), world) for one in CHANGES if one.name in CROWD_WRITES]

        def make(number: int) -> bytes:
            chosen = writes if number % 5 == 4 else reads
            return chosen[(number // 5 + number) % len(chosen)](number)

        good = (200, 201)
        measure(server.target(), make, clients=CLIENTS, seconds=2, wanted=good)
        ours = [psutil.Process(pid) for pid in family([found.process.pid])]
        # What answers is a child of the gateway's process.
        gateway = [each for head in found.parts("serve gateway") for each in (head, *head.children(recursive=True))]
        parts = [each for name in SERVICES for each in found.parts(f"serve {name}")]
        database = [each for each in ours if each.name().startswith("postgres")]
        groups = {"gateway": gateway, "services": parts, "PostgreSQL": database, "RabbitMQ": brokers()}
        before = {name: busy(processes) for name, processes in groups.items()}
        run = measure(server.target(), make, clients=CLIENTS, seconds=SECONDS, wanted=good)
        shares = [f"{100 * (busy(group) - before[name]) / run.seconds:.0f} %" for name, group in groups.items()]
        p50, p99 = (f"{run.percentile(share) * 1000:.0f}" for share in (0.5, 0.99))
        return str(replicas), f"{run.per_second:.0f}", p50, p99, *shares, str(sum(run.errors.values()))


def disturbed(amqp_url: str) -> tuple[Ledger, list[str]]:
    """End replicas and restart everything while careful clients work; return their ledger and what is wrong."""
    with house(2, amqp_url) as found:
        api = Api(found.url, EMAIL, PASSWORD)
        load(api, "tiny")
        paths = ["/data/projects/open", "/data/task-types", "/data/persons", "/data/user/context", "/data/tasks?page=1"]
        with Careful(api, paths) as clients:
            time.sleep(2)
            for number, words in ((signal.SIGTERM, "in good order"), (signal.SIGKILL, "with kill -9")):
                print(f"a replica of tasks ends {words}", flush=True)
                _end(found, "tasks", number)
                time.sleep(3)
            for name in (*SERVICES, "gateway"):
                for _ in range(len(found.parts(f"serve {name}"))):
                    print(f"{name} is restarted", flush=True)
                    _end(found, name, signal.SIGTERM)
            time.sleep(2)
        found.await_ready()
        return clients.ledger, wrong_in(api, clients.ledger, clients.mark)


def _end(found: House, name: str, number: signal.Signals) -> None:
    """End the oldest process of a service and wait until another one is in its place."""
    parts = found.parts(f"serve {name}")
    oldest = min(parts, key=lambda part: part.create_time())
    oldest.send_signal(number)
    oldest.wait(40)
    deadline = time.monotonic() + START_SECONDS
    while len(found.parts(f"serve {name}")) < len(parts) or not found.ready():
        if time.monotonic() > deadline:
            raise SystemExit(f"scale-demo: no other process of {name} was started")
        time.sleep(0.1)
    # It takes part once it has connected and caught up.
    time.sleep(2)


def main() -> int:
    """Show it all."""
    amqp_url = os.environ.get("KIROKU_AMQP_URL", "")
    if not amqp_url:
        print("scale-demo: KIROKU_AMQP_URL is not set: give the address of a RabbitMQ", file=sys.stderr)
        return 2
    head = ("replicas", "req/s", "p50 ms", "p99 ms", "gateway", "services", "PostgreSQL", "RabbitMQ", "errors")
    print(f"{CLIENTS} clients, 80 % reads, {os.cpu_count()} processors; CPU in percent of one processor", flush=True)
    print(aligned([head, *(throughput(replicas, amqp_url) for replicas in (1, 2, 3))]), flush=True)
    ledger, wrong = disturbed(amqp_url)
    again = "/".join(map(str, AGAIN))
    lines = [
        ("requests", str(ledger.asked)),
        (f"repeated (no connection, {again})", str(ledger.repeated)),
        ("failed for good", str(sum(ledger.failed.values()))),
        ("slowest, repeats included", f"{ledger.slowest:.1f} s"),
        ("changes acknowledged", str(len(ledger.made))),
        ("lost or doubled", "; ".join(wrong) or "none"),
    ]
    print(aligned([("while replicas came and went", ""), *lines]))
    for failure, count in ledger.failed.most_common(5):
        print(f"  {count} × {failure}")
    return int(bool(wrong or ledger.failed))


if __name__ == "__main__":
    sys.exit(main())
