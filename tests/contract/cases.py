"""Read the recorded cases and run those of one route in their recorded order."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from .client import Client, SignInRefusedError
from .matcher import MissingRefError, differences, resolve
from .steps import Step, run_step
from .world import World

CASES_FOLDER = Path(__file__).parent / "cases"
# Recorded where the reference has no answer; docs/reference/differences.md lists what is done instead.
UNHANDLED = 500
PNG_SIGNATURE = b"\x89PNG"


@dataclass(frozen=True)
class Case:
    """One recorded request and the reply it must have."""

    name: str
    actor: str | None
    request: dict[str, Any]
    expect: dict[str, Any]
    requires: str | None = None


@dataclass(frozen=True)
class Route:
    """One documented route; its cases build on each other, so they run in order."""

    number: int
    method: str
    path: str
    service: str
    setup: tuple[Step, ...]
    cases: tuple[Case, ...]
    roles: dict[str, str]

    @property
    def label(self) -> str:
        """Give the route as people write it."""
        return f"{self.number:02d} {self.method} {self.path}"


@dataclass(frozen=True)
class Result:
    """What became of a case: nothing wrong, problems in words, or the reason why it was not run."""

    case: Case
    problems: tuple[str, ...] = ()
    skipped: str | None = None


def load_routes() -> tuple[Route, ...]:
    """Read every case file, in the order of the recording."""
    return tuple(_route(json.loads(path.read_text(encoding="utf-8"))) for path in sorted(CASES_FOLDER.glob("*.json")))


def _route(data: dict[str, Any]) -> Route:
    return Route(
        number=data["number"],
        method=data["method"],
        path=data["path"],
        service=data["service"],
        setup=tuple(Step.of(step) for step in data["setup"]),
        cases=tuple(Case(**case) for case in data["cases"]),
        roles=data["roles"],
    )


def run_route(world: World, route: Route, special: dict[str, str] | None = None) -> tuple[Result, ...]:
    """Prepare and run all cases of a route.

    `special` gives the address of a server with a setting that a case requires: `{"saml": url}`.
    """
    found = [run_step(world.client, world.refs, step) for step in route.setup]
    troubles = tuple(f"setup: {problem}" for problem in found if problem)
    results = []
    for case in route.cases:
        result = _run_case(world, route, case, special or {})
        results.append(Result(case, troubles + result.problems) if result.problems else result)
    return tuple(results)


def _run_case(world: World, route: Route, case: Case, special: dict[str, str]) -> Result:
    client = world.client
    if case.requires is not None:
        if case.requires not in special:
            return Result(case, skipped=f"needs a server with {case.requires} enabled")
        client = Client(special[case.requires], "", "")
    try:
        request = resolve(case.request, world.refs)
        expect = resolve(case.expect, world.refs)
        reply = client.send(case.actor, route.method, request)
    except MissingRefError as missing:
        return Result(case, (f"the world lacks {missing.args[0]!r}",))
    except (SignInRefusedError, requests.RequestException) as error:
        return Result(case, (str(error),))
    return Result(case, tuple(_compare(expect, reply, world)))


def _compare(expect: dict[str, Any], reply: requests.Response, world: World) -> list[str]:
    if expect["status"] == UNHANDLED:
        return _compare_refusal(reply)
    if reply.status_code != expect["status"]:
        return [f"expected status {expect['status']}, got {reply.status_code}: {reply.text[:300]}"]
    found = []
    for name, value in expect.get("headers", {}).items():
        found += differences(value, reply.headers.get(name), world.refs, f"header {name}")
    return found + _compare_body(expect["body"], reply, world)


def _compare_refusal(reply: requests.Response) -> list[str]:
    """Accept a refusal that says what is wrong, where the recorded server fell over."""
    if reply.status_code not in (400, 404):
        return [f"expected 400 or 404 in place of the recorded 500, got {reply.status_code}: {reply.text[:300]}"]
    return [] if reply.json().get("message") else [f"expected a message, got {reply.text[:300]}"]


def _compare_body(body: Any, reply: requests.Response, world: World) -> list[str]:
    kind = reply.headers.get("Content-Type", "")
    if isinstance(body, dict) and "$empty" in body:
        return [f"expected no body, got {reply.text[:160]!r}"] if reply.content else []
    if isinstance(body, dict) and "$html" in body:
        return [] if kind.startswith("text/html") and reply.content else [f"expected a page, got {kind}"]
    if isinstance(body, dict) and "$csv" in body:
        text = reply.content.decode()
        found = [] if kind.startswith("text/csv") else [f"expected text/csv, got {kind}"]
        return found if text.startswith(body["$csv"]) else [*found, f"expected {body['$csv']!r}, got {text[:800]!r}"]
    if isinstance(body, dict) and "$binary" in body:
        return _compare_bytes(body["$binary"], kind, reply.content)
    try:
        actual = reply.json()
    except ValueError:
        return [f"expected JSON, got {kind}: {reply.text[:160]!r}"]
    return differences(body, actual, world.refs)


def _compare_bytes(wanted: dict[str, Any], kind: str, content: bytes) -> list[str]:
    found = []
    if kind.split(";", maxsplit=1)[0] != wanted["content_type"]:
        found.append(f"expected {wanted['content_type']}, got {kind}")
    if "size" in wanted and len(content) != wanted["size"]:
        found.append(f"expected {wanted['size']} bytes, got {len(content)}")
    if wanted["content_type"] == "image/png" and not content.startswith(PNG_SIGNATURE):
        found.append(f"expected a PNG, got {content[:16]!r}")
    return found
