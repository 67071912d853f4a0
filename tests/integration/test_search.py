"""People find what they may see, however they type it, and what was written a moment ago."""

from typing import Any
from uuid import uuid4

import pytest

from tests.support.server import PASSWORD, RunningServer
from tests.support.studio import Client


class Film:
    """A project with assets and shots whose names end with a mark of its own."""

    def __init__(self, server: RunningServer) -> None:
        self.server, self.admin, self.mark = server, Client(server), uuid4().hex[:5]
        self.id = self.admin.ask("POST", "data/projects", {"name": f"Film {self.mark}"})["id"]
        rows = "".join(f"Prop,{name} {self.mark}\n" for name in ("Élodie", "Forêt", "Straße", "100% Cotton", "Lamp_1"))
        assert self.admin.upload(f"import/csv/projects/{self.id}/assets", f"Type,Name\n{rows}".encode()).ok
        shots = f"Sequence,Name\nSQ01,SH010 {self.mark}\n"
        assert self.admin.upload(f"import/csv/projects/{self.id}/shots", shots.encode()).ok

    def person(self, role: str, *, team: bool = True) -> Client:
        email = f"{uuid4().hex[:8]}@studio.com"
        body = {"first_name": f"Zoë{self.mark}", "last_name": role, "email": email, "role": role, "password": PASSWORD}
        person = self.admin.ask("POST", "data/persons", body)["id"]
        if team:
            self.admin.ask("POST", f"data/projects/{self.id}/team", {"person_id": person})
        client = Client(self.server, email)
        client.session.cookies.update(self.admin.session.cookies)
        return client

    def find(self, query: str, who: Client | None = None, **more: Any) -> dict[str, list[str]]:
        body = {"query": query, "limit": 50, **more}
        found = (who or self.admin).ask("POST", "data/search", body)
        name = {"assets": "name", "shots": "name", "persons": "full_name"}
        return {
            index: [hit[name[index]].removesuffix(f" {self.mark}") for hit in hits if self.mark in hit[name[index]]]
            for index, hits in found.items()
        }


@pytest.fixture(scope="module")
def film(server: RunningServer) -> Film:
    return Film(server)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("élodie", "Élodie"), ("elodie", "Élodie"), ("ELO", "Élodie"), ("foret", "Forêt"), ("orêt", "Forêt"),
     ("forte", "Forêt"), ("elodei", "Élodie"), ("strasse", "Straße"), ("  lamp_1 ", "Lamp_1"), ("100%", "100% Cotton")],
)  # fmt: skip
def test_accents_case_parts_and_typos_do_not_matter(film: Film, typed: str, meant: str) -> None:
    assert meant in film.find(typed, project_id=film.id)["assets"]


def test_signs_of_patterns_are_signs(film: Film) -> None:
    for pattern in ("___", "%%%", "\\\\\\"):
        assert film.find(pattern, project_id=film.id)["assets"] == []
    assert "Lamp_1" in film.find("p_1", project_id=film.id)["assets"]


def test_the_exact_name_comes_first_then_beginnings_then_parts(film: Film) -> None:
    made = "Type,Name\nProp,Lamp\nProp,Lampshade\nProp,Oil Lamp\nProp,Damp\n"
    film.admin.upload(f"import/csv/projects/{film.id}/assets", made.encode())
    hits = film.admin.ask("POST", "data/search", {"query": "lamp", "limit": 50, "project_id": film.id})["assets"]
    names = [hit["name"] for hit in hits if film.mark not in hit["name"]]
    assert names[:3] == ["Lamp", "Lampshade", "Oil Lamp"]


def test_fewer_than_three_signs_find_nothing(film: Film) -> None:
    assert film.admin.ask("POST", "data/search", {"query": "el"}) == {}
    assert film.admin.ask("POST", "data/search", {"query": " e "}) == {}


def test_only_the_indexes_that_were_asked_for_are_searched(film: Film) -> None:
    assert film.find(film.mark, index_names=["shots"]) == {"shots": ["SH010"]}
    assert set(film.find(film.mark)) == {"assets", "shots", "persons"}


def test_the_team_finds_and_others_do_not(film: Film) -> None:
    for role in ("manager", "supervisor", "user", "client"):
        assert film.find("elodie", film.person(role))["assets"] == ["Élodie"], role
        assert film.find("elodie", film.person(role, team=False))["assets"] == [], role


def test_vendors_find_what_they_work_on(film: Film) -> None:
    vendor = film.person("vendor")
    assert film.find("elodie", vendor)["assets"] == []
    assets = film.admin.ask("GET", f"data/projects/{film.id}/assets")
    asset = next(each["id"] for each in assets if each["name"].startswith("Élodie"))
    kind = next(each["id"] for each in film.admin.ask("GET", "data/task-types") if each["name"] == "Modeling")
    [task] = film.admin.ask("POST", f"data/entities/{asset}/tasks", {"task_type_ids": [kind]})
    me = vendor.ask("GET", "auth/authenticated")["user"]["id"]
    film.admin.ask("PUT", f"actions/persons/{me}/assign", {"task_ids": [task["id"]]})
    vendor.session.cookies.update(film.admin.session.cookies)
    assert film.find("elodie", vendor)["assets"] == ["Élodie"]
    assert film.find("foret", vendor)["assets"] == []


def test_what_is_written_is_found_and_what_is_renamed_or_deleted_is_not(film: Film) -> None:
    kind = next(each["id"] for each in film.admin.ask("GET", "data/asset-types") if each["name"] == "Prop")
    path = f"data/projects/{film.id}/asset-types/{kind}/assets/new"
    asset = film.admin.ask("POST", path, {"name": f"Zeppelin {film.mark}"})["id"]
    assert film.find("zeppelin")["assets"] == ["Zeppelin"]
    film.admin.ask("PUT", f"data/entities/{asset}", {"name": f"Balloon {film.mark}"})
    assert (film.find("zeppelin")["assets"], film.find("balloon")["assets"]) == ([], ["Balloon"])
    film.admin.ask("DELETE", f"data/assets/{asset}?force=true")
    assert film.find("balloon")["assets"] == []


def test_people_are_found_by_name_without_what_is_private(film: Film) -> None:
    artist = film.person("user")
    hits = artist.ask("POST", "data/search", {"query": f"zoe{film.mark}", "limit": 50})["persons"]
    assert hits
    assert not {"email", "phone", "daily_salary", "password"} & set(hits[0])
    assert film.find(f"zoe{film.mark}", film.person("client"))["persons"]
