"""How fast the machine is at the moment of a run: a constant answer through gunicorn, with nothing of ours in it.

For the machine on which the peer's times were recorded, 0.13 ms is on record. On a slower one, or in a slower hour,
all ratios to recorded times are lower.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from bench.client import Target, measure

RECORDED_MS = 0.13
STARTING_SECONDS = 20.0
BODY = b'{"hello": "world"}'


def constant(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer the same to everything: a WSGI application."""
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))])
    return [BODY]


def constant_answer_ms(seconds: float = 1.0) -> float:
    """Return the median time of a constant answer for one client, in milliseconds."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--threads", "4", "--log-level", "error"]
    process = subprocess.Popen([*command, "--bind", f"127.0.0.1:{port}", "bench.machine:constant"])
    try:
        _wait(port)
        target = Target("127.0.0.1", port)
        request = target.request("GET", "/")
        measure(target, lambda number: request, clients=1, seconds=seconds / 4, wanted=(200,))
        run = measure(target, lambda number: request, clients=1, seconds=seconds, wanted=(200,))
        return run.percentile(0.5) * 1000
    finally:
        process.terminate()
        process.wait(10)


def _wait(port: int) -> None:
    deadline = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"bench: gunicorn did not start within {STARTING_SECONDS:.0f} s")
