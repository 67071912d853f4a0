"""A running server in either shape, as `make run` and `make run-distributed` start it, with doubts: see `doubting`."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import requests

from tests.support.broker import broker_url

EMAIL, PASSWORD = "admin@example.com", "mysecretpassword"
START_SECONDS = 90
EMBEDDED, DISTRIBUTED = "embedded", "distributed"
SHAPES = (EMBEDDED, DISTRIBUTED)
COMMANDS = {EMBEDDED: "run", DISTRIBUTED: "run-distributed"}


@dataclass
class RunningServer:
    """A server process: its address and its folder; `restart` keeps the data."""

    url: str
    home: Path
    process: "subprocess.Popen[bytes] | None" = None
    email: str = EMAIL
    password: str = PASSWORD
    shape: str = EMBEDDED
    settings: dict[str, str] = field(default_factory=dict)

    def start(self) -> None:
        """Start and wait until it is ready."""
        told = {"KIROKU_HOME": str(self.home), "KIROKU_PORT": self.url.rpartition(":")[2], "KIROKU_BCRYPT_COST": "4"}
        environment = {**os.environ, **told, "KIROKU_ADMIN_EMAIL": EMAIL, "KIROKU_ADMIN_PASSWORD": PASSWORD}
        environment |= self.settings
        log = (self.home / "server.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.doubting", COMMANDS[self.shape]],
            env=environment,
            stdout=log,
            stderr=log,
        )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                if requests.get(f"{self.url}/health/ready", timeout=5).status_code == 200:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.1)
        raise RuntimeError(f"the server did not start: {(self.home / 'server.log').read_text()[-2000:]}")

    def stop(self) -> None:
        """Stop as Ctrl-C does."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)
            self.process = None

    def restart(self) -> None:
        """Stop and start on the same data and port."""
        self.stop()
        self.start()

    def processes(self, words: str) -> list[psutil.Process]:
        """Return the processes of this server whose command line contains `words`, such as `serve tasks`."""
        assert self.process is not None
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if words in " ".join(child.cmdline()):
                    found.append(child)
            except psutil.NoSuchProcess:
                continue
        return found

    def kill(self, words: str) -> int:
        """End such processes as a power cut would: kill -9. Return how many."""
        found = self.processes(words)
        for process in found:
            process.kill()
        return len(found)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_server(shape: str = EMBEDDED, amqp_url: str = "", **settings: str) -> Iterator[RunningServer]:
    """Lend a fresh server of `shape` with `settings` as its environment; a broker is found when none is given."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="kiroku-test-"))
        Path(folder).chmod(0o755)
        if shape == DISTRIBUTED:
            settings = {"KIROKU_AMQP_URL": amqp_url or stack.enter_context(broker_url()), **settings}
        server = RunningServer(f"http://127.0.0.1:{free_port()}", Path(folder), shape=shape, settings=settings)
        try:
            server.start()
            yield server
        finally:
            server.stop()
