"""Every recorded case, one test each, for the module of each shape to import, so that both can be tested side by side.

The fixture `contract_server` (module scope or wider) gives a fresh server: `url`, `email`, `password` of its
administrator, and `saml_url` where a second one with SAML enabled runs. The cases of a route build on each
other: the first test of a route runs them all, in order, so that any selection of tests means the same.
"""

from dataclasses import dataclass, field
from typing import Protocol

import pytest

from .cases import Case, Result, Route, load_routes, run_route
from .world import World, build_world

__all__ = ["session", "test_the_reply_is_as_recorded", "test_the_world_can_be_built"]


class ContractServer(Protocol):
    """What the integration fixture provides."""

    url: str
    email: str
    password: str


@dataclass
class Session:
    """The world, and the results of the routes run so far."""

    world: World
    special: dict[str, str]
    results: dict[int, tuple[Result, ...]] = field(default_factory=dict)

    def result(self, route: Route, case: Case) -> Result:
        if route.number not in self.results:
            self.results[route.number] = run_route(self.world, route, self.special)
        return self.results[route.number][route.cases.index(case)]


@pytest.fixture(scope="module")
def session(contract_server: ContractServer) -> Session:
    saml_url = getattr(contract_server, "saml_url", None)
    world = build_world(contract_server.url, contract_server.email, contract_server.password)
    return Session(world, {"saml": saml_url} if saml_url else {})


def test_the_world_can_be_built(session: Session) -> None:
    assert not session.world.problems, "\n".join(session.world.problems)


@pytest.mark.parametrize(
    ("route", "case"),
    [pytest.param(route, case, id=f"{route.label}: {case.name}") for route in load_routes() for case in route.cases],
)
def test_the_reply_is_as_recorded(session: Session, route: Route, case: Case) -> None:
    result = session.result(route, case)
    if result.skipped is not None:
        pytest.skip(result.skipped)
    assert not result.problems, "\n".join(result.problems)
