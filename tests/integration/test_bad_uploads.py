"""Files that are not what they say are refused, in words, and leave neither an event nor a byte behind."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import pytest
import requests

from tests.support import pictures
from tests.support.server import RunningServer
from tests.support.studio import Client

SERVICES = ("auth", "production", "tasks", "media", "imports")
Write = Callable[[Path], Path]


def truncated(path: Path) -> Path:
    whole = pictures.save(pictures.photograph(640, 480), path.with_name("whole.png"))
    return pictures.save_truncated(whole, path, 0.5)


BAD: dict[str, Write] = {
    "a web page": pictures.save_html,
    "an archive": pictures.save_zip,
    "nothing": pictures.save_empty,
    "billions of pixels": pictures.save_pixel_bomb,
    "endless text": pictures.save_text_bomb,
    "half a picture": truncated,
}


class House:
    """The log and the store of a running server, as far as they go at one moment."""

    def __init__(self, server: RunningServer) -> None:
        self.server, self.admin = server, Client(server)
        self.headers = {"Authorization": f"Bearer {self.admin.token}"}

    def state(self) -> tuple[list[int], list[str]]:
        heads = [
            requests.get(
                f"{self.server.url}/data/events/feed", {"service": name, "after": 0, "limit": 1}, headers=self.headers,
                timeout=30,
            ).json()["head"]
            for name in SERVICES
        ]  # fmt: skip
        media = self.server.home / "media"
        return heads, sorted(str(path) for path in media.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def house(server: RunningServer) -> House:
    return House(server)


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("of", ["persons", "organisations", "projects"])
def test_a_thumbnail_that_is_no_picture_is_refused(house: House, tmp_path: Path, what: str, of: str) -> None:
    if of == "projects":
        instance = house.admin.ask("POST", "data/projects", {"name": f"Film {uuid4().hex}"})["id"]
    elif of == "persons":
        instance = house.admin.ask("GET", "auth/authenticated")["user"]["id"]
    else:
        instance = house.admin.ask("GET", "data/organisations")[0]["id"]
    content = BAD[what](tmp_path / "picture.png").read_bytes()
    before = house.state()
    reply = house.admin.upload(f"pictures/thumbnails/{of}/{instance}", content, name="picture.png")
    assert reply.status_code == 400, reply.text
    said: dict[str, Any] = reply.json()
    assert said["message"]
    assert "/" not in said["message"]
    assert reply.headers["X-Request-Id"]
    assert house.state() == before


@pytest.mark.parametrize("what", BAD)
def test_a_preview_that_is_no_picture_is_broken_says_why_and_leaves_no_bytes(
    house: House, tmp_path: Path, what: str
) -> None:
    project = house.admin.ask("POST", "data/projects", {"name": f"Film {uuid4().hex}"})["id"]
    kind = next(each["id"] for each in house.admin.ask("GET", "data/asset-types") if each["name"] == "Prop")
    new = f"data/projects/{project}/asset-types/{kind}/assets/new"
    asset = house.admin.ask("POST", new, {"name": "Lamp"})["id"]
    work = next(each["id"] for each in house.admin.ask("GET", "data/task-types") if each["name"] == "Modeling")
    [task] = house.admin.ask("POST", f"data/entities/{asset}/tasks", {"task_type_ids": [work]})
    status = house.admin.ask("GET", "data/task-status")[0]["id"]
    comment = house.admin.ask("POST", f"actions/tasks/{task['id']}/comment", {"task_status_id": status, "comment": ""})
    slot = house.admin.ask("POST", f"actions/tasks/{task['id']}/comments/{comment['id']}/add-preview", {})["id"]
    content = BAD[what](tmp_path / "picture.png").read_bytes()
    _, files = house.state()
    reply = house.admin.upload(f"pictures/preview-files/{slot}", content, name="picture.png")
    assert reply.json()["status"] == "broken", reply.text
    assert "/" not in reply.json()["data"]["reason"]
    assert house.state()[1] == files


def test_a_name_cannot_lead_out_of_the_store(house: House, tmp_path: Path) -> None:
    project = house.admin.ask("POST", "data/projects", {"name": f"Film {uuid4().hex}"})["id"]
    good = pictures.save(pictures.photograph(320, 180), tmp_path / "good.png").read_bytes()
    for name in ("../../../escape.png", "..\\..\\escape.png", "/etc/escape.png", "a\x00b.png"):
        reply = house.admin.upload(f"pictures/thumbnails/projects/{project}", good, name=name)
        assert reply.status_code < 500
    assert not list(house.server.home.parent.glob("escape*"))
    assert not [path for path in house.state()[1] if "escape" in path]


@pytest.mark.parametrize("secret", ["another secret of at least thirty-two bytes", ""])
def test_a_token_of_another_secret_changes_nothing(house: House, secret: str) -> None:
    me = house.admin.ask("GET", "auth/authenticated")["user"]["id"]
    claims = {"sub": me, "jti": "x", "type": "access", "exp": 4_000_000_000}
    token = jwt.encode(claims, secret or None, algorithm="HS256" if secret else "none")
    before = house.state()
    reply = requests.post(
        f"{house.server.url}/data/projects",
        json={"name": "Stolen"},
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )
    assert reply.status_code == 422
    assert house.state() == before
