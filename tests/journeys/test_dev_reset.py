"""KIROKU_DEV=1: back to the fresh install between the cases of a conformance harness."""

from collections.abc import Iterator

import pytest
import requests

from tests.support.server import RunningServer, running_server
from tests.support.tables import Databases
from tests.support.writers import Writers, token_of


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running_server(KIROKU_DEV="1") as running:
        yield running


def test_everything_that_was_made_is_gone_and_the_house_goes_on(server: RunningServer) -> None:
    token = {"Authorization": f"Bearer {token_of(server)}"}

    def names(path: str) -> list[str]:
        return [row["name"] for row in requests.get(f"{server.url}/{path}", headers=token, timeout=30).json()]

    fresh = {path: names(path) for path in ("data/departments", "data/task-types", "data/projects", "data/entities")}
    for _ in range(2):
        with Writers(server, threads=1) as writers:
            writers.wait_for(12)
        assert names("data/projects")
        reply = requests.post(f"{server.url}/dev/reset", headers=token, timeout=30)
        assert reply.status_code == 204, reply.text
        assert {path: names(path) for path in fresh} == fresh
        Databases(server).settle()


def test_only_administrators_may_and_only_where_it_was_asked_for(server: RunningServer) -> None:
    assert requests.post(f"{server.url}/dev/reset", timeout=30).status_code == 401
    with running_server() as other:
        token = {"Authorization": f"Bearer {token_of(other)}"}
        assert requests.post(f"{other.url}/dev/reset", headers=token, timeout=30).status_code == 404
