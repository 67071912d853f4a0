"""P5: what one service has acknowledged, another shows at once, 1,000 times, with two replicas of each."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
import requests

from kiroku.system import SERVICES
from tests.support.server import DISTRIBUTED, EMBEDDED, SHAPES, RunningServer, running_server
from tests.support.studio import Client
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


def test_castings_and_spreadsheets_asked_for_again_show_what_has_changed(server: RunningServer) -> None:
    client = Client(server)
    film, lender = (client.ask("POST", "data/projects", {"name": f"P {uuid4().hex[:6]}"})["id"] for _ in range(2))
    kind = client.ask("GET", "data/asset-types")[0]["id"]
    shot = client.ask("POST", f"data/projects/{film}/shots", {"name": "SH010"})["id"]
    lent = client.ask("POST", f"data/projects/{lender}/asset-types/{kind}/assets/new", {"name": "Lamp"})["id"]
    casting = [{"asset_id": lent, "nb_occurences": 1}]
    client.ask("PUT", f"data/projects/{film}/entities/{shot}/casting", casting)

    def shown() -> tuple[str, str]:
        """Return the name of the asset in the casting, and of the shot in the spreadsheet."""
        [row] = client.ask("GET", f"data/projects/{film}/sequences/all/casting")[shot]
        sheet = client.call("GET", f"export/csv/projects/{film}/shots.csv").content.decode()
        return row["asset_name"], sheet.splitlines()[1].split(";")[3]

    assert [shown() for _ in range(4)] == [("Lamp", "SH010")] * 4
    for name in ("Old lamp", "Lamp again"):
        client.ask("PUT", f"data/entities/{lent}", {"name": name})
        client.ask("PUT", f"data/entities/{shot}", {"name": f"{name}'s shot"})
        assert [shown() for _ in range(4)] == [(name, f"{name}'s shot")] * 4
