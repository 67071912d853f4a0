"""P5: what one service has acknowledged, another shows at once, 1,000 times, with two replicas of each."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
import requests

from kiroku.system import SERVICES
from tests.support.server import DISTRIBUTED, EMBEDDED, SHAPES, RunningServer, running_server
from tests.support.writers import token_of

TIMES = {EMBEDDED: 50, DISTRIBUTED: 500}


@pytest.fixture(scope="module", params=SHAPES)
def server(request: pytest.FixtureRequest) -> Iterator[RunningServer]:
    replicas = {f"REPLICAS_{name.upper()}": "2" for name in SERVICES}
    with running_server(request.param, **replicas) as running:
        yield running


def test_a_client_reads_what_it_wrote_whichever_service_answers(server: RunningServer) -> None:
    client = requests.Session()
    client.headers["Authorization"] = f"Bearer {token_of(server)}"

    def ask(method: str, path: str, body: object = None) -> object:
        reply = client.request(method, f"{server.url}/{path}", json=body, timeout=60)
        assert reply.ok, f"{method} {path}: {reply.status_code} {reply.text}"
        return reply.json()

    project = ask("POST", "data/projects", {"name": f"Film {uuid4().hex[:6]}"})["id"]  # type: ignore[index]
    shot = ask("POST", f"data/projects/{project}/shots", {"name": "SH0"})["id"]  # type: ignore[index]
    [kind] = [t for t in ask("GET", "data/task-types") if t["name"] == "Compositing"]  # type: ignore[attr-defined]
    [task] = ask("POST", f"data/entities/{shot}/tasks", {"task_type_ids": [kind["id"]]})  # type: ignore[misc]
    for count in range(TIMES[server.shape]):
        ask("PUT", f"data/entities/{shot}", {"name": f"SH{count}"})  # production
        [row] = ask("GET", f"data/shots/with-tasks?project_id={project}")  # type: ignore[misc]  # tasks
        assert row["name"] == f"SH{count}"
        for _ in range(3):  # from what is kept, too
            assert ask("GET", f"data/entities/{shot}")["name"] == f"SH{count}"  # type: ignore[index]
        ask("PUT", f"data/task-types/{kind['id']}", {"name": f"Compositing {count}"})  # tasks
        context = ask("GET", "data/user/context")  # production
        names = {each["name"] for each in context["task_types"]}  # type: ignore[index]
        assert f"Compositing {count}" in names
    assert task["id"]
