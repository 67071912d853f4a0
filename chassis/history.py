"""What happened in a service: as clients were told, newest first, and as other systems read it, oldest first."""

from typing import Any

from chassis.cloud import cloud_event
from chassis.errors import Invalid
from chassis.operations import query
from chassis.policy import admins, nobody
from chassis.unit import Unit

MARK = "6b69726f"
PAGE, MOST = 500, 1000
ENTRY = """
SELECT e.position, (x.ord - 1)::int, e.recorded_at, x.entry->>0, x.entry->1, e.project_id::text, e.actor_id::text
FROM log.events e CROSS JOIN LATERAL json_array_elements(e.live) WITH ORDINALITY AS x(entry, ord)
WHERE {where} ORDER BY e.position DESC, x.ord DESC LIMIT %s
"""


def event_id(service: int, position: int, place: int) -> str:
    """Return the id of what clients were told at `place` of the event at `position`. Pure."""
    return f"{MARK}-{service:04x}-8{place:03x}-8{position >> 48:03x}-{position & (1 << 48) - 1:012x}"


def position_of(id_: str) -> tuple[int, int, int] | None:
    """Return (service, position, place) of an id that event_id made, else None. Pure."""
    parts = id_.split("-")
    if len(parts) != 5 or parts[0] != MARK:
        return None
    return int(parts[1], 16), (int(parts[3][1:], 16) << 48) | int(parts[4], 16), int(parts[2][1:], 16)


@query(allow=nobody)
def list_history(unit: Unit, *, service_number: int, limit: int = 100) -> list[dict[str, Any]]:
    """Return [{id, created_at, name, user_id, project_id, data}], newest first; asked by the gateway.

    Query: after, before (datetimes), names, not_names, prefixes, suffixes, projects, people (repeatable).
    """
    request, where, args = unit.request, ["true"], []
    patterns = [f"{prefix}:%" for prefix in request.query.get("prefixes", [])]
    patterns += [f"%:{suffix}" for suffix in request.query.get("suffixes", [])]
    conditions: tuple[tuple[str, Any], ...] = (
        ("e.recorded_at > %s::timestamptz", request.one("after")),
        ("e.recorded_at < %s::timestamptz", request.one("before")),
        ("x.entry->>0 = ANY(%s)", request.query.get("names")),
        ("x.entry->>0 <> ALL(%s)", request.query.get("not_names")),
        ("x.entry->>0 LIKE ANY(%s)", patterns),
        ("e.project_id = ANY(%s::uuid[])", request.query.get("projects")),
        ("e.actor_id = ANY(%s::uuid[])", request.query.get("people")),
    )
    for condition, value in conditions:
        if value:
            where.append(condition)
            args.append(value)
    found = unit.rows(ENTRY.format(where=" AND ".join(where)), [*args, max(0, min(limit, 1000))])
    return [
        {
            "id": event_id(service_number, position, place),
            "created_at": at.strftime("%Y-%m-%dT%H:%M:%S"),
            "sort": at.timestamp(),
            "name": name,
            "user_id": actor,
            "project_id": project,
            "data": data,
        }
        for position, place, at, name, data, project, actor in found
    ]


@query(allow=admins)
def list_feed(unit: Unit, *, after: int = 0, limit: int = PAGE) -> dict[str, Any]:
    """Return {service, events, position, head}: what follows position `after`, oldest first, as CloudEvents 1.0.

    Query: kind (repeatable). `position` is where to go on; there is more while it is smaller than `head`.
    Raises Invalid for a negative position and a limit below 1. Source: GET /data/events/feed.
    """
    if after < 0 or limit < 1:
        raise Invalid("Wrong value for parameter after or limit: positions start at 0, limits at 1.")
    events, position, head = unit.feed(after, min(limit, MOST), unit.request.query.get("kind"))
    found = [cloud_event(unit.service, event) for event in events]
    return {"service": unit.service, "events": found, "position": position, "head": head}
