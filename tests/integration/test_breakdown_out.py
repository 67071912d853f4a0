"""The spreadsheet of all shots, of which only the lines that have changed are written again."""

from collections.abc import Callable
from itertools import count
from typing import Any
from uuid import uuid4

import pytest

from tests.support.server import RunningServer
from tests.support.studio import Client

SHOTS = 8
NEVER_ASKED = count(1)


class Film:
    """An episode with a sequence of eight shots, each with a task, and a person to work on them."""

    def __init__(self, server: RunningServer) -> None:
        self.client = Client(server)
        ask = self.client.ask
        self.id = ask("POST", "data/projects", {"name": f"Film {uuid4().hex[:8]}", "production_type": "tvshow"})["id"]
        self.me = ask("GET", "auth/authenticated")["user"]["id"]
        path = f"data/projects/{self.id}"
        self.episode = ask("POST", f"{path}/episodes", {"name": "E02"})["id"]
        self.sequence = ask("POST", f"{path}/sequences", {"name": "SQ01", "episode_id": self.episode})["id"]
        self.shots = [
            ask("POST", f"{path}/shots", {"name": f"SH{number}", "sequence_id": self.sequence})["id"]
            for number in range(SHOTS)
        ]
        self.types, self.statuses = (
            ask("POST", f"data/{plural}", {"name": uuid4().hex[:8], **values})["id"]
            for plural, values in (
                ("task-types", {"for_entity": "Shot"}),
                ("task-status", {"short_name": uuid4().hex[:6], "color": "#FF0000"}),
            )
        )
        self.tasks = [self.task(shot, self.types) for shot in self.shots]
        ask("PUT", f"actions/persons/{self.me}/assign", {"task_ids": self.tasks[1:2]})
        email = f"{uuid4().hex[:8]}@example.com"
        self.person = ask("POST", "data/persons", {"first_name": "Ada", "last_name": "B", "email": email})["id"]

    def task(self, shot: str, task_type: str) -> str:
        values = {"project_id": self.id, "entity_id": shot, "task_type_id": task_type}
        made: dict[str, str] = self.client.ask("POST", "data/tasks", {**values, "task_status_id": self.statuses})
        return made["id"]

    def other_type(self) -> str:
        made: dict[str, str] = self.client.ask(
            "POST", "data/task-types", {"name": uuid4().hex[:8], "for_entity": "Shot"}
        )
        return made["id"]

    def sheet(self, more: str = "") -> list[str]:
        reply = self.client.call("GET", f"export/csv/projects/{self.id}/shots.csv{more}")
        assert reply.ok, reply.text
        return reply.content.decode().splitlines()


@pytest.fixture(scope="module")
def film(server: RunningServer) -> Film:
    return Film(server)


def put(film: Film, path: str, **values: Any) -> Any:
    return film.client.ask("PUT", path, values)


CHANGES: dict[str, Callable[[Film], Any]] = {
    "somebody is assigned": lambda film: put(film, f"actions/persons/{film.person}/assign", task_ids=[film.tasks[0]]),
    "somebody has worked": lambda film: film.client.ask(
        "POST", f"actions/tasks/{film.tasks[1]}/time-spents/2026-11-02/persons/{film.me}", {"duration": 480}
    ),
    "a shot is renamed": lambda film: put(film, f"data/entities/{film.shots[2]}", name="SH0 first"),
    "a shot has frames": lambda film: put(film, f"data/entities/{film.shots[3]}", nb_frames=48, data={"fps": "25"}),
    "a sequence is renamed": lambda film: put(film, f"data/entities/{film.sequence}", name="SQ one"),
    "an episode is renamed": lambda film: put(film, f"data/entities/{film.episode}", name="E two"),
    "a person is renamed": lambda film: put(film, f"data/persons/{film.person}", first_name="Grace"),
    "a status is renamed": lambda film: put(film, f"data/task-status/{film.statuses}", short_name=uuid4().hex[:6]),
    "a type is renamed": lambda film: put(film, f"data/task-types/{film.types}", name=uuid4().hex[:8]),
    "there are tasks of another type": lambda film: film.task(film.shots[4], film.other_type()),
    "a task goes": lambda film: film.client.ask("DELETE", f"data/tasks/{film.tasks[5]}?force=true"),
    "a shot goes": lambda film: film.client.ask("DELETE", f"data/shots/{film.shots[6]}"),
    "a column comes": lambda film: film.client.ask(
        "POST",
        f"data/projects/{film.id}/metadata-descriptors",
        {"name": "Mood", "entity_type": "Shot", "choices": [], "data_type": "string"},
    ),
    "the production is renamed": lambda film: put(film, f"data/projects/{film.id}", name=uuid4().hex[:8]),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_after_any_change_the_sheet_is_that_of_writing_all(film: Film, change: Callable[[Film], Any]) -> None:
    before = film.sheet()
    change(film)
    after = film.sheet()
    assert after != before
    # Every name is like this, but it was never asked for, so nothing of it is kept.
    assert after == film.sheet(f"?name={'%25' * next(NEVER_ASKED)}")


def test_lines_stand_in_the_order_of_episode_sequence_and_name(server: RunningServer) -> None:
    film = Film(server)
    lines = [line.split(";")[1:4] for line in film.sheet()[1:]]
    assert lines == [["E02", "SQ01", f"SH{number}"] for number in range(SHOTS)]
