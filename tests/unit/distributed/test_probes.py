"""Health of a process, as an orchestrator asks for it."""

import time
from collections.abc import Iterator

import pytest
import requests

from kiroku.distributed.probes import Probes, ask

found: list[str] = []


@pytest.fixture
def probes() -> Iterator[Probes]:
    found[:] = ["3 events behind auth"]
    server = Probes("127.0.0.1", _free(), lambda: list(found))
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _free() -> int:
    import socket

    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def test_a_process_is_alive_before_it_is_ready_and_says_what_is_missing(
    probes: Probes, capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"http://127.0.0.1:{probes.port}"
    assert requests.get(f"{address}/health/live", timeout=5).status_code == 200
    deadline = time.monotonic() + 5
    while "behind auth" not in (reply := requests.get(f"{address}/health/ready", timeout=5)).text:
        assert time.monotonic() < deadline
    assert reply.status_code == 503
    assert ask(probes.port) == 1
    assert "3 events behind auth" in capsys.readouterr().err


def test_metrics_are_for_prometheus(probes: Probes) -> None:
    reply = requests.get(f"http://127.0.0.1:{probes.port}/metrics", timeout=5)
    assert reply.headers["Content-Type"].startswith("text/plain")
    assert "# HELP" in reply.text
    assert requests.get(f"http://127.0.0.1:{probes.port}/else", timeout=5).status_code == 404


def test_without_a_port_nothing_is_served() -> None:
    server = Probes("127.0.0.1", 0, list)
    server.start()
    assert server.port == 0
    server.stop()
