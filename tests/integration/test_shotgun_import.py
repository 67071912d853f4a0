"""A ShotGrid site taken in twice is there once."""

from typing import Any
from uuid import uuid4

import pytest

from tests.support.server import RunningServer
from tests.support.studio import Client


class Site:
    """What a ShotGrid site sends, with numbers and names of its own."""

    def __init__(self, server: RunningServer) -> None:
        self.admin, self.mark = Client(server), uuid4().hex[:6]
        self.first = int(self.mark, 16) * 100
        self.film = f"Film {self.mark}"

    def at(self, number: int) -> dict[str, int]:
        return {"id": self.first + number}

    def bring(self, plural: str, *entries: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
        reply = self.admin.call("POST", f"import/shotgun/{plural}", list(entries))
        assert reply.status_code == 200, reply.text
        return reply.json(), reply.headers["X-Kiroku-Import"]

    def bring_all(self) -> dict[str, tuple[list[dict[str, Any]], str]]:
        film = {**self.at(1), "name": self.film, "type": "Project"}
        return {
            "projects": self.bring("projects", {**self.at(1), "name": self.film, "sg_status": "Active"}),
            "persons": self.bring(
                "persons",
                {**self.at(2), "firstname": "Ana", "lastname": "B", "email": f"{self.mark}@Studio.com", "login": "ana",
                 "sg_status_list": "act", "permission_rule_set": {"name": "Manager"}, "department": {"name": "Anim"}},
                {**self.at(3), "firstname": "No", "lastname": "Mail", "email": "changeme@email.com"},
            ),
            "status": self.bring("status", {**self.at(4), "name": self.mark, "code": self.mark, "bg_color": "1,2,3"}),
            "steps": self.bring(
                "steps", {**self.at(5), "code": f"Rig {self.mark}", "color": "0,128,255", "entity_type": "Asset"}
            ),
            "assets": self.bring(
                "assets",
                {**self.at(6), "code": "Lamp", "sg_asset_type": "Prop", "project": film, "parents": [self.at(7)]},
                {**self.at(7), "code": "Room", "sg_asset_type": "Set", "project": film},
                {**self.at(8), "code": "Loose", "sg_asset_type": None, "project": film},
            ),
            "sequences": self.bring("sequences", {**self.at(9), "code": "SQ01", "project": film}),
            "shots": self.bring(
                "shots",
                {**self.at(6), "code": "SH01", "project": film, "sg_sequence": self.at(9), "assets": [self.at(6)],
                 "sg_cut_in": 1001, "sg_cut_duration": 24},
            ),
            "tasks": self.bring(
                "tasks",
                {**self.at(10), "cached_display_name": "Rig", "project": film, "step": self.at(5),
                 "sg_status_list": self.mark, "entity": {"type": "Asset", **self.at(6)}, "task_assignees": [self.at(2)],
                 "created_by": self.at(2)},
                {**self.at(11), "project": film, "step": None, "entity": {"type": "Asset", **self.at(6)}},
            ),
            "versions": self.bring("versions", {**self.at(12), "code": "v001", "sg_task": self.at(10)}),
        }  # fmt: skip


@pytest.fixture
def site(server: RunningServer) -> Site:
    return Site(server)


def test_a_second_import_touches_the_same_records(site: Site) -> None:
    first, second = site.bring_all(), site.bring_all()
    for plural, (records, fate) in first.items():
        again, fate_again = second[plural]
        assert [each["id"] for each in again] == [each["id"] for each in records], plural
        assert fate == fate_again
    assert first["persons"][1] == "taken=1 skipped=1 entries=1"
    assert first["assets"][1] == "taken=2 skipped=1 entries=2"
    project = first["projects"][0][0]["id"]
    ask = site.admin.ask
    assert len(ask("GET", f"data/projects/{project}/assets")) == 2
    [shot] = ask("GET", f"data/projects/{project}/shots")
    assert (shot["nb_frames"], shot["data"]["frame_in"], shot["data"]["frame_out"]) == (24, 1001, 1025)
    assert len(ask("GET", f"data/projects/{project}/tasks")) == 1
    lamp, room = (each["id"] for each in first["assets"][0])
    links = ask("GET", f"data/projects/{project}/entity-links")
    # The shot and the lamp bear the same number in their tables; the cast tells them apart.
    assert sorted((each["entity_in_id"], each["entity_out_id"]) for each in links) == sorted(
        [(shot["id"], lamp), (room, lamp)]
    )


def test_changed_values_arrive_with_the_next_import(site: Site) -> None:
    site.bring_all()
    film = {"name": site.film, **site.at(1)}
    [asset], _ = site.bring("assets", {**site.at(6), "code": "Big Lamp", "sg_asset_type": "Prop", "project": film})
    assert site.admin.ask("GET", f"data/entities/{asset['id']}")["name"] == "Big Lamp"


@pytest.mark.parametrize(
    "entry", [{}, {"id": "one"}, {"id": None}, {"id": 1, "sg_asset_type": {"a": 1}, "project": 7}, "text"]
)
def test_an_entry_of_another_shape_is_refused_and_nothing_stays(site: Site, entry: Any) -> None:
    good = {**site.at(1), "code": "Lamp", "sg_asset_type": f"Type {site.mark}", "project": site.at(1)}
    reply = site.admin.call("POST", "import/shotgun/assets", [good, entry])
    assert (reply.status_code, bool(reply.json()["message"])) == (400, True)
    assert not [each for each in site.admin.ask("GET", "data/asset-types") if each["name"] == f"Type {site.mark}"]
