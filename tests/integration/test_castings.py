"""The casting of a whole film, of which only the sequences that have changed are put together again."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.support.server import RunningServer
from tests.support.studio import Client

Casting = dict[str, list[dict[str, Any]]]
SEQUENCES, SHOTS, ASSETS = 4, 3, 5


class Film:
    """Four sequences of three shots, one more shot outside of them, and five assets that play in all of them."""

    def __init__(self, server: RunningServer) -> None:
        self.client = Client(server)
        ask = self.client.ask
        self.id = ask("POST", "data/projects", {"name": f"Film {uuid4().hex[:8]}"})["id"]
        self.type = ask("POST", "data/entity-types", {"name": f"Type {uuid4().hex[:8]}"})["id"]
        path = f"data/projects/{self.id}"
        self.assets = [
            ask("POST", f"{path}/asset-types/{self.type}/assets/new", {"name": f"Asset {number}"})["id"]
            for number in range(ASSETS)
        ]
        self.sequences = [
            ask("POST", f"{path}/sequences", {"name": f"SQ{number}"})["id"] for number in range(SEQUENCES)
        ]
        self.shots = [
            ask("POST", f"{path}/shots", {"name": f"SH{place}{number}", "sequence_id": sequence})["id"]
            for place, sequence in enumerate(self.sequences)
            for number in range(SHOTS)
        ]
        self.shots.append(ask("POST", f"{path}/shots", {"name": "alone"})["id"])
        for shot in self.shots:
            self.cast(shot, *self.assets)

    def cast(self, shot: str, *assets: str) -> None:
        rows = [{"asset_id": asset, "nb_occurences": 1} for asset in assets]
        self.client.ask("PUT", f"data/projects/{self.id}/entities/{shot}/casting", rows)

    def change(self, entity: str, **values: Any) -> None:
        self.client.ask("PUT", f"data/entities/{entity}", values)

    def casting(self) -> Casting:
        """Return the map of the whole film."""
        found: Casting = self.client.ask("GET", f"data/projects/{self.id}/sequences/all/casting")
        return found

    def read_anew(self) -> Casting:
        """Return the same by the statement that reads all of it, which nothing is kept of."""
        path = f"data/projects/{self.id}/episodes/all/sequences/all/casting"
        found: Casting = self.client.ask("GET", path)
        return found


@pytest.fixture(scope="module")
def film(server: RunningServer) -> Film:
    return Film(server)


CHANGES: dict[str, Callable[[Film], Any]] = {
    "an asset is renamed": lambda film: film.change(film.assets[0], name="Zebra"),
    "an asset is cut": lambda film: film.client.ask("DELETE", f"data/assets/{film.assets[1]}"),
    "a shot is cast otherwise": lambda film: film.cast(film.shots[0], film.assets[2]),
    "a shot is cast with the same number": lambda film: film.cast(film.shots[0], film.assets[3]),
    "a shot loses its casting": lambda film: film.cast(film.shots[1]),
    "a shot moves": lambda film: film.change(film.shots[2], parent_id=film.sequences[3]),
    "a shot is cut": lambda film: film.client.ask("DELETE", f"data/shots/{film.shots[3]}"),
    "a sequence is renamed": lambda film: film.change(film.sequences[1], name="SQ one"),
    "a shot outside is cast otherwise": lambda film: film.cast(film.shots[-1], film.assets[4]),
    "a type is renamed": lambda film: film.client.ask(
        "PUT", f"data/entity-types/{film.type}", {"name": f"Kind {uuid4().hex[:8]}"}
    ),
    "a shot comes": lambda film: film.cast(
        film.client.ask("POST", f"data/projects/{film.id}/shots", {"name": "new", "sequence_id": film.sequences[2]})[
            "id"
        ],
        film.assets[3],
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_after_any_change_the_map_is_that_of_reading_all(film: Film, change: Callable[[Film], Any]) -> None:
    before = film.casting()
    change(film)
    after = film.casting()
    assert after != before
    assert after == film.read_anew()


def test_all_shots_are_there_with_assets_by_type_and_name(server: RunningServer) -> None:
    film = Film(server)
    casting = film.casting()
    assert set(casting) == set(film.shots)
    assert all(
        [row["asset_name"] for row in rows] == [f"Asset {n}" for n in range(ASSETS)] for rows in casting.values()
    )
    assert [row["sequence_name"] for row in casting[film.shots[4]]] == ["SQ1"] * ASSETS
    assert casting[film.shots[-1]][0]["sequence_name"] is None
