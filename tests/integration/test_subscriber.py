"""The consumer of the guide against a running house: each event once, whatever is killed; and what people are shown."""

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
from kombu.connection import Connection

from tests.support import feed
from tests.support.broker import broker_url
from tests.support.server import DISTRIBUTED, RunningServer, free_port, running_server
from tests.support.waiting import wait_for

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.distributed


def sign_in(server: RunningServer) -> dict[str, str]:
    body = {"email": server.email, "password": server.password}
    token = requests.post(f"{server.url}/auth/login", json=body, timeout=30).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}


@contextmanager
def consuming(server: RunningServer, amqp_url: str, headers: dict[str, str], folder: Path) -> Iterator[None]:
    told = {"KIROKU_API": server.url, "KIROKU_TOKEN": headers["Authorization"][7:], "KIROKU_AMQP_URL": amqp_url}
    consumer = subprocess.Popen(
        [sys.executable, ROOT / "examples/subscribe.py"], cwd=folder, env={**os.environ, **told}
    )
    try:
        yield
        assert consumer.poll() is None, "the consumer has ended"
    finally:
        consumer.kill()
        consumer.wait()


def seen(folder: Path) -> list[int]:
    try:
        with sqlite3.connect(f"file:{folder / 'farm.sqlite'}?mode=ro", uri=True) as db:
            return [position for (position,) in db.execute("SELECT position FROM seen ORDER BY rowid")]
    except sqlite3.OperationalError:
        return []


def make_types(server: RunningServer, headers: dict[str, str], *names: str) -> None:
    for name in names:
        body = {"name": name, "color": "#336699"}
        requests.post(f"{server.url}/data/task-types", json=body, headers=headers, timeout=30).raise_for_status()


def head(server: RunningServer, headers: dict[str, str]) -> int:
    query = {"service": "tasks", "after": "0", "limit": "1"}
    page = requests.get(f"{server.url}/data/events/feed", query, headers=headers, timeout=30).json()
    return int(page["head"])


def test_a_consumer_sees_each_event_once_across_kills_and_a_lost_queue(tmp_path: Path) -> None:
    with broker_url() as url, running_server(DISTRIBUTED, url) as server:
        headers = sign_in(server)
        with consuming(server, url, headers, tmp_path):
            wait_for(lambda: seen(tmp_path)[-1:] == [head(server, headers)])
            make_types(server, headers, "Grooming", "Rigging 2")
            wait_for(lambda: seen(tmp_path)[-1:] == [head(server, headers)])
        make_types(server, headers, "While nobody listens")
        with Connection(url) as connection:
            channel: Any = connection.channel()
            channel.queue_delete("farm.tasks")
        with consuming(server, url, headers, tmp_path):
            server.kill("serve tasks")
            server.kill("serve gateway")
            wait_for(lambda: requests_work(server, headers))
            make_types(server, headers, "After the kill")
            last = head(server, headers)
            wait_for(lambda: seen(tmp_path)[-1:] == [last])
        assert seen(tmp_path) == list(range(1, last + 1))


def requests_work(server: RunningServer, headers: dict[str, str]) -> bool:
    try:
        return requests.get(f"{server.url}/data/task-types", headers=headers, timeout=5).status_code == 200
    except requests.RequestException:
        return False


def test_each_process_serves_its_metrics_and_writes_json(tmp_path: Path) -> None:
    port = free_port()
    with running_server(DISTRIBUTED, KIROKU_PROBE_PORT=str(port), KIROKU_LOG_LEVEL="info") as server:
        headers = sign_in(server)
        make_types(server, headers, "Grooming")
        texts = [requests.get(f"http://127.0.0.1:{port + n}/metrics", timeout=30).text for n in range(6)]
        tasks, gateway = texts[2], texts[5]
        assert re.search(r'kiroku_operation_seconds_count\{operation="create_task_type",service="tasks"\} 1.0', tasks)
        assert re.search(r'kiroku_log_position\{service="tasks"\} [1-9]', tasks)
        assert 'kiroku_relay_backlog_events{service="tasks"}' in tasks
        assert 'kiroku_rpc_queue_seconds_count{queue="kiroku.rpc.tasks"}' in tasks
        assert re.search(r'kiroku_http_requests_total\{operation="tasks.create_task_type",status="201"\} 1.0', gateway)
        assert 'kiroku_rpc_seconds_count{service="tasks"}' in gateway
        log = (server.home / "server.log").read_bytes().splitlines()
    lines = [orjson.loads(line) for line in log if line.startswith(b"{")]
    of_one = [line for line in lines if line.get("operation") == "tasks.create_task_type"]
    assert {line["logger"] for line in of_one} == {"gateway.app", "chassis.observed"}
    assert len({line["request_id"] for line in of_one}) == 1
    assert any(line.get("position") for line in of_one)


def kiroku(server: RunningServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "KIROKU_HOME": str(server.home), **server.settings}
    command = [sys.executable, "-m", "kiroku.cli", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_people_tail_the_log_and_ask_the_doctor_while_the_house_runs() -> None:
    with running_server() as server:
        headers = sign_in(server)
        make_types(server, headers, "Grooming")
        told = kiroku(server, "events", "tail", "--service", "tasks", "--from", "0").stdout.splitlines()
        assert len(told) == head(server, headers)
        assert "tasks.task-type-created.v1" in told[-1]
        assert '"Grooming"' in told[-1]
        shown = kiroku(server, "events", "tail", "--service", "tasks", "--json").stdout.splitlines()
        assert len(shown) == 10
        feed.expect_fit(server.url, orjson.loads(shown[-1]))
        well = kiroku(server, "doctor")
        assert well.returncode == 0, well.stdout
        for what in ("database tasks", "broker", "storage", "ffmpeg", "clock auth", "lag media"):
            assert re.search(rf"^ok +{what}", well.stdout, re.M), well.stdout
        server.settings["KIROKU_AMQP_URL"] = "amqp://guest:guest@127.0.0.1:1/"
        ill = kiroku(server, "doctor")
        assert ill.returncode == 1
        assert "start RabbitMQ, or correct KIROKU_AMQP_URL" in ill.stdout
