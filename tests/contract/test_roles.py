"""The matrix of roles and routes: who is let in, from a stranger to an administrator, as declared beside each route."""

from collections.abc import Iterator

import pytest

from tests.support.server import running_server

from . import matrix
from .cases import Route, load_routes
from .world import World, build_world


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with running_server() as server:
        found = build_world(server.url, server.email, server.password)
        matrix.make_bot(found)
        yield found


@pytest.mark.parametrize("route", [pytest.param(route, id=route.label) for route in load_routes()])
def test_a_route_lets_in_whom_it_says(world: World, route: Route) -> None:
    assert set(route.roles) == {matrix.name_of(actor) for actor in matrix.ACTORS}
    assert matrix.outcomes(world, route) == route.roles
