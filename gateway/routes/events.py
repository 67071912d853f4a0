"""The record of what happened: the logs of all services as one list."""

import re
from typing import Any

import falcon
import orjson

from chassis.binding import NIL, is_uuid, wire_moment
from chassis.errors import Forbidden, Invalid, Unauthorized
from chassis.history import position_of
from chassis.messages import ADMIN, MANAGER, THE_SYSTEM, Actor, Reply, Request
from gateway.routing import get

SERVICES = ("auth", "production", "tasks", "media", "imports")
FILES = ("preview-file:add-file", "person:set-thumbnail", "project:set-thumbnail", "organisation:set-thumbnail")
# Only told live, never listed.
NOT_KEPT = ("chat:deleted-message", "chat:joined", "chat:left", "chat:new-message", "comment:acknowledge",
            "comment:delete-reply", "comment:unacknowledge", "main:test", "notification:new",
            "task:update-casting-stats")  # fmt: skip
WORD = re.compile(r"[a-z0-9-]+")
MOST = 1000


def _values(req: falcon.Request, name: str) -> list[str]:
    return [value for value in req.get_param_as_list(name) or [] if value]


def _ids(req: falcon.Request, name: str) -> list[str]:
    values = _values(req, name)
    if not all(map(is_uuid, values)):
        raise Invalid(f"Wrong value for parameter {name}: an id is expected.")
    return values


def _moment(req: falcon.Request, name: str) -> list[str]:
    text = req.get_param(name)
    try:
        return [wire_moment(text)] if text else []
    except (ValueError, TypeError):
        raise Invalid(
            f"Wrong date format for {name} argument.Expected format: 2020-01-05T13:23:10 or 2020-01-05"
        ) from None


def _limit(req: falcon.Request) -> int:
    text = req.get_param("limit") or "100"
    if not text.isdigit():
        raise Invalid("Wrong value for parameter limit.")
    return min(int(text), MOST)


def _projects(gateway: Any, req: falcon.Request, actor: Actor) -> list[str]:
    """Return the projects to list; empty for all. Raises Forbidden."""
    wanted = _ids(req, "project_id")
    if actor.role == ADMIN:
        return wanted
    request = Request("production.list_reach", {"person_id": actor.person_id or ""}, actor=THE_SYSTEM)
    mine: list[str] = orjson.loads(gateway.bus.call(request).read())["projects"]
    if any(project not in mine for project in wanted):
        raise Forbidden
    return wanted or mine or [NIL]


def _cursor(req: falcon.Request) -> tuple[int, int, int] | None:
    text = req.get_param("cursor_event_id")
    if not text:
        return None
    found = position_of(text) if is_uuid(text) else None
    if found is None or found[0] >= len(SERVICES):
        raise Invalid("No event found with this cursor_event_id.")
    return found


def last_events(gateway: Any, req: falcon.Request) -> Reply:
    """Return what happened, newest first, to managers and admins. Source: GET /data/events/last."""
    actor: Actor = gateway.identities.actor_of(req, "access")
    if not actor.signed_in:
        raise Unauthorized(gateway.missing)
    if actor.role not in (ADMIN, MANAGER):
        raise Forbidden
    for name in ("name_prefixes", "name_suffixes"):
        if not all(map(WORD.fullmatch, _values(req, name))):
            raise Invalid(f"Wrong value for parameter {name}.")
    limit, cursor = _limit(req), _cursor(req)
    only_files = (req.get_param("only_files") or "").lower() == "true"
    query = {
        "after": _moment(req, "after"),
        "before": _moment(req, "before"),
        "names": list(FILES) if only_files else _values(req, "name"),
        "not_names": list(NOT_KEPT),
        "prefixes": _values(req, "name_prefixes"),
        "suffixes": _values(req, "name_suffixes"),
        "projects": _projects(gateway, req, actor),
        "people": _ids(req, "person_ids"),
    }
    rows = _gathered(gateway, {key: value for key, value in query.items() if value}, limit, cursor)
    return Reply(body=orjson.dumps([{k: v for k, v in row.items() if k != "sort"} for row in rows]))


def _gathered(gateway: Any, query: dict[str, list[str]], limit: int, cursor: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    more = {"limit": [str(limit if cursor is None else MOST)]}
    for number, service in enumerate(SERVICES):
        name = f"{service}.list_history"
        if name not in gateway.description:
            continue
        request = Request(name, query={**query, **more, "service_number": [str(number)]}, actor=THE_SYSTEM)
        rows += orjson.loads(gateway.bus.call(request).read())
    rows.sort(key=lambda row: row["sort"], reverse=True)
    if cursor is not None:
        ids = [position_of(row["id"]) for row in rows]
        if cursor not in ids:
            raise Invalid("No event found with this cursor_event_id.")
        rows = rows[ids.index(cursor) + 1 :]
    return rows[:limit]


ROUTES = (get("/data/events/last", last_events),)
