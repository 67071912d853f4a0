"""A studio's whole day on real input: photographs, a movie made of them, a spreadsheet of 1,000 rows, a restart."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, STDOUT
from typing import Any
from uuid import uuid4

import pytest
import requests

from examples.production_day import run
from kiroku.system import SERVICES
from tests.support import csv_files, feed, pictures
from tests.support.server import SHAPES, RunningServer, running_server
from tests.support.tables import Databases


@pytest.fixture(scope="module", params=SHAPES)
def server(request: pytest.FixtureRequest) -> Iterator[RunningServer]:
    with running_server(request.param) as running:
        yield running


def test_the_day_goes_from_end_to_end_with_a_restart_at_midday(server: RunningServer, tmp_path: Path) -> None:
    day = run(
        server.url,
        server.email,
        server.password,
        pictures=[
            pictures.photograph_file(),
            pictures.save_turned_jpeg(pictures.photograph(640, 480), tmp_path / "turned.jpg", 6),
            pictures.save(pictures.mosaic(1920, 1080), tmp_path / "frame.png"),
        ],
        movie=pictures.save_movie(tmp_path / "pan.mov"),
        csv=csv_files.assets_csv(tmp_path / "assets.csv", suffix=tmp_path.name),
        on_midday=server.restart,
    )
    assert day.comments_by


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_rebuilding_changes_no_row_of_the_day_while_people_read(
    server: RunningServer, token: dict[str, str], service: str
) -> None:
    databases = Databases(server)
    databases.settle()
    before = databases.hashes(service)
    assert any(name.startswith("read_") for name in before)
    told = {"KIROKU_HOME": str(server.home), "KIROKU_PORT": server.url.rpartition(":")[2], **server.settings}
    command = [sys.executable, "-m", "kiroku.cli", "rebuild", service]
    with subprocess.Popen(command, env={**os.environ, **told}, stdout=PIPE, stderr=STDOUT) as rebuilding:
        answers = []
        while rebuilding.poll() is None:
            for path in ("data/projects", "data/tasks", "data/persons", "data/playlists"):
                answers.append(requests.get(f"{server.url}/{path}", headers=token, timeout=30).status_code)
        assert rebuilding.returncode == 0, rebuilding.stdout and rebuilding.stdout.read()
    assert set(answers) == {200}
    databases.settle()
    assert databases.hashes(service) == before


@pytest.fixture(scope="module")
def token(server: RunningServer) -> dict[str, str]:
    body = {"email": server.email, "password": server.password}
    found = requests.post(f"{server.url}/auth/login", json=body, timeout=30).json()["access_token"]
    return {"Authorization": f"Bearer {found}"}


def events_of(server: RunningServer, token: dict[str, str]) -> list[dict[str, Any]]:
    found = requests.get(f"{server.url}/data/events/last", headers=token, params={"limit": 5}, timeout=30)
    return list(found.json())


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "data/projects", b"{broken", 400),
        ("POST", "data/projects", b"[1, 2]", 400),
        ("POST", "data/projects", b'{"name": 5}', 400),
        ("POST", "data/projects", b'{"name": "x", "unknown_field": 1}', 400),
        ("POST", "data/projects", b'{"name": "' + b"x" * 300 + b'"}', 400),
        ("GET", "data/projects/not-an-id", b"", 400),
        ("GET", "data/tasks/00000000-0000-4000-8000-000000000000", b"", 404),
        ("PUT", "actions/tasks/not-an-id/assign", b"{}", 400),
        ("POST", "data/no-such-thing", b"{}", 404),
        ("PATCH", "data/projects", b"{}", 405),
        ("GET", "data/persons?page=x", b"", 400),
        ("GET", "data/tasks?project_id=abc", b"", 400),
    ],
)
def test_bad_input_is_refused_in_the_contracts_words_and_changes_nothing(
    server: RunningServer, token: dict[str, str], method: str, path: str, body: bytes, status: int
) -> None:
    before = events_of(server, token)
    headers = {**token, "Content-Type": "application/json"}
    reply = requests.request(method, f"{server.url}/{path}", data=body or None, headers=headers, timeout=30)
    assert reply.status_code == status, reply.text
    assert reply.headers["X-Request-Id"]
    assert "message" in json.loads(reply.content)
    assert "Traceback" not in reply.text
    assert events_of(server, token) == before


def test_a_client_that_leaves_in_the_middle_of_an_upload_leaves_nothing(
    server: RunningServer, token: dict[str, str]
) -> None:
    before = events_of(server, token)
    host, port = server.url.removeprefix("http://").split(":")
    head = (
        "POST /pictures/thumbnails/organisations/00000000-0000-4000-8000-000000000000 HTTP/1.1\r\n"
        f"Host: {host}\r\nAuthorization: {token['Authorization']}\r\nContent-Length: 1000000\r\n"
        "Content-Type: multipart/form-data; boundary=line\r\n\r\n"
        '--line\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    )
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + b"x" * 50_000)
    assert requests.get(f"{server.url}/health/ready", timeout=30).status_code == 200
    assert events_of(server, token) == before
    assert not list((server.home / "media" / "incoming").glob("*"))


def test_a_refused_upload_is_answered_and_the_connection_stays_usable(server: RunningServer) -> None:
    with requests.Session() as client:
        for size in (10_000, 100_000, 2_000_000):
            for _ in range(10):
                reply = client.post(
                    f"{server.url}/pictures/preview-background-files/{uuid4()}",
                    files={"file": ("a.png", b"x" * size)}, timeout=30,
                )  # fmt: skip
                assert reply.status_code == 401
                assert "Connection" not in reply.headers or reply.headers["Connection"] == "keep-alive"
                assert client.get(f"{server.url}/status", timeout=30).status_code == 200


def test_thirty_listeners_do_not_stop_the_house(server: RunningServer, token: dict[str, str]) -> None:
    import socketio

    listeners = []
    try:
        for _ in range(30):
            client = socketio.Client(reconnection=False)
            client.connect(server.url, headers=token, namespaces=["/events"], transports=["websocket"], wait_timeout=10)
            listeners.append(client)
        for _ in range(20):
            reply = requests.get(f"{server.url}/data/projects/open", headers=token, timeout=10)
            assert reply.status_code == 200
        assert all(client.connected for client in listeners)
    finally:
        for client in listeners:
            client.disconnect()


def test_strangers_may_not_listen(server: RunningServer) -> None:
    import socketio

    client = socketio.Client(reconnection=False)
    with pytest.raises(socketio.exceptions.ConnectionError):
        client.connect(server.url, namespaces=["/events"], transports=["websocket"], wait_timeout=5)


def test_every_event_of_the_day_fits_its_published_schema(server: RunningServer, token: dict[str, str]) -> None:
    seen: set[str] = set()
    for service in ("auth", "production", "tasks", "media", "imports"):
        for event in feed.all_events(server.url, token, service):
            feed.expect_fit(server.url, event)
            seen.add(event["type"])
    assert len(seen) > 30, seen


def test_only_administrators_read_the_feed(server: RunningServer, token: dict[str, str]) -> None:
    address = f"{server.url}/data/events/feed?service=tasks"
    assert requests.get(address, timeout=30).status_code == 401
    artist = {"first_name": "A", "last_name": "B", "email": "feed@example.com", "password": "mysecretpassword"}
    requests.post(f"{server.url}/data/persons", json=artist, headers=token, timeout=30).raise_for_status()
    found = requests.post(f"{server.url}/auth/login", json=artist, timeout=30).json()["access_token"]
    assert requests.get(address, headers={"Authorization": f"Bearer {found}"}, timeout=30).status_code == 403
