"""The embedded shape with several worker processes: one server to everybody outside."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import psutil
import pytest
import requests
import socketio

from tests.support.server import RunningServer, running_server
from tests.support.waiting import wait_for
from tests.support.writers import token_of

WORKERS = 3


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running_server(KIROKU_WORKERS=str(WORKERS)) as running:
        yield running


@pytest.fixture
def token(server: RunningServer) -> str:
    return token_of(server)


def ask(server: RunningServer, token: str, method: str, path: str, body: object = None, **more: Any) -> Any:
    """Send one request over a connection of its own, so that any of the workers may answer."""
    headers = {"Authorization": f"Bearer {token}", "Connection": "close", **more.pop("headers", {})}
    return requests.request(method, f"{server.url}/{path}", json=body, headers=headers, timeout=60, **more)


def workers_of(server: RunningServer) -> list[psutil.Process]:
    """Return the worker processes, the oldest first."""
    assert server.process is not None
    children = psutil.Process(server.process.pid).children()
    return sorted(
        (c for c in children if "doubting run" in " ".join(c.cmdline())), key=lambda c: (c.create_time(), c.pid)
    )


class Listener:
    """A listener of live events that comes back when it is cut off."""

    def __init__(self, server: RunningServer, token: str, transport: str) -> None:
        self.heard: list[str] = []
        self.client = socketio.Client(reconnection_delay=0.2, reconnection_delay_max=0.5)
        self.client.on("project:new", lambda data: self.heard.append(data["project_id"]), namespace="/events")
        self.client.connect(
            server.url, {"Authorization": f"Bearer {token}"}, transports=[transport], namespaces=["/events"],
            wait_timeout=20,
        )  # fmt: skip

    def leave(self) -> None:
        """Go without waiting for the answer to a poll, which comes within the time of a ping."""
        self.client.reconnection = False
        self.client.eio.disconnect(abort=True)

    def hears(self, project: str, seconds: float = 10) -> bool:
        """Return whether the project is heard of within `seconds`."""
        with suppress(AssertionError):
            wait_for(lambda: project in self.heard, seconds)
        return project in self.heard


def new_project(server: RunningServer, token: str) -> str:
    """Create a production and return its id."""
    reply = ask(server, token, "POST", "data/projects", {"name": f"Film {uuid4().hex[:8]}"})
    assert reply.status_code == 201, reply.text
    return str(reply.json()["id"])


def test_all_workers_answer(server: RunningServer, token: str) -> None:
    wait_for(lambda: len(workers_of(server)) == WORKERS)
    before = [sum(process.cpu_times()[:2]) for process in workers_of(server)]
    for _ in range(300):
        assert ask(server, token, "GET", "data/task-status").status_code == 200
    after = [sum(process.cpu_times()[:2]) for process in workers_of(server)]
    assert len(after) == WORKERS
    assert all(late > early for early, late in zip(before, after, strict=True))


def test_who_signs_out_is_out_for_every_worker_at_once(server: RunningServer) -> None:
    for _ in range(5):
        token = token_of(server)
        assert {ask(server, token, "GET", "auth/authenticated").status_code for _ in range(12)} == {200}
        assert ask(server, token, "GET", "auth/logout").status_code == 200
        assert {ask(server, token, "GET", "auth/authenticated").status_code for _ in range(12)} == {401}


def test_what_one_worker_has_acknowledged_every_worker_shows(server: RunningServer, token: str) -> None:
    project = new_project(server, token)
    shot = ask(server, token, "POST", f"data/projects/{project}/shots", {"name": "SH0"}).json()["id"]
    [kind] = [t for t in ask(server, token, "GET", "data/task-types").json() if t["name"] == "Compositing"]
    ask(server, token, "POST", f"data/entities/{shot}/tasks", {"task_type_ids": [kind["id"]]})
    for count in range(1, 40):
        written = ask(server, token, "PUT", f"data/entities/{shot}", {"name": f"SH{count}"})
        seen = {"X-Kiroku-Seen": written.headers["X-Kiroku-Seen"]}
        rows = ask(server, token, "GET", f"data/shots/with-tasks?project_id={project}", headers=seen).json()
        assert [row["name"] for row in rows] == [f"SH{count}"]


def counted(server: RunningServer, *words: str) -> float:
    """Return the number of the one metric whose line has all `words`."""
    lines = requests.get(f"{server.url}/metrics", timeout=20).text.splitlines()
    [line] = [each for each in lines if all(word in each for word in words) and not each.startswith("#")]
    return float(line.rpartition(" ")[2])


def test_metrics_are_those_of_all_workers(server: RunningServer, token: str) -> None:
    words = ("kiroku_http_requests_total", "list_departments")
    ask(server, token, "GET", "data/departments")
    before = counted(server, *words)
    for _ in range(30):
        ask(server, token, "GET", "data/departments")
    assert {counted(server, *words) - before for _ in range(6)} == {30}


def test_answers_that_one_worker_keeps_are_old_as_soon_as_another_has_acknowledged_a_change(
    server: RunningServer, token: str
) -> None:
    project = new_project(server, token)
    for count in range(40):
        ask(server, token, "PUT", f"data/projects/{project}", {"name": f"Film {count}"})
        for _ in range(3):
            assert ask(server, token, "GET", f"data/projects/{project}").json()["name"] == f"Film {count}"
            names = [each["name"] for each in ask(server, token, "GET", "data/projects/open").json()]
            assert f"Film {count}" in names
            assert f"Film {count - 1}" not in names
    assert counted(server, "kiroku_kept_answers_total", "production") > 20


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_a_listener_hears_what_any_worker_does(server: RunningServer, token: str, transport: str) -> None:
    listeners = [Listener(server, token, transport) for _ in range(6)]
    projects = [new_project(server, token) for _ in range(6)]
    assert all(listener.hears(project) for listener in listeners for project in projects)
    assert all(len(listener.heard) == len(set(listener.heard)) for listener in listeners)
    for listener in listeners:
        listener.leave()


def test_workers_that_are_killed_are_replaced_and_listeners_find_their_way_back(
    server: RunningServer, token: str
) -> None:
    listener = Listener(server, token, "websocket")
    for victim in workers_of(server):
        victim.kill()
        psutil.wait_procs([victim], timeout=10)
        wait_for(lambda: len(workers_of(server)) == WORKERS)
        # What happens while a listener is away, it reads from the API; so try until one is heard.
        wait_for(lambda: listener.hears(new_project(server, token), 1))
    listener.leave()
