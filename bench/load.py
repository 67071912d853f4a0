"""Load a production of a known size through public routes, or find the one an earlier run loaded.

*small*: 200 shots, 150 assets, 2,100 tasks, 1,000 casting links; *large*: 2,000 shots, 1,000 assets, 23,000 tasks,
10,000 casting links. Entities come by CSV import, tasks by the bulk routes, casting by one call for many shots.
"""

import csv
import io
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import requests
from PIL import Image
from tqdm import tqdm

from bench.world import World

TIMEOUT_SECONDS = 900
PASSWORD = "bench-password-1"
ARTISTS = 10
CHUNK = 500
KINDS = ("Character", "Prop", "Environment", "FX")

Record = dict[str, Any]


@dataclass(frozen=True)
class Shape:
    """How much of everything; the task types of shots and assets give the number of tasks."""

    name: str
    shots: int
    assets: int
    shot_types: int
    asset_types: int
    links_per_shot: int = 5

    @property
    def tasks(self) -> int:
        """The number of tasks."""
        return self.shots * self.shot_types + self.assets * self.asset_types


SHAPES = {
    "tiny": Shape("tiny", 20, 12, 3, 2),
    "small": Shape("small", 200, 150, 9, 2),
    "large": Shape("large", 2000, 1000, 10, 3),
}


class Api:
    """JSON over one session, as one person."""

    def __init__(self, url: str, email: str, password: str) -> None:
        """Sign in."""
        self.url = url.rstrip("/")
        self.session = requests.Session()
        self.token = self.sign_in(email, password)
        self.session.headers["Authorization"] = f"Bearer {self.token}"

    def sign_in(self, email: str, password: str) -> str:
        """Return an access token. Source: POST /auth/login."""
        body = {"email": email, "password": password}
        reply = requests.post(f"{self.url}/auth/login", json=body, timeout=TIMEOUT_SECONDS)
        if reply.status_code != 200:
            raise SystemExit(f"{self.url}: sign-in of {email} refused: {reply.status_code} {reply.text[:200]}")
        return str(reply.json()["access_token"])

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """Send and return the JSON of the answer; anything but 2xx ends the program."""
        reply = self.session.request(method, self.url + path, json=body, timeout=TIMEOUT_SECONDS, **options)
        if not reply.ok:
            raise SystemExit(f"{method} {path}: {reply.status_code} {reply.text[:300]}")
        return reply.json() if reply.content else None

    def get(self, path: str) -> Any:
        """Read JSON."""
        return self.call("GET", path)

    def upload(self, path: str, name: str, data: bytes) -> Any:
        """Send one file as the form field `file`."""
        return self.call("POST", path, files={"file": (name, data)})


def load(api: Api, size: str) -> World:
    """Return the loaded production, making whatever of it is missing."""
    shape = SHAPES[size]
    started = time.monotonic()
    with tqdm(total=8, desc=f"loading {size} into {api.url}", unit="step") as bar:
        project = _project(api, shape)
        bar.update()
        types = _settings(api, project, shape)
        bar.update()
        people = _people(api, project)
        bar.update()
        shots, assets = _entities(api, project, shape)
        bar.update(2)
        _tasks(api, project, types, shots, assets)
        bar.update()
        _casting(api, project, shape, shots, assets)
        bar.update()
        world = _world(api, project, shots, assets, people)
        bar.update()
    world.loaded_in_seconds = time.monotonic() - started
    return world


def chunks(things: Iterable[Any], size: int = CHUNK) -> Iterator[list[Any]]:
    """Cut into lists of at most `size`."""
    rest = iter(things)
    while part := list(islice(rest, size)):
        yield part


def sheet(rows: list[Record]) -> bytes:
    """Return rows as a CSV file with semicolons."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=";", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def shot_rows(shape: Shape) -> list[Record]:
    """Return the shots of a shape as rows of a CSV file, 20 to a sequence."""
    return [
        {
            "Sequence": f"SQ{number // 20:03d}",
            "Name": f"SH{number % 20 * 10 + 10:04d}",
            "Description": f"Shot {number} of the bench",
            "Frames": 24 + number % 100,
            "In": 1001,
            "Out": 1024 + number % 100,
        }
        for number in range(shape.shots)
    ]


def asset_rows(count: int, prefix: str = "Asset", tasks: tuple[str, ...] = ()) -> list[Record]:
    """Return assets as rows of a CSV file, with a status column for each task type given."""
    states = dict.fromkeys(tasks, "todo")
    return [
        {"Type": KINDS[n % 4], "Name": f"{prefix} {n:04d}", "Description": f"Number {n}", **states}
        for n in range(count)
    ]


def _project(api: Api, shape: Shape) -> str:
    name = f"Bench {shape.name}"
    for project in api.get("/data/projects/open"):
        if project["name"] == name:
            return str(project["id"])
    return str(api.call("POST", "/data/projects", {"name": name, "production_type": "short"})["id"])


def _settings(api: Api, project: str, shape: Shape) -> dict[str, list[str]]:
    """Choose task types, statuses and asset types; return the ids of the task types by kind of entity."""
    types = {
        "Shot": _task_types(api, "Shot", shape.shot_types),
        "Asset": _task_types(api, "Asset", shape.asset_types),
    }
    if api.get(f"/data/projects/{project}")["task_types"]:
        return types
    settings = f"/data/projects/{project}/settings"
    for rank, task_type in enumerate((*types["Shot"], *types["Asset"]), start=1):
        api.call("POST", f"{settings}/task-types", {"task_type_id": task_type, "priority": rank})
    for status in api.get("/data/task-status"):
        if not status.get("for_concept"):
            api.call("POST", f"{settings}/task-status", {"task_status_id": status["id"]})
    for kind in api.get("/data/asset-types"):
        if kind["name"] in KINDS:
            api.call("POST", f"{settings}/asset-types", {"asset_type_id": kind["id"]})
    return types


def _task_types(api: Api, kind: str, wanted: int) -> list[str]:
    """Return that many task types for a kind of entity, making those that a fresh studio lacks."""
    ids = [str(row["id"]) for row in api.get("/data/task-types") if row["for_entity"] == kind][:wanted]
    for number in range(len(ids), wanted):
        body = {"name": f"Bench {kind} {number}", "color": "#336699", "for_entity": kind}
        ids.append(str(api.call("POST", "/data/task-types", body)["id"]))
    return ids


def _people(api: Api, project: str) -> list[Record]:
    known = {row.get("email"): row for row in api.get("/data/persons")}
    people = []
    for number in range(ARTISTS):
        email = f"bench.artist{number}@example.com"
        person = known.get(email)
        if person is None:
            body = {"first_name": "Bench", "last_name": f"Artist {number}", "email": email, "role": "user"}
            person = api.call("POST", "/data/persons", body)
            word = {"password": PASSWORD, "password_2": PASSWORD}
            api.call("POST", f"/actions/persons/{person['id']}/change-password", word)
        api.call("POST", f"/data/projects/{project}/team", {"person_id": person["id"]})
        people.append({**person, "email": email})
    return people


def _entities(api: Api, project: str, shape: Shape) -> tuple[list[str], list[str]]:
    found = []
    for kind, count in (("shots", shape.shots), ("assets", shape.assets)):
        have = api.get(f"/data/{kind}/all?project_id={project}")
        if len(have) < count:
            rows = shot_rows(shape) if kind == "shots" else asset_rows(shape.assets)
            api.upload(f"/import/csv/projects/{project}/{kind}", f"{kind}.csv", sheet(rows))
            have = api.get(f"/data/{kind}/all?project_id={project}")
        # Assets that write scenarios of earlier runs made are left out, so that runs can be compared.
        have = [row for row in have if kind == "shots" or row["description"] != "made by the bench"]
        found.append(sorted(row["id"] for row in have)[:count])
    return found[0], found[1]


def _tasks(api: Api, project: str, types: dict[str, list[str]], shots: list[str], assets: list[str]) -> None:
    wanted = len(shots) * len(types["Shot"]) + len(assets) * len(types["Asset"])
    page = api.get(f"/data/projects/{project}/tasks?page=1")
    if isinstance(page, dict) and page.get("total", 0) >= wanted:
        return
    for kind, ids in (("shots", shots), ("assets", assets)):
        for task_type in types["Shot" if kind == "shots" else "Asset"]:
            for part in chunks(ids):
                api.call("POST", f"/actions/projects/{project}/task-types/{task_type}/{kind}/create-tasks", part)


def _casting(api: Api, project: str, shape: Shape, shots: list[str], assets: list[str]) -> None:
    """Cast the same number of assets in each shot. Source: PUT /data/projects/{project_id}/entities/casting."""
    path = f"/data/projects/{project}/sequences/all/casting"
    if sum(len(rows) for rows in api.get(path).values()) >= len(shots) * shape.links_per_shot:
        return
    width = shape.links_per_shot
    plan = {
        shot: [{"asset_id": assets[(n * width + k) % len(assets)], "nb_occurences": 1 + k % 2} for k in range(width)]
        for n, shot in enumerate(shots)
    }
    bulk = f"{api.url}/data/projects/{project}/entities/casting"
    for part in chunks(plan, 100):
        body = {shot: plan[shot] for shot in part}
        reply = api.session.put(bulk, json=body, timeout=TIMEOUT_SECONDS)
        if not reply.ok:  # a server without the bulk route: shot by shot
            for shot in tqdm(part, desc="casting", leave=False):
                api.call("PUT", f"/data/projects/{project}/entities/{shot}/casting", body[shot])


def _world(api: Api, project: str, shots: list[str], assets: list[str], people: list[Record]) -> World:
    tasks = api.get(f"/data/projects/{project}/tasks")
    loose = [row for row in tasks if not row.get("assignees")]
    for number, person in enumerate(people):
        ids = [row["id"] for row in loose[number :: len(people)]][: 20 * CHUNK]
        for part in chunks(ids):
            api.call("PUT", f"/actions/persons/{person['id']}/assign", {"task_ids": part})
    if loose:
        tasks = api.get(f"/data/projects/{project}/tasks")
    statuses = [row["id"] for row in api.get("/data/task-status") if row["short_name"] in {"wip", "wfa", "ready"}]
    asset_type = next(row["id"] for row in api.get("/data/asset-types") if row["name"] == "Prop")
    tasks.sort(key=lambda row: row["id"])
    world = World(
        project=project,
        tasks=[row["id"] for row in tasks],
        shots=shots,
        assets=assets,
        persons=[person["id"] for person in people],
        statuses=statuses,
        asset_type=asset_type,
        assigned=[(row["id"], row["assignees"][0]) for row in tasks if row.get("assignees")],
        run=uuid.uuid4().hex[:6],
        counts={"shots": len(shots), "assets": len(assets), "tasks": len(tasks)},
    )
    world.preview = _preview(api, world)
    world.tokens = [api.sign_in(person["email"], PASSWORD) for person in people]
    return world


def _preview(api: Api, world: World) -> str:
    """Return a preview file with a picture, of the first task."""
    task = world.tasks[0]
    for preview in api.get(f"/data/tasks/{task}/previews"):
        if preview["status"] == "ready":
            return str(preview["id"])
    slot = open_slot(api, world, task)
    picture = io.BytesIO()
    Image.radial_gradient("L").resize((960, 540)).convert("RGB").save(picture, "PNG")
    api.upload(f"/pictures/preview-files/{slot}", "bench.png", picture.getvalue())
    return slot


def open_slot(api: Api, world: World, task: str) -> str:
    """Comment a task and open a preview slot on the comment; return the id of the preview file."""
    body = {"task_status_id": world.statuses[0], "comment": "a picture"}
    comment = api.call("POST", f"/actions/tasks/{task}/comment", body)
    return str(api.call("POST", f"/actions/tasks/{task}/comments/{comment['id']}/add-preview", {})["id"])
