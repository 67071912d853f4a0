"""Working files and output files over HTTP: numbered, placed by the file tree, open to those they concern."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
import requests

from tests.support.server import PASSWORD, RunningServer
from tests.support.studio import Client

NOBODY = "00000000-0000-4000-8000-000000000000"


class Film:
    """A project with the tree `simple`, an asset with a task, and an output type."""

    def __init__(self, server: RunningServer) -> None:
        self.server, self.admin, mark = server, Client(server), uuid4().hex[:6]
        self.project = self.admin.ask("POST", "data/projects", {"name": f"Film {mark}"})["id"]
        self.admin.ask("POST", f"actions/projects/{self.project}/set-file-tree", {"tree_name": "simple"})
        self.kind = next(t for t in self.admin.ask("GET", "data/asset-types") if t["name"] == "Character")["id"]
        new = f"data/projects/{self.project}/asset-types/{self.kind}/assets/new"
        self.asset = self.admin.ask("POST", new, {"name": "Old Hero"})["id"]
        self.work = next(t for t in self.admin.ask("GET", "data/task-types") if t["name"] == "Modeling")["id"]
        [task] = self.admin.ask("POST", f"data/entities/{self.asset}/tasks", {"task_type_ids": [self.work]})
        self.task = task["id"]
        self.type = self.admin.ask("POST", "data/output-types", {"name": f"Geo {mark}", "short_name": "geo"})["id"]
        self.body = {"output_type_id": self.type, "task_type_id": self.work}
        self.root = f"film_{mark}"
        self.outputs = f"data/entities/{self.asset}/output-files"

    def member(self, role: str, *, team: bool = True) -> tuple[str, Client]:
        email = f"{uuid4().hex[:8]}@studio.com"
        body = {"first_name": "Ana", "last_name": role, "email": email, "role": role, "password": PASSWORD}
        person = self.admin.ask("POST", "data/persons", body)["id"]
        if team:
            self.admin.ask("POST", f"data/projects/{self.project}/team", {"person_id": person})
        client = Client(self.server, email)
        # What the administrator has seen so far, this one sees too.
        client.session.cookies.update(self.admin.session.cookies)
        return person, client


@pytest.fixture
def film(server: RunningServer) -> Film:
    return Film(server)


def test_files_made_at_the_same_time_get_a_revision_each(film: Film) -> None:
    _, artist = film.member("user")

    def make(path: str, body: dict[str, str]) -> int:
        headers = {"Authorization": f"Bearer {artist.token}"}
        cookies = artist.session.cookies.get_dict()
        reply = requests.post(f"{film.server.url}/{path}", json=body, headers=headers, cookies=cookies, timeout=60)
        assert reply.status_code == 201, reply.text
        return int(reply.json()["revision"])

    with ThreadPoolExecutor(8) as pool:
        outputs = list(pool.map(lambda _: make(f"{film.outputs}/new", film.body), range(8)))
        path = f"data/tasks/{film.task}/working-files/new"
        works = list(pool.map(lambda _: make(path, {"name": "main"}), range(8)))
    assert sorted(outputs) == sorted(works) == list(range(1, 9))
    [newest] = film.admin.ask("GET", f"{film.outputs}/last-revisions")
    assert newest["revision"] == 8
    assert film.admin.ask("POST", f"{film.outputs}/next-revision", film.body) == {"next_revision": 9}


def test_a_file_lies_where_the_tree_says_and_its_path_tells_what_it_is(film: Film) -> None:
    working = film.admin.ask("POST", f"data/tasks/{film.task}/working-files/new", {"name": "main"})
    folder = f"/simple/productions/{film.root}/assets/character/old_hero/modeling/blender"
    assert working["path"] == f"{folder}/{film.root}_character_old_hero_modeling_main_v001"
    body = {**film.body, "extension": ".abc", "working_file_id": working["id"]}
    made = film.admin.ask("POST", f"{film.outputs}/new", body)
    assert made["path"] == f"{made['folder_path']}/{made['file_name']}.abc"
    assert film.admin.ask("GET", film.outputs)[0]["source_file"]["id"] == working["id"]
    question = {"project_id": film.project, "file_path": f"{working['path']}.blend"}
    [meant] = film.admin.ask("POST", "data/entities/guess-from-path", question)
    assert meant["Project"] == film.project
    assert (meant["AssetType"], meant["Asset"], meant["TaskType"]) == (film.kind, film.asset, film.work)
    assert (meant["Name"], meant["Version"]) == ("main", "001")
    assert film.admin.ask("POST", "data/entities/guess_from_path", {**question, "file_path": "/elsewhere"}) == []


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"output_type_id": NOBODY}, 400, {"error": "Cannot find given output type."}),
        ({"person_id": NOBODY}, 400, {"error": "Cannot find given person."}),
        ({"file_status_id": NOBODY}, 400, {"error": "Cannot find given file status."}),
        ({"working_file_id": NOBODY}, 404, None),
        ({"revision": -1}, 400, None),
        ({"extension": "." * 11}, 400, None),
        ({"name": "a\0b"}, 400, None),
        ({"mode": "render"}, 400, None),
    ],
)
def test_an_output_file_of_what_is_not_there_is_refused_and_leaves_nothing(
    film: Film, change: dict[str, Any], status: int, message: dict[str, str] | None
) -> None:
    reply = film.admin.call("POST", f"{film.outputs}/new", {**film.body, **change})
    assert reply.status_code == status, reply.text
    assert message is None or reply.json() == message
    assert film.admin.ask("GET", film.outputs) == []


def test_a_revision_is_taken_once(film: Film) -> None:
    body = {**film.body, "revision": 4}
    film.admin.ask("POST", f"{film.outputs}/new", body)
    reply = film.admin.call("POST", f"{film.outputs}/new", body)
    assert (reply.status_code, reply.json()) == (400, {"error": "The given output file already exists."})


def test_files_are_open_to_the_team_and_to_vendors_with_a_task(film: Film) -> None:
    output = f"data/output-files/{film.admin.ask('POST', f'{film.outputs}/new', film.body)['id']}"
    file = film.admin.ask("POST", f"data/tasks/{film.task}/working-files/new", {"name": "main"})["id"]
    working = f"data/working-files/{file}"
    vendor_id, vendor = film.member("vendor")
    _, artist = film.member("user")
    _, client = film.member("client")
    _, outsider = film.member("user", team=False)
    for reader in (artist, client):
        assert [reader.status("GET", path) for path in (output, working, film.outputs)] == [200, 200, 200]
        assert len(reader.ask("GET", "data/output-files")) == len(reader.ask("GET", "data/working-files")) == 1
    assert [outsider.status("GET", path) for path in (output, working, film.outputs)] == [403, 403, 403]
    assert outsider.ask("GET", "data/output-files") == []
    assert [vendor.status("GET", path) for path in (output, working, film.outputs)] == [403, 403, 403]
    film.admin.ask("PUT", f"actions/tasks/{film.task}/assign", {"person_id": vendor_id})
    vendor.session.cookies.update(film.admin.session.cookies)
    assert [vendor.status("GET", path) for path in (output, working, film.outputs)] == [200, 200, 403]
    assert vendor.status("GET", "data/output-files") == 403
    assert [each.status("PUT", output, {"comment": "mine"}) for each in (artist, vendor)] == [403, 200]


def test_working_files_keep_their_task_until_force_takes_both(film: Film) -> None:
    file = film.admin.ask("POST", f"data/tasks/{film.task}/working-files/new", {"name": "main"})["id"]
    film.admin.ask("POST", f"{film.outputs}/new", {**film.body, "working_file_id": file})
    assert film.admin.status("DELETE", f"data/tasks/{film.task}") == 400
    assert film.admin.status("GET", f"data/working-files/{file}") == 200
    assert film.admin.status("DELETE", f"data/tasks/{film.task}?force=true") == 204
    # The lists tell, as a single read asks for the task first.
    assert file not in [each["id"] for each in film.admin.ask("GET", "data/working-files")]
    assert film.admin.ask("GET", film.outputs) == []
