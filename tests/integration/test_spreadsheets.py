"""Spreadsheets through the API: whole or not at all, whichever program saved them."""

from typing import Any
from uuid import uuid4

import pytest

from tests.support import csv_files, feed
from tests.support.csv_files import BrokenCsv
from tests.support.server import RunningServer
from tests.support.studio import Client


class Film:
    """A short film and its administrator."""

    def __init__(self, server: RunningServer) -> None:
        self.admin, self.server = Client(server), server
        self.id = self.admin.ask("POST", "data/projects", {"name": f"Film {uuid4().hex[:6]}"})["id"]

    def bring(self, what: str, content: bytes, **query: str) -> tuple[int, Any]:
        reply = self.admin.upload(f"import/csv/projects/{self.id}/{what}", content, **query)
        return reply.status_code, reply.json()

    def names(self, what: str) -> list[str]:
        return sorted(each["name"] for each in self.admin.ask("GET", f"data/projects/{self.id}/{what}"))

    def events(self) -> int:
        headers = {"Authorization": f"Bearer {self.admin.token}"}
        services = ("production", "tasks", "auth", "imports")
        return sum(len(list(feed.all_events(self.server.url, headers, name))) for name in services)


@pytest.fixture
def film(server: RunningServer) -> Film:
    return Film(server)


SHOTS = "Sequence;Name;Description;Frames;Animation\n"


def test_shots_come_in_with_sequences_frames_and_tasks(film: Film) -> None:
    rows = 'SQ01;SH01;"première\nligne";24;todo\nSQ01;SH02;;;WIP\nSQ02;SH01;é;"12,0";\n'
    status, found = film.bring("shots", (SHOTS + rows).encode("utf-8-sig"))
    assert status == 201
    assert [(each["name"], each["nb_frames"], each["description"]) for each in found] == [
        ("SH01", 24, "première\nligne"),
        ("SH02", None, ""),
        ("SH01", 12, "é"),
    ]
    assert film.names("sequences") == ["SQ01", "SQ02"]
    assert len(film.admin.ask("GET", f"data/projects/{film.id}/tasks")) == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_accents_survive_every_encoding_that_spreadsheet_programs_write(film: Film, encoding: str) -> None:
    status, found = film.bring("shots", (SHOTS + "Forêt;Été;à bientôt …;24;\n").encode(encoding))
    assert (status, found[0]["name"], found[0]["description"]) == (201, "Été", "à bientôt …")


def test_one_bad_row_keeps_all_shots_out(film: Film) -> None:
    before = film.events()
    status, answer = film.bring("shots", (SHOTS + "SQ01;SH01;;24;todo\n\nSQ01;SH02;;many;\n").encode())
    assert (status, answer) == (
        400,
        {"error": True, "message": "Nb Frames must be a number, not many", "line_number": 4, "imported_rows": 0},
    )
    assert film.events() == before
    assert film.names("shots") == []


@pytest.mark.parametrize("broken", csv_files.broken_asset_files(), ids=lambda each: each.name)
def test_a_broken_file_of_assets_is_answered_as_the_contract_says(film: Film, broken: BrokenCsv) -> None:
    prop = next(each for each in film.admin.ask("GET", "data/asset-types") if each["name"] == "Prop")
    film.admin.ask("POST", f"data/projects/{film.id}/settings/asset-types", {"asset_type_id": prop["id"]})
    status, answer = film.bring("assets", broken.content)
    assert status == broken.status
    if broken.status == 201:
        assert answer == []
        return
    for key in ("message", "line_number", "imported_rows"):
        if getattr(broken, key) is not None:
            assert answer[key] == getattr(broken, key)
    assert len(film.names("assets")) == (broken.imported_rows or 0)


@pytest.mark.parametrize("broken", csv_files.broken_shot_files(), ids=lambda each: each.name)
def test_a_broken_file_of_shots_leaves_nothing(film: Film, broken: BrokenCsv) -> None:
    before = film.events()
    assert film.bring("shots", broken.content)[0] == broken.status
    assert film.events() == before


def test_stored_rows_change_only_when_asked(film: Film) -> None:
    film.bring("assets", b"Type,Name,Description,Modeling\nProp,Lamp,old,todo\n")
    changed = b"TYPE,name,Description,Modeling\nprop,Lamp,new,wip\nProp,Chair,,\n"
    assert film.bring("assets", changed)[0] == 201
    assets = {each["name"]: each for each in film.admin.ask("GET", f"data/projects/{film.id}/assets")}
    assert (sorted(assets), assets["Lamp"]["description"]) == (["Chair", "Lamp"], "old")
    assert film.bring("assets", changed, update="true")[0] == 201
    assets = {each["name"]: each for each in film.admin.ask("GET", f"data/projects/{film.id}/assets")}
    assert (sorted(assets), assets["Lamp"]["description"]) == (["Chair", "Lamp"], "new")


def test_people_come_in_once(server: RunningServer) -> None:
    admin, mark = Client(server), uuid4().hex[:6]
    rows = f"First Name;Last Name;Email;Role\nZoë;Ng;{mark}@Studio.com;Artist\nAl;B;{mark}2@studio.com;bogus\n"
    reply = admin.upload("import/csv/persons", rows.encode())
    assert (reply.status_code, reply.json()["message"]) == (400, "Role not found for bogus")
    assert not [each for each in admin.ask("GET", "data/persons") if each["email"] == f"{mark}@studio.com"]
    for _ in range(2):
        assert admin.upload("import/csv/persons", rows.replace("bogus", "vendor").encode()).status_code == 201
    found = [each for each in admin.ask("GET", "data/persons") if str(each["email"]).startswith(mark)]
    assert sorted((each["first_name"], each["role"]) for each in found) == [("Al", "vendor"), ("Zoë", "user")]


def test_castings_and_estimations_name_what_they_do_not_find(film: Film) -> None:
    film.bring("assets", b"Type,Name\nProp,Lamp\n")
    film.bring("shots", b"Sequence,Name,Animation\nSQ01,SH01,todo\n")
    head = b"Asset Type,Asset,Parent,Name,Occurences\n"
    assert film.bring("casting", head + b"Prop,Lamp,SQ01,SH01,3\n")[0] == 201
    status, answer = film.bring("casting", head + b"Prop,Lamp,SQ01,SH01,4\nProp,Chair,SQ01,SH01,1\n")
    assert (status, answer["message"], answer["line_number"]) == (400, "Asset not found for Prop / Chair", 3)
    [link] = film.admin.ask("GET", f"data/projects/{film.id}/entity-links")
    assert link["nb_occurences"] == 3
    kind = next(each for each in film.admin.ask("GET", "data/task-types") if each["name"] == "Animation")["id"]
    path = f"task-types/{kind}/estimations"
    assert film.bring(path, b'Parent,Entity,Estimation\nSQ01,SH01,"1,5"\n')[0] == 201
    [task] = film.admin.ask("GET", f"data/projects/{film.id}/tasks")
    assert task["estimation"] == 720
    status, answer = film.bring(path, b"Parent,Entity,Estimation\nSQ01,SH09,2\n")
    assert (status, answer["message"]) == (400, "Task not found for SQ01 / SH09")
