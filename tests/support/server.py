"""A running server of the embedded shape, as `make run` starts it."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

EMAIL, PASSWORD = "admin@example.com", "mysecretpassword"
START_SECONDS = 60


@dataclass
class RunningServer:
    """A server process: its address and its folder; `restart` keeps the data."""

    url: str
    home: Path
    process: "subprocess.Popen[bytes] | None" = None
    email: str = EMAIL
    password: str = PASSWORD

    def start(self) -> None:
        """Start and wait until it is ready."""
        told = {"KIROKU_HOME": str(self.home), "KIROKU_PORT": self.url.rpartition(":")[2], "KIROKU_BCRYPT_COST": "4"}
        environment = {**os.environ, **told, "KIROKU_ADMIN_EMAIL": EMAIL, "KIROKU_ADMIN_PASSWORD": PASSWORD}
        log = (self.home / "server.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kiroku.cli", "run"], env=environment, stdout=log, stderr=log
        )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                if requests.get(f"{self.url}/health/ready", timeout=5).status_code == 200:
                    return
            except requests.ConnectionError:
                time.sleep(0.1)
        raise RuntimeError(f"the server did not start: {(self.home / 'server.log').read_text()[-2000:]}")

    def stop(self) -> None:
        """Stop as Ctrl-C does."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)
            self.process = None

    def restart(self) -> None:
        """Stop and start on the same data and port."""
        self.stop()
        self.start()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_server() -> Iterator[RunningServer]:
    """Lend a fresh server."""
    with tempfile.TemporaryDirectory(prefix="kiroku-test-") as folder:
        Path(folder).chmod(0o755)
        server = RunningServer(f"http://127.0.0.1:{free_port()}", Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.stop()
