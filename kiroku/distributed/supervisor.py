"""The distributed shape on one machine: a process per service and replica, watched over by this one."""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

from kiroku.addresses import database_of
from kiroku.distributed.serving import broker_of
from kiroku.embedded import admin_of, database_template, service_settings
from kiroku.settings import Settings, WrongSettingError
from kiroku.system import SERVICES, System

STOP_SECONDS = 30.0
PROGRAM = "kiroku.cli"


@dataclass
class Child:
    """A process that is to run: what it does, and when it was started last."""

    arguments: tuple[str, ...]
    process: "subprocess.Popen[bytes] | None" = None
    started: float = field(default=0.0)
    own: dict[str, str] = field(default_factory=dict)

    def start(self, environment: dict[str, str]) -> None:
        """Start it."""
        self.started = time.monotonic()
        command = [sys.executable, "-m", PROGRAM, *self.arguments]
        self.process = subprocess.Popen(command, env={**environment, **self.own})


def children() -> list[Child]:
    """Return the processes to run: REPLICAS_<SERVICE> of each service, and the gateway."""
    found = []
    for name in SERVICES:
        count = os.environ.get(f"REPLICAS_{name.upper()}", "1")
        if not count.isdigit() or int(count) < 1:
            raise WrongSettingError(f"REPLICAS_{name.upper()}={count!r} is not a number of processes: set 1 or more")
        found += [Child(("serve", name)) for _ in range(int(count))]
    return [*found, Child(("serve", "gateway"))]


def run_distributed(settings: Settings) -> None:
    """Start everything, start again what dies, and stop all of it on a signal."""
    broker_of(settings)
    wanted = children()
    admin = admin_of(settings)
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    with ExitStack() as stack:
        template = database_template(settings, stack)
        prepare(settings, template)
        environment = {
            **os.environ, "KIROKU_DATABASE_URL": template, "KIROKU_AMQP_URL": settings.amqp_url,
            "KIROKU_HOME": str(settings.home.resolve()), "KIROKU_PROBE_PORT": "0",
        }  # fmt: skip
        for place, child in enumerate(wanted):
            if settings.probe_port:
                child.own["KIROKU_PROBE_PORT"] = str(settings.probe_port + place)
            child.start(environment)
        print(f"Kiroku: {admin['url']}   docs: {admin['url']}/docs   {len(wanted)} processes", flush=True)
        print(f"Administrator: {admin['email']}   password: {admin['password']}", flush=True)
        try:
            while not stopping:
                _watch(wanted, environment)
                time.sleep(0.2)
        finally:
            _stop(wanted)


def prepare(settings: Settings, template: str, *, serve: bool = True) -> None:
    """Bring all databases into shape and seed fresh ones; `serve` is that of System.migrate."""
    admin = admin_of(settings)
    told = {**service_settings(settings, admin["password"]), "admin_email": admin["email"]}
    system = System({name: database_of(template, name) for name in SERVICES}, told)
    try:
        system.migrate(serve=serve)
    finally:
        system.stop()


def _watch(wanted: list[Child], environment: dict[str, str]) -> None:
    for child in wanted:
        ended = child.process is not None and child.process.poll() is not None
        if ended and time.monotonic() - child.started > 0.5:
            print(f"kiroku: {' '.join(child.arguments)} ended and is started again", file=sys.stderr, flush=True)
            child.start(environment)


def _stop(wanted: list[Child]) -> None:
    """Stop the gateway first, then the services."""
    for child in reversed(wanted):
        if child.process is not None and child.process.poll() is None:
            child.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    for child in reversed(wanted):
        if child.process is None:
            continue
        try:
            child.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.process.kill()
