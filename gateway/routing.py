"""Routes as rows: a method, a path and the operation that serves it."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Route:
    """One documented method and path. `operation` is `<service>.<name>`, or a function of the gateway itself.

    `json_only` routes refuse bodies that are not application/json (415); `token` is the kind that opens the route.
    `limited` routes take secrets from strangers, so tries are counted. `also` are queries of other services that are
    asked at the same time, and the members of their objects added to the one that `operation` answers.
    """

    method: str
    path: str
    operation: str | Callable[..., Any]
    json_only: bool = False
    token: str = "access"
    limited: bool = False
    also: tuple[str, ...] = ()

    @cached_property
    def name(self) -> str:
        """Return the operation as metrics and logs name it."""
        return self.operation if isinstance(self.operation, str) else f"gateway.{self.operation.__name__}"


def get(path: str, operation: str | Callable[..., Any], **more: Any) -> Route:
    """Return a GET row."""
    return Route("GET", path, operation, **more)


def post(path: str, operation: str | Callable[..., Any], **more: Any) -> Route:
    """Return a POST row."""
    return Route("POST", path, operation, **more)


def put(path: str, operation: str | Callable[..., Any], **more: Any) -> Route:
    """Return a PUT row."""
    return Route("PUT", path, operation, **more)


def delete(path: str, operation: str | Callable[..., Any], **more: Any) -> Route:
    """Return a DELETE row."""
    return Route("DELETE", path, operation, **more)


VERBS = ("list", "create", "get", "update", "delete")


def crud(service: str, kind: str, plural: str, only: tuple[str, ...] = VERBS) -> tuple[Route, ...]:
    """Return the rows of a generic resource at `/data/<plural>`: the five verbs, or `only` some."""
    many, one = f"/data/{plural}", f"/data/{plural}/{{instance_id}}"
    rows = (
        get(many, f"{service}.list_{plural.replace('-', '_')}"),
        post(many, f"{service}.create_{kind}", json_only=True),
        get(one, f"{service}.get_{kind}"),
        put(one, f"{service}.update_{kind}", json_only=True),
        delete(one, f"{service}.delete_{kind}"),
    )
    return tuple(row for verb, row in zip(VERBS, rows, strict=True) if verb in only)


def by_path(routes: Iterable[Route]) -> dict[str, dict[str, tuple[Route, tuple[str, ...]]]]:
    """Return template -> method -> (route, placeholder names). Templates name placeholders by position.

    Falcon keeps one name per position; routes of one path may name theirs differently, so each keeps its own names.
    Raises ValueError for a duplicate.
    """
    found: dict[str, dict[str, tuple[Route, tuple[str, ...]]]] = {}
    for route in routes:
        names = tuple(PLACEHOLDER.findall(route.path))
        template = _numbered(route.path)
        verbs = found.setdefault(template, {})
        if route.method in verbs:
            raise ValueError(f"{route.method} {route.path} is declared twice")
        verbs[route.method] = (route, names)
    return found


def _numbered(path: str) -> str:
    parts = []
    for depth, part in enumerate(path.split("/")):
        counter = iter(range(9))
        parts.append(PLACEHOLDER.sub(lambda _, d=depth, c=counter: f"{{p{d}_{next(c)}}}", part))  # type: ignore[misc]
    return "/".join(parts)
