"""One request that prepares something, as data: of the world or of a single route."""

import time
from dataclasses import dataclass, field
from typing import Any

import requests

from .client import Client, SignInRefusedError
from .matcher import MissingRefError, Refs, resolve

WAIT_SECONDS = 60
POLL_SECONDS = 0.2


def ref(name: str) -> str:
    """Write the placeholder of a name."""
    return "{{" + name + "}}"


@dataclass(frozen=True)
class Step:
    """A request whose reply gives names to ids.

    `save` maps a name to a dotted path in the reply. `find` picks the first row of a list that has these
    values before saving. `until` repeats the request until the reply has these values.
    """

    method: str
    path: str
    body: Any = None
    actor: str = "admin"
    query: dict[str, str] = field(default_factory=dict)
    files: dict[str, Any] = field(default_factory=dict)
    save: dict[str, str] = field(default_factory=dict)
    find: dict[str, Any] | None = None
    until: dict[str, Any] | None = None
    status: tuple[int, ...] = (200, 201, 204)

    @staticmethod
    def of(data: dict[str, Any]) -> "Step":
        """Read a step from the `setup` list of a case file."""
        values = dict(data)
        if "status" in values:
            values["status"] = tuple(values["status"])
        return Step(**values)

    def request(self) -> dict[str, Any]:
        """Give the request with its placeholders."""
        made: dict[str, Any] = {"path": self.path, "query": self.query}
        if self.body is not None:
            made["body"] = self.body
        if self.files:
            made["files"] = self.files
        return made


def run_step(client: Client, refs: Refs, step: Step) -> str | None:
    """Run a step, put the saved ids in `refs`; give the problem in words, or None."""
    label = f"{step.method} {step.path}"
    try:
        request = resolve(step.request(), refs)
        wanted = resolve(step.find, refs)
        reply = _send(client, step, request)
    except MissingRefError as missing:
        return f"{label}: needs {missing.args[0]!r}, which was not made"
    except (SignInRefusedError, requests.RequestException) as error:
        return f"{label}: {error}"
    if reply.status_code not in step.status:
        return f"{label}: answered {reply.status_code} {reply.text[:200]}"
    problem = _unmet(step.until, reply)
    return f"{label}: {problem}" if problem else _save(label, step, wanted, reply, refs)


def _send(client: Client, step: Step, request: dict[str, Any]) -> requests.Response:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        reply = client.send(step.actor, step.method, request)
        if _unmet(step.until, reply) is None or reply.status_code >= 400 or time.monotonic() > deadline:
            return reply
        time.sleep(POLL_SECONDS)


def _unmet(until: dict[str, Any] | None, reply: requests.Response) -> str | None:
    if until is None or reply.status_code >= 400:
        return None
    found = {key: reply.json().get(key) for key in until}
    return None if found == until else f"waited {WAIT_SECONDS} s for {until}, still {found}"


def _save(label: str, step: Step, wanted: Any, reply: requests.Response, refs: Refs) -> str | None:
    if not step.save:
        return None
    value: Any = reply.json()
    if wanted is not None:
        rows = value["data"] if isinstance(value, dict) else value
        value = next((row for row in rows if all(row.get(key) == item for key, item in wanted.items())), None)
        if value is None:
            return f"{label}: no row with {wanted} among {len(rows)}"
    for name, path in step.save.items():
        found = value
        for part in path.split("."):
            try:
                found = found[int(part)] if isinstance(found, list) else found[part]
            except (LookupError, TypeError):
                return f"{label}: the reply has no {path!r}: {reply.text[:200]}"
        refs[name] = found
    return None
