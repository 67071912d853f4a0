"""Fill a running server with a small believable production, over HTTP: `python -m kiroku.demo`.

A short film of three sequences with its assets, casting, tasks, people, hours, pictures drawn on the spot and a
playlist. What is there already is left alone, so a second run, or one after an interruption, only adds what is missing.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import requests
from tqdm import tqdm

from kiroku.demo_client import Api, Record, RefusedError
from kiroku.demo_pictures import asset_picture, face, png, poster, shot_picture
from kiroku.demo_story import (
    ASSET_TASKS,
    ASSETS,
    FILM,
    NOTES,
    PEOPLE,
    SEQUENCES,
    SHOT_TASKS,
    STAGES,
    Person,
    cast_of,
    stage_of,
)

DEFAULT_HOME = "./var"
SHARED_WORD = "demo-password"


@dataclass
class Studio:
    """What the steps find and make, by name."""

    api: Api
    project: Record = field(default_factory=dict)
    statuses: dict[str, Record] = field(default_factory=dict)
    task_types: dict[tuple[str, str], Record] = field(default_factory=dict)
    people: dict[str, Record] = field(default_factory=dict)
    assets: dict[str, Record] = field(default_factory=dict)
    shots: dict[str, Record] = field(default_factory=dict)
    tasks: list[Record] = field(default_factory=list)

    @property
    def home(self) -> str:
        """The path of the production."""
        return f"/data/projects/{self.project['id']}"


def fill(base_url: str, email: str, password: str) -> str:
    """Fill the server as an administrator, with a progress bar; return the id of the production."""
    studio = Studio(Api(base_url, email, password))
    steps: tuple[tuple[str, Callable[[Studio], None]], ...] = (
        ("production", _production),
        ("people", _people),
        ("settings", _settings),
        ("assets", _assets),
        ("shots", _shots),
        ("casting", _casting),
        ("tasks", _tasks),
        ("assignments", _assignments),
        ("comments, hours and pictures", _history),
        ("playlist", _playlist),
    )
    with tqdm(steps, unit="step") as bar:
        for name, step in bar:
            bar.set_description(name)
            step(studio)
    return str(studio.project["id"])


def _production(studio: Studio) -> None:
    api = studio.api
    found = [row for row in api.get("/data/projects") if row["name"] == FILM["name"]]
    studio.project = found[0] if found else api.post("/data/projects", FILM)
    if not studio.project.get("has_avatar"):
        api.upload(f"/pictures/thumbnails/projects/{studio.project['id']}", "poster.png", png(poster(FILM["name"])))
    studio.statuses = {row["short_name"]: row for row in api.get("/data/task-status") if not row["for_concept"]}
    studio.task_types = {(row["for_entity"], row["name"]): row for row in api.get("/data/task-types")}


def _people(studio: Studio) -> None:
    """Hire the crew, all with the same password."""
    known = {row.get("email"): row for row in studio.api.get("/data/persons")}
    departments = {row["name"]: row["id"] for row in studio.api.get("/data/departments")}
    for person in PEOPLE:
        record = known.get(person.email) or _hire(studio.api, person, departments)
        studio.people[person.key] = record
        studio.api.post(f"{studio.home}/team", {"person_id": record["id"]})


def _hire(api: Api, person: Person, departments: dict[str, str]) -> Record:
    body = {
        "first_name": person.first,
        "last_name": person.last,
        "email": person.email,
        "role": person.role,
        "departments": [departments[person.department]] if person.department in departments else [],
    }
    record: Record = api.post("/data/persons", body)
    words = {"password": SHARED_WORD, "password_2": SHARED_WORD}
    api.post(f"/actions/persons/{record['id']}/change-password", words)
    api.upload(f"/pictures/thumbnails/persons/{record['id']}", "face.png", png(face(person.first, person.last)))
    return record


def _settings(studio: Studio) -> None:
    """Choose task types, statuses and asset types; adding what is there is harmless."""
    api = studio.api
    wanted = [("Asset", name) for name in ASSET_TASKS] + [("Shot", name) for name in SHOT_TASKS]
    for rank, key in enumerate(wanted, start=1):
        body = {"task_type_id": studio.task_types[key]["id"], "priority": rank}
        api.post(f"{studio.home}/settings/task-types", body)
    for status in studio.statuses.values():
        api.post(f"{studio.home}/settings/task-status", {"task_status_id": status["id"]})
    kinds = {asset.kind for asset in ASSETS}
    for row in api.get("/data/asset-types"):
        if row["name"] in kinds:
            api.post(f"{studio.home}/settings/asset-types", {"asset_type_id": row["id"]})


def _assets(studio: Studio) -> None:
    api = studio.api
    kinds = {row["name"]: row["id"] for row in api.get("/data/asset-types")}
    studio.assets = {row["name"]: row for row in api.get(f"/data/assets/all?project_id={studio.project['id']}")}
    for asset in ASSETS:
        if asset.name not in studio.assets:
            body = {"name": asset.name, "description": asset.text, "data": {}}
            path = f"{studio.home}/asset-types/{kinds[asset.kind]}/assets/new"
            studio.assets[asset.name] = api.post(path, body)


def _shots(studio: Studio) -> None:
    """Create sequences and shots; the server gives back those that exist."""
    for sequence in SEQUENCES:
        body = {"name": sequence.name, "description": sequence.text}
        parent = studio.api.post(f"{studio.home}/sequences", body)["id"]
        for number, (text, frames) in enumerate(sequence.shots, start=1):
            name = f"SH{number * 10:04d}"
            shot = {
                "name": name,
                "sequence_id": parent,
                "description": text,
                "nb_frames": frames,
                "data": {"frame_in": 1001, "frame_out": 1000 + frames},
            }
            studio.shots[f"{sequence.name} {name}"] = studio.api.post(f"{studio.home}/shots", shot)


def _casting(studio: Studio) -> None:
    for name, shot in studio.shots.items():
        rows = [{"asset_id": studio.assets[asset]["id"], "nb_occurences": 1} for asset in cast_of(name)]
        studio.api.call("PUT", f"{studio.home}/entities/{shot['id']}/casting", rows)


def _tasks(studio: Studio) -> None:
    api, project = studio.api, studio.project["id"]
    for kind, names, entities in (("Asset", ASSET_TASKS, studio.assets), ("Shot", SHOT_TASKS, studio.shots)):
        ids = [entity["id"] for entity in entities.values()]
        for name in names:
            task_type = studio.task_types[(kind, name)]["id"]
            api.post(f"/actions/projects/{project}/task-types/{task_type}/{kind.lower()}s/create-tasks", ids)
    studio.tasks = sorted(api.get(f"{studio.home}/tasks"), key=_order(studio))


def _order(studio: Studio) -> Callable[[Record], tuple[int, int]]:
    """Return a key that sorts tasks by task type and entity, the same way in each run."""
    entities = [entity["id"] for entity in (*studio.assets.values(), *studio.shots.values())]
    types = [studio.task_types[("Asset", name)]["id"] for name in ASSET_TASKS]
    types += [studio.task_types[("Shot", name)]["id"] for name in SHOT_TASKS]
    last = len(entities)

    def key(task: Record) -> tuple[int, int]:
        kind = types.index(task["task_type_id"]) if task["task_type_id"] in types else len(types)
        return kind, entities.index(task["entity_id"]) if task["entity_id"] in entities else last

    return key


def _assignments(studio: Studio) -> None:
    artists = [person for person in PEOPLE if person.role == "user"]
    by_person: dict[str, list[str]] = {}
    for number, task in enumerate(studio.tasks):
        if not task.get("assignees"):
            person = studio.people[artists[number % len(artists)].key]["id"]
            by_person.setdefault(person, []).append(task["id"])
            task["assignees"] = [person]
    for person, ids in by_person.items():
        studio.api.call("PUT", f"/actions/persons/{person}/assign", {"task_ids": ids})


def _history(studio: Studio) -> None:
    """Give each task that nobody spoke about yet its story: comments, hours, a picture."""
    untouched = [(n, task) for n, task in enumerate(studio.tasks) if not task.get("last_comment_date")]
    for number, task in tqdm(untouched, desc="tasks", unit="task", leave=False):
        _story(studio, number, task)


def _story(studio: Studio, number: int, task: Record) -> None:
    api, manager = studio.api, studio.people["manager"]["id"]
    comment: Record | None = None
    for turn, short_name in enumerate(STAGES[stage_of(number)]):
        author = manager if short_name in {"retake", "done"} else task["assignees"][0]
        body = {
            "task_status_id": studio.statuses[short_name]["id"],
            "comment": NOTES[short_name][(number + turn) % len(NOTES[short_name])],
            "person_id": author,
        }
        comment = api.post(f"/actions/tasks/{task['id']}/comment", body)
        if short_name == "wfa":
            _publish(studio, number, task, comment)
    if comment is not None:
        _hours(studio, number, task)


def _publish(studio: Studio, number: int, task: Record, comment: Record) -> None:
    slot = studio.api.post(f"/actions/tasks/{task['id']}/comments/{comment['id']}/add-preview", {})
    shot = next((name for name, row in studio.shots.items() if row["id"] == task["entity_id"]), None)
    asset = next((name for name, row in studio.assets.items() if row["id"] == task["entity_id"]), "")
    picture = shot_picture(shot, number) if shot else asset_picture(asset, number)
    studio.api.upload(f"/pictures/preview-files/{slot['id']}", f"take_{slot['revision']}.png", png(picture))
    studio.api.call("PUT", f"/actions/preview-files/{slot['id']}/set-main-preview", {})


def _hours(studio: Studio, number: int, task: Record) -> None:
    """Log two working days of the last weeks for the assignee, in minutes."""
    today = datetime.now(UTC).date()
    for back in (2 + number % 9, 3 + number % 9):
        day = _workday(today - timedelta(days=back))
        path = f"/actions/tasks/{task['id']}/time-spents/{day.isoformat()}/persons/{task['assignees'][0]}"
        studio.api.post(path, {"duration": 60 + number * 30 % 240})


def _workday(day: date) -> date:
    """Return the day, or the Friday before it when it is on a weekend."""
    return day - timedelta(days=max(0, day.weekday() - 4))


def _playlist(studio: Studio) -> None:
    """Put the shots that have a picture into one playlist."""
    name = "Dailies"
    if any(row["name"] == name for row in studio.api.get(f"{studio.home}/playlists")):
        return
    shots = []
    for shot in studio.shots.values():
        preview = studio.api.get(f"/data/entities/{shot['id']}").get("preview_file_id")
        if preview:
            shots.append({"entity_id": shot["id"], "preview_file_id": preview})
    body = {"name": name, "project_id": studio.project["id"], "for_entity": "shot", "shots": shots}
    studio.api.post("/data/playlists", body)


def main(arguments: list[str] | None = None) -> int:
    """Fill the server that `make run` started, or another one; 0 when it went well."""
    parser = argparse.ArgumentParser(prog="kiroku.demo", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--host", help="address of the server")
    parser.add_argument("--email", help="e-mail of an administrator")
    parser.add_argument("--password")
    options = parser.parse_args(arguments)
    try:
        known = _sign_in(options)
        project = fill(*known)
    except (RefusedError, requests.ConnectionError) as error:
        print(f"The demo stopped: {error}", file=sys.stderr)
        return 1
    print(f"{FILM['name']} is there: {known[0]}/data/projects/{project}")
    print(f"The crew ({', '.join(person.email for person in PEOPLE)}) signs in with {SHARED_WORD!r}.")
    return 0


def _sign_in(options: argparse.Namespace) -> tuple[str, str, str]:
    """Return address, e-mail and password: as given, else as the running server wrote them into its home."""
    stored: dict[str, str] = {}
    path = Path(os.environ.get("KIROKU_HOME", DEFAULT_HOME)) / "admin.json"
    if path.exists():
        stored = json.loads(path.read_text(encoding="utf-8"))
    found = (
        options.host or stored.get("url"),
        options.email or stored.get("email"),
        options.password or stored.get("password"),
    )
    if not all(found):
        raise RefusedError(f"{path} names no sign-in: start the server first, or give --host, --email and --password.")
    return str(found[0]).rstrip("/"), str(found[1]), str(found[2])


if __name__ == "__main__":
    sys.exit(main())
