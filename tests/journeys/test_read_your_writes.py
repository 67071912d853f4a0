"""P5: what one service has acknowledged, another shows at once, 1,000 times, with two replicas of each."""

from collections.abc import Iterator
from typing import Any
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
        for _ in range(3):  # from what is kept, too
            context = ask("GET", "data/user/context")  # production
            names = {each["name"] for each in context["task_types"]}  # type: ignore[index]
            assert f"Compositing {count}" in names
    assert task["id"]


def test_whoever_shows_nothing_sees_what_was_answered_before_to_whomever(server: RunningServer) -> None:
    """Scripts that keep no cookies, and people beside each other, as with one server that has one database."""
    token = token_of(server)
    mail, word = f"{uuid4().hex[:8]}@example.com", "a new person"

    def ask(method: str, path: str, body: object = None, token: str = token) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        reply = requests.request(method, f"{server.url}/{path}", json=body, headers=headers, timeout=60)
        assert reply.ok, f"{method} {path}: {reply.status_code} {reply.text}"
        return reply.json()

    person = {"first_name": "New", "last_name": "Person", "email": mail, "password": word, "role": "user"}
    artist = ask("POST", "data/persons", person)["id"]
    theirs = ask("POST", "auth/login", {"email": mail, "password": word})["access_token"]
    project = ask("POST", "data/projects", {"name": f"Film {uuid4().hex[:6]}"})["id"]
    ask("POST", f"data/projects/{project}/team", {"person_id": artist})
    kind = next(each for each in ask("GET", "data/task-types") if each["for_entity"] == "Shot")
    for count in range(TIMES[server.shape] // 5):
        name = f"SH{count}"
        shot = ask("POST", f"data/projects/{project}/shots", {"name": name})["id"]  # production
        for who in (token, theirs):
            rows = ask("GET", f"data/shots/with-tasks?project_id={project}", token=who)  # tasks
            assert name in {row["name"] for row in rows}
        [task] = ask("POST", f"data/entities/{shot}/tasks", {"task_type_ids": [kind["id"]]})
        ask("PUT", f"actions/persons/{artist}/assign", {"task_ids": [task["id"]]})
        sheet = ask("GET", f"data/projects/{project}/tasks", token=theirs)
        assert [artist] in [row["assignees"] for row in sheet if row["id"] == task["id"]]
        status = ask("GET", "data/task-status")[0]["id"]
        take = {"task_status_id": status, "comment": "Go on"}
        ask("POST", f"actions/tasks/{task['id']}/comment", take)
        # Being assigned was the other news.
        for _ in range(3):  # from what is kept, too
            assert ask("GET", "data/user/context", token=theirs)["notification_count"] == 2 * (count + 1)


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


def test_lists_that_are_held_for_all_are_each_persons_own(server: RunningServer) -> None:
    client = Client(server)
    film = client.ask("POST", "data/projects", {"name": f"Film {uuid4().hex[:6]}"})["id"]
    shot = client.ask("POST", f"data/projects/{film}/shots", {"name": "SH010"})["id"]
    kind = next(each["id"] for each in client.ask("GET", "data/task-types") if each["for_entity"] == "Shot")
    [task] = client.ask("POST", f"data/entities/{shot}/tasks", {"task_type_ids": [kind]})
    people = {}
    for role in ("user", "vendor", "client"):
        mail, word = f"{uuid4().hex[:8]}@example.com", "a new person"
        told = {"first_name": role, "last_name": "P", "email": mail, "password": word, "role": role}
        id_ = client.ask("POST", "data/persons", told)["id"]
        people[role] = id_, Client(server, mail, word)
    rows, tasks = f"data/shots/with-tasks?project_id={film}", f"data/projects/{film}/tasks"
    casting, sheet = f"data/projects/{film}/sequences/all/casting", f"export/csv/projects/{film}/shots.csv"

    def seen(who: Client) -> list[int]:
        """Return what somebody gets of the four lists: a status, or the number of rows."""
        replies = [who.call("GET", path) for path in (rows, tasks, casting, sheet)]
        whole = [len(reply.json()) if reply.ok else reply.status_code for reply in replies[:3]]
        return [*whole, replies[3].status_code]

    for _ in range(3):
        assert seen(client) == [1, 1, 0, 200]
        # Outside of the team nobody sees anything, whatever is held for others.
        assert [seen(who) for _, who in people.values()] == [[0, 403, 403, 403]] * 3
    for id_, _ in people.values():
        client.ask("POST", f"data/projects/{film}/team", {"person_id": id_})
    _, user = people["user"]
    for _ in range(3):
        assert seen(client) == seen(user) == [1, 1, 0, 200]
        assert seen(people["vendor"][1]) == [0, 0, 403, 403]
    user.ask("POST", f"actions/user/tasks/{task['id']}/subscribe")
    for _ in range(3):
        marks = [who.ask("GET", rows)[0]["tasks"][0]["is_subscribed"] for who in (client, user)]
        assert marks == [False, True]
