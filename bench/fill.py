"""Fill the braces of a scenario from a loaded production."""

import json
import re
from datetime import date, timedelta
from typing import Any

from bench.client import MakeRequest, Target
from bench.scenarios import KNOWN, Scenario
from bench.world import World

BRACES = re.compile(r"\{([a-z_0-9%+]+)\}")
FIRST_DAY = date(2031, 1, 1)


def value(name: str, number: int, world: World) -> Any:
    """Return what a name in braces stands for in the request of this number."""
    if name.startswith("n%"):
        return number % int(name[2:])
    if name.startswith("n+"):
        return number + int(name[2:])
    return _fixed(name, number, world) if name in _FIXED else _next(name, number, world)


_FIXED = ("n", "project", "same_task", "preview", "asset_type", "day", "run", "assigned", "assignee")


def _fixed(name: str, number: int, world: World) -> Any:
    task, person = world.assigned[number % len(world.assigned)] if world.assigned else ("", "")
    values = {
        "n": number,
        "project": world.project,
        "same_task": world.tasks[0] if world.tasks else "",
        "preview": world.preview,
        "asset_type": world.asset_type,
        "day": (FIRST_DAY + timedelta(days=number // max(1, len(world.assigned)) % 3000)).isoformat(),
        "run": world.run,
        "assigned": task,
        "assignee": person,
    }
    return values[name]


def _next(name: str, number: int, world: World) -> str:
    if name == "known_task":
        name, number = "task", number % KNOWN
    lists = {
        "task": world.tasks,
        "shot": world.shots,
        "asset": world.assets,
        "other_asset": world.assets,
        "person": world.persons,
        # Another status each time round, so that every comment is a change.
        "status": world.statuses,
    }
    if name not in lists:
        raise KeyError(f"{{{name}}} stands for nothing")
    things = lists[name]
    if name == "status":
        turn, task = divmod(number, max(1, len(world.tasks)))
        return things[(turn + task) % len(things)]
    if name == "other_asset":
        number += 1
    return things[number % len(things)]


def filled(template: Any, number: int, world: World) -> Any:
    """Return a copy of a path or body with all braces filled; text that is one pair of braces keeps its type."""
    if isinstance(template, str):
        whole = BRACES.fullmatch(template)
        if whole:
            return value(whole.group(1), number, world)
        return BRACES.sub(lambda match: str(value(match.group(1), number, world)), template)
    if isinstance(template, dict):
        return {key: filled(part, number, world) for key, part in template.items()}
    if isinstance(template, list):
        return [filled(part, number, world) for part in template]
    return template


def maker(scenario: Scenario, target: Target, world: World, etag: str | None = None) -> MakeRequest:
    """Return the function that makes the requests of a scenario; those without moving parts are made once."""
    headers = {"If_None_Match": etag} if etag else {}

    def make(number: int) -> bytes:
        path = str(filled(scenario.path, number, world))
        body = b"" if scenario.body is None else json.dumps(filled(scenario.body, number, world)).encode()
        return target.request(scenario.method, path, body, **headers)

    moving = set(BRACES.findall(scenario.path)) - {"project", "preview", "asset_type", "run", "same_task"}
    if scenario.body is None and not moving:
        once = make(0)
        return lambda number: once
    return make
