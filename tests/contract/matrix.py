"""Who is let in where: each route asked by everybody, from strangers to administrators."""

from typing import Any

from .cases import Route
from .client import SignInRefusedError
from .matcher import MissingRefError, resolve
from .steps import run_step
from .world import World

# The least powerful first, so that what one deletes is still there for those who may not.
ACTORS: tuple[str | None, ...] = (
    None, "outsider", "bot", "client", "vendor", "artist", "supervisor", "manager", "admin",
)  # fmt: skip
CLOSED = {401: "no token", 403: "closed"}


def name_of(actor: str | None) -> str:
    """Return how case files call an actor."""
    return actor or "nobody"


def make_bot(world: World) -> None:
    """Let a bot of role user take part, signed in by its own token."""
    body = {"first_name": "Matrix", "last_name": "Bot", "email": "matrix@example.com", "role": "user", "is_bot": True}
    reply = world.client.send("admin", "POST", {"path": "/data/persons", "body": body})
    world.client.tokens["bot"] = reply.json()["access_token"]


def outcomes(world: World, route: Route) -> dict[str, str]:
    """Return for each actor: open, closed (403) or no token (401), asked with the first request that succeeds."""
    for step in route.setup:
        run_step(world.client, world.refs, step)
    plain = [case for case in route.cases if case.requires is None]
    case = next((each for each in plain if each.expect["status"] < 400), plain[0])
    found = {}
    for actor in ACTORS:
        found[name_of(actor)] = _outcome(world, route, actor, case.request)
    return found


def _outcome(world: World, route: Route, actor: str | None, request: dict[str, Any]) -> str:
    try:
        status = world.client.send(actor, route.method, resolve(request, world.refs)).status_code
    except (MissingRefError, SignInRefusedError) as problem:
        return f"not asked: {problem}"
    return f"failed: {status}" if status >= 500 else CLOSED.get(status, "open")
