"""Health and metrics of one process, on a port of its own, which no load on the other ports can hold up.

`/health/live`: the process looks after itself. `/health/ready`: its broker and database answer, and its projections
have caught up once since it started. `/metrics`: Prometheus.
"""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import orjson

from chassis.telemetry import CONTENT_TYPE, exposition

logger = logging.getLogger(__name__)
EVERY = 3.0
# A check may wait for a call (60 s) more than once; what takes longer than this hangs.
STUCK = 300.0
Problems = Callable[[], list[str]]


class Probes:
    """Looks at a process in the background and tells what it saw last."""

    def __init__(self, host: str, port: int, problems: Problems) -> None:
        """Serve on `host`:`port` unless that is 0; `problems` returns what keeps the process from being ready."""
        self._problems = problems
        self._found = ["not looked at yet"]
        self._looked = time.monotonic()
        self._done = threading.Event()
        self._server = _Server((host, port), self) if port else None

    def start(self) -> None:
        """Serve from now on."""
        if self._server is not None:
            threading.Thread(target=self._look, name="probes", daemon=True).start()
            threading.Thread(target=self._server.serve_forever, args=(0.1,), name="probes-http", daemon=True).start()

    def stop(self) -> None:
        """Serve no more."""
        self._done.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    @property
    def port(self) -> int:
        """Return the port, 0 when there is none."""
        return int(self._server.server_address[1]) if self._server is not None else 0

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Return (status, content type, body) of a path."""
        if path == "/metrics":
            return 200, CONTENT_TYPE, exposition()
        stuck = time.monotonic() - self._looked > STUCK
        if path == "/health/live":
            return _json(503 if stuck else 200, {"live": not stuck})
        if path == "/health/ready":
            problems = ["the check hangs"] if stuck else self._found
            return _json(503 if problems else 200, {"ready": not problems, "problems": problems})
        return _json(404, {"message": "There are /health/live, /health/ready and /metrics."})

    def _look(self) -> None:
        while not self._done.is_set():
            try:
                self._found = self._problems()
            except Exception as problem:
                logger.debug("a check failed", exc_info=True)
                self._found = [f"{type(problem).__name__}: {problem}"]
            self._looked = time.monotonic()
            self._done.wait(EVERY)


def _json(status: int, content: dict[str, Any]) -> tuple[int, str, bytes]:
    return status, "application/json", orjson.dumps(content)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], probes: Probes) -> None:
        self.probes = probes
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    timeout = 10

    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        status, kind, body = self.server.probes.answer(self.path.partition("?")[0])
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: probes come every few seconds."""


def ask(port: int) -> int:
    """Ask a process on this machine whether it is ready; return an exit status. What containers run as health check."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5) as reply:
            return 0 if reply.status == 200 else 1
    except HTTPError as refusal:
        print(refusal.read().decode("utf-8", "replace"), file=sys.stderr)
    except (URLError, OSError) as problem:
        print(problem, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(ask(int(os.environ.get("KIROKU_PROBE_PORT") or os.environ.get("KIROKU_PORT") or 8080)))
