"""The first day on a fresh server, with gazu and raw HTTP: sign in, build a production, work, restart."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import gazu
import pytest
import requests
import skimage.data
from PIL import Image

from tests.support.server import SHAPES, RunningServer, running_server


@pytest.fixture(scope="module", params=SHAPES)
def server(request: pytest.FixtureRequest) -> Iterator[RunningServer]:
    with running_server(request.param) as running:
        gazu.set_host(f"{running.url}/api")
        gazu.log_in(running.email, running.password)
        yield running


@pytest.fixture(scope="module")
def token(server: RunningServer) -> str:
    return sign_in(server, server.email, server.password).json()["access_token"]


@pytest.fixture(scope="module")
def studio(server: RunningServer) -> dict[str, Any]:
    """A production with a team of one artist, an asset, a shot and a task."""
    project = gazu.client.post("data/projects", {"name": f"Film {uuid4().hex[:6]}"})
    artist = gazu.client.post(
        "data/persons", {"first_name": "Anne", "last_name": "Été", "email": f"anne-{uuid4().hex[:6]}@example.com"}
    )
    gazu.client.post(f"data/projects/{project['id']}/team", {"person_id": artist["id"]})
    character = next(t for t in gazu.client.get("data/asset-types") if t["name"] == "Character")
    path = f"data/projects/{project['id']}"
    asset = gazu.client.post(f"{path}/asset-types/{character['id']}/assets/new", {"name": "Momo"})
    sequence = gazu.client.post(f"{path}/sequences", {"name": "SQ01"})
    shot = gazu.client.post(f"{path}/shots", {"name": "SH010", "sequence_id": sequence["id"], "nb_frames": 48})
    modeling = next(t for t in gazu.client.get("data/task-types") if t["name"] == "Modeling")
    [task] = gazu.client.post(f"data/entities/{asset['id']}/tasks", {"task_type_ids": [modeling["id"]]})
    return {"project": project, "artist": artist, "asset": asset, "sequence": sequence, "shot": shot, "task": task}


def sign_in(server: RunningServer, email: str, password: str) -> requests.Response:
    return requests.post(f"{server.url}/auth/login", json={"email": email, "password": password}, timeout=30)


def status_named(name: str) -> dict[str, Any]:
    return next(s for s in gazu.client.get("data/task-status") if s["short_name"] == name)


def test_a_wrong_password_is_refused_and_five_lock_the_account(server: RunningServer) -> None:
    email = f"locked-{uuid4().hex[:6]}@example.com"
    person = gazu.client.post("data/persons", {"first_name": "L", "last_name": "Ock", "email": email})
    pair = {"password": "long enough", "password_2": "long enough"}
    gazu.client.post(f"actions/persons/{person['id']}/change-password", pair)
    answers = [sign_in(server, email, "wrong") for _ in range(5)]
    assert {(a.status_code, a.json()["login"]) for a in answers} == {(400, False)}
    locked = sign_in(server, email, "long enough")
    assert (locked.status_code, locked.json()) == (400, {"login": False, "too_many_failed_login_attemps": True})


def test_a_revoked_token_is_refused(server: RunningServer) -> None:
    token = sign_in(server, server.email, server.password).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert requests.get(f"{server.url}/auth/authenticated", headers=headers, timeout=30).json()["authenticated"]
    assert requests.get(f"{server.url}/auth/logout", headers=headers, timeout=30).json() == {"logout": True}
    assert requests.get(f"{server.url}/auth/authenticated", headers=headers, timeout=30).status_code == 401


def test_a_refresh_token_opens_the_refresh_route_alone(server: RunningServer) -> None:
    pair = sign_in(server, server.email, server.password).json()
    headers = {"Authorization": f"Bearer {pair['refresh_token']}"}
    fresh = requests.get(f"{server.url}/auth/refresh-token", headers=headers, timeout=30).json()["access_token"]
    assert fresh != pair["access_token"]
    assert requests.get(f"{server.url}/data/persons", headers=headers, timeout=30).status_code == 422


def test_cookies_are_set_for_browsers_alone(server: RunningServer) -> None:
    with requests.Session() as browser:
        browser.headers["User-Agent"] = "Mozilla/5.0"
        body = {"email": server.email, "password": server.password}
        browser.post(f"{server.url}/api/auth/login", json=body, timeout=30)
        assert browser.get(f"{server.url}/api/auth/authenticated", timeout=30).status_code == 200
    assert "access_token_cookie" not in sign_in(server, server.email, server.password).cookies


def test_a_person_joins_and_leaves_a_department(studio: dict[str, Any]) -> None:
    department = gazu.person.all_departments()[0]
    path = f"actions/persons/{studio['artist']['id']}/departments"
    joined = gazu.client.post(f"{path}/add", {"department_id": department["id"]})
    assert joined["departments"] == [department["id"]]
    gazu.client.delete(f"{path}/{department['id']}")
    assert gazu.client.get(f"data/persons/{studio['artist']['id']}")["departments"] == []


def test_a_tvshow_has_its_first_episode(server: RunningServer) -> None:
    show = gazu.client.post("data/projects", {"name": f"Show {uuid4().hex[:6]}", "production_type": "tvshow"})
    [episode] = gazu.client.get(f"data/projects/{show['id']}/episodes")
    assert (episode["id"], episode["name"], episode["type"]) == (show["first_episode_id"], "E01", "Episode")


def test_entities_are_listed_under_their_kind(studio: dict[str, Any]) -> None:
    path = f"data/projects/{studio['project']['id']}"
    assert [a["name"] for a in gazu.client.get(f"{path}/assets")] == ["Momo"]
    [shot] = gazu.client.get(f"data/sequences/{studio['sequence']['id']}/shots")
    assert (shot["type"], shot["nb_frames"], shot["sequence_name"]) == ("Shot", 48, "SQ01")
    again = gazu.client.post(f"{path}/shots", {"name": "SH010", "sequence_id": studio["sequence"]["id"]})
    assert again["id"] == studio["shot"]["id"]


def test_casting_is_replaced_as_a_whole(studio: dict[str, Any]) -> None:
    path = f"data/projects/{studio['project']['id']}/entities/{studio['shot']['id']}/casting"
    rows = [{"asset_id": studio["asset"]["id"], "nb_occurences": 2, "label": "animate"}]
    assert gazu.client.put(path, rows) == rows
    [row] = gazu.client.get(path)
    assert (row["asset_name"], row["nb_occurences"], row["label"]) == ("Momo", 2, "animate")
    gazu.client.put(path, [])
    assert gazu.client.get(path) == []


def test_a_comment_moves_the_task_and_its_dates(studio: dict[str, Any]) -> None:
    task_id = studio["task"]["id"]
    gazu.client.put(f"actions/tasks/{task_id}/assign", {"person_id": studio["artist"]["id"]})
    for name in ("wip", "retake", "done"):
        status = status_named(name)
        body = {"task_status_id": status["id"], "comment": f"now {name}", "checklist": [{"text": "a", "checked": True}]}
        comment = gazu.client.post(f"actions/tasks/{task_id}/comment", body)
        assert (comment["task_status"]["short_name"], comment["person"]["full_name"]) == (name, "Super Admin")
    task = gazu.client.get(f"data/tasks/{task_id}")
    assert task["retake_count"] == 1
    assert task["done_date"]
    assert task["real_start_date"]
    assert [c["text"] for c in gazu.client.get(f"data/tasks/{task_id}/comments")] == [
        "now done",
        "now retake",
        "now wip",
    ]


def test_lists_with_tasks_come_plain_compact_and_streamed_and_are_not_sent_twice(
    server: RunningServer, studio: dict[str, Any], token: str
) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{server.url}/data/assets/with-tasks?project_id={studio['project']['id']}"
    plain = requests.get(url, headers=headers, timeout=30)
    [asset] = plain.json()
    assert [t["id"] for t in asset["tasks"]] == [studio["task"]["id"]]
    compact = requests.get(f"{url}&compact=true", headers=headers, timeout=30).json()
    row = dict(zip(compact["asset_fields"], compact["rows"][0], strict=True))
    assert dict(zip(compact["task_fields"], row["tasks"][0], strict=True)) == asset["tasks"][0]
    lines = requests.get(f"{url}&compact=true&stream=true", headers=headers, timeout=30)
    assert "ndjson" in lines.headers["Content-Type"]
    assert len(lines.text.splitlines()) == 2
    again = {**headers, "If-None-Match": plain.headers["ETag"]}
    assert requests.get(url, headers=again, timeout=30).status_code == 304
    gazu.client.post(f"actions/tasks/{studio['task']['id']}/comment", {"task_status_id": status_named("todo")["id"]})
    assert requests.get(url, headers=again, timeout=30).status_code == 200


def test_the_context_has_all_that_a_client_starts_with(studio: dict[str, Any]) -> None:
    context = gazu.client.get("data/user/context")
    assert len(context) == 17
    assert studio["project"]["id"] in [p["id"] for p in context["projects"]]
    assert {"Modeling", "Animation"} <= {t["name"] for t in context["task_types"]}


def publish(studio: dict[str, Any], path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    task_id = studio["task"]["id"]
    comment = gazu.client.post(f"actions/tasks/{task_id}/comment", {"task_status_id": status_named("wfa")["id"]})
    slot = gazu.client.post(f"actions/tasks/{task_id}/comments/{comment['id']}/add-preview", {})
    return slot, gazu.client.upload(f"pictures/preview-files/{slot['id']}", str(path))


def test_a_published_photograph_has_all_its_sizes_at_once(
    server: RunningServer, studio: dict[str, Any], token: str, tmp_path: Path
) -> None:
    photograph = tmp_path / "cat.jpg"
    Image.fromarray(skimage.data.chelsea()).save(photograph)
    slot, preview = publish(studio, photograph)
    assert (slot["status"], preview["status"], preview["width"], preview["height"]) == ("processing", "ready", 451, 300)
    headers = {"Authorization": f"Bearer {token}"}
    sizes = {"thumbnails": (150, 100), "thumbnails-square": (100, 100), "originals": (451, 300)}
    for kind, size in sizes.items():
        answer = requests.get(
            f"{server.url}/pictures/{kind}/preview-files/{slot['id']}.png", headers=headers, timeout=30
        )
        assert (answer.headers["Content-Type"], Image.open(BytesIO(answer.content)).size) == ("image/png", size)
    again = {**headers, "If-None-Match": answer.headers["ETag"]}
    assert requests.get(answer.url, headers=again, timeout=30).status_code == 304
    main = gazu.client.put(f"actions/preview-files/{slot['id']}/set-main-preview", {})
    assert main["preview_file_id"] == slot["id"]
    next_slot, _ = publish(studio, photograph)
    assert next_slot["revision"] == slot["revision"] + 1


def test_a_page_that_calls_itself_a_picture_ends_broken_with_a_reason(studio: dict[str, Any], tmp_path: Path) -> None:
    page = tmp_path / "page.png"
    page.write_text("<html>not a picture</html>")
    _, preview = publish(studio, page)
    assert (preview["status"], bool(preview["data"]["reason"])) == ("broken", True)


def test_time_spent_is_set_added_and_summed_up(studio: dict[str, Any]) -> None:
    task_id, person_id = studio["task"]["id"], studio["artist"]["id"]
    gazu.client.put(f"actions/tasks/{task_id}/assign", {"person_id": person_id})
    path = f"actions/tasks/{task_id}/time-spents/2026-02-28/persons/{person_id}"
    gazu.client.post(path, {"duration": 120})
    assert gazu.client.post(f"{path}/add", {"duration": 30})["duration"] == 150
    assert gazu.client.get(f"data/tasks/{task_id}")["duration"] == 150


def test_outsiders_see_no_project(server: RunningServer, studio: dict[str, Any]) -> None:
    email = f"out-{uuid4().hex[:6]}@example.com"
    person = gazu.client.post("data/persons", {"first_name": "Out", "last_name": "Sider", "email": email})
    pair = {"password": "long enough", "password_2": "long enough"}
    gazu.client.post(f"actions/persons/{person['id']}/change-password", pair)
    headers = {"Authorization": f"Bearer {sign_in(server, email, 'long enough').json()['access_token']}"}

    def status_of(path: str) -> int:
        return requests.get(f"{server.url}/{path}", headers=headers, timeout=30).status_code

    project = studio["project"]["id"]
    assert status_of(f"data/projects/{project}") == 403
    assert status_of(f"data/projects/{project}/assets") == 403
    assert requests.get(f"{server.url}/data/tasks", headers=headers, timeout=30).json() == []
    denied = requests.post(
        f"{server.url}/data/studios", json={"name": "x", "color": "#000"}, headers=headers, timeout=30
    )
    assert denied.status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "data/studios", b"{", 400),
        ("POST", "data/studios", b'{"name": "x"}', 400),
        ("POST", "data/studios", b'{"name": "x", "color": "#000000", "foo": 1}', 400),
        ("GET", "data/persons/abc", None, 400),
        ("GET", "data/persons/00000000-0000-0000-0000-000000000000", None, 404),
        ("GET", "data/nothing", None, 404),
        ("PATCH", "data/studios", b"{}", 405),
    ],
)
def test_bad_input_is_refused_with_a_request_id_and_writes_nothing(
    server: RunningServer, token: str, method: str, path: str, body: bytes | None, status: int
) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    before = gazu.client.get("data/studios")
    answer = requests.request(method, f"{server.url}/{path}", data=body, headers=headers, timeout=30)
    assert (answer.status_code, bool(answer.json()["message"])) == (status, True)
    assert answer.headers["X-Request-Id"]
    assert "Traceback" not in answer.text
    assert gazu.client.get("data/studios") == before


@pytest.mark.parametrize("token", ["nonsense", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln"])
def test_a_token_of_another_secret_is_malformed(server: RunningServer, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    assert requests.get(f"{server.url}/data/persons", headers=headers, timeout=30).status_code == 422


def test_nothing_opens_without_a_token(server: RunningServer) -> None:
    answer = requests.get(f"{server.url}/data/persons", timeout=30)
    assert (answer.status_code, list(answer.json())) == (401, ["msg"])


def test_every_served_route_is_documented_with_its_policy(server: RunningServer) -> None:
    document = requests.get(f"{server.url}/openapi.json", timeout=30).json()
    assert document["paths"]["/data/tasks"]["get"]["x-policy"] == "signed in"
    assert "/data/projects/open" in requests.get(f"{server.url}/docs/", timeout=30).text


def test_a_restart_changes_nothing(server: RunningServer, studio: dict[str, Any], token: str) -> None:
    paths = ("data/projects", "data/persons", "data/tasks", "data/entities", "data/comments")
    before = {path: gazu.client.get(path) for path in paths}
    server.restart()
    headers = {"Authorization": f"Bearer {token}"}
    for path, rows in before.items():
        assert requests.get(f"{server.url}/{path}", headers=headers, timeout=30).json() == rows
