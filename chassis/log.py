"""The event log of one service: append at the end of a transaction, read by stream and by position."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import orjson

from chassis import sql
from chassis.events import Event, Upcasters
from chassis.messages import Request


def append(cursor: Any, events: list[Event], request: Request, now: datetime, shape: str) -> None:
    """Append `events`, each a microsecond after the one before, from `now` on, with the next statement.

    Positions are taken under the lock of the head row, which is held to the commit: gap-free, in commit order; `commit`
    tells the last one. The revisions of the events' scopes move on. The next statement raises
    what goes wrong: psycopg2's UniqueViolation of `events_stream` for a clash of stream versions, UndefinedTable when
    read models of another shape than the writer's are served, which would miss the events.
    """
    count = len(events)
    columns: list[list[Any]] = [
        [e.kind for e in events],
        [e.id for e in events],
        [e.version for e in events],
        [e.name for e in events],
        [e.schema for e in events],
        [e.op for e in events],
        [orjson.dumps(e.new).decode() for e in events],
        [orjson.dumps(e.old).decode() for e in events],
        [e.project_id for e in events],
        [orjson.dumps(e.live).decode() for e in events],
    ]
    actor = request.actor
    behalf = actor.claims.get("on_behalf_of")
    scopes = scopes_of(events)
    head = [count, shape, now, actor.person_id, behalf, request.request_id, request.causation, scopes]
    sql.APPEND.later(cursor, [*head, *columns])


def commit(cursor: Any) -> int:
    """Commit a transaction that has appended; return the position of its last event."""
    cursor.execute(sql.COMMIT)
    position: int = cursor.fetchone()[0]
    return position


def scopes_of(events: Iterable[Event]) -> list[str]:
    """Return what ETags are made of and `events` change: a project, and a kind in it (`project/kind`); else a kind."""
    found = set()
    for event in events:
        if event.project_id:
            found |= {event.project_id, f"{event.project_id}/{event.kind}"}
        else:
            found.add(event.kind)
    return sorted(found)


def bump(cursor: Any, events: Iterable[Event]) -> None:
    """Move the revisions of the scopes of `events` on, so that ETags made of them change."""
    wanted = scopes_of(events)
    if wanted:
        sql.BUMP.run(cursor, (wanted,))


def event_of(row: tuple[Any, ...]) -> Event:
    """Return the event that a row of EVENT_COLUMNS holds."""
    (position, kind, id_, version, name, schema, op, new, old, recorded_at, project_id, actor_id, behalf, request_id,
     causation, live) = row  # fmt: skip
    return Event(
        name, kind, id_, version, op, orjson.loads(new), orjson.loads(old), recorded_at, project_id, actor_id,
        behalf, request_id, causation, schema, position, orjson.loads(live),
    )  # fmt: skip


def read_feed(
    cursor: Any, upcasters: Upcasters, after: int, limit: int, kinds: Iterable[str] | None = None
) -> list[Event]:
    """Return up to `limit` events after position `after`, of `kinds` only when given, in order."""
    if kinds is None:
        cursor.execute(sql.FEED, (after, limit))
    else:
        cursor.execute(sql.FEED_KINDS, (after, list(kinds), limit))
    return [upcasters(event_of(row)) for row in cursor.fetchall()]


def read_stream(cursor: Any, upcasters: Upcasters, kind: str, id_: str) -> list[Event]:
    """Return all events of one record, oldest first."""
    cursor.execute(sql.STREAM, (kind, id_))
    return [upcasters(event_of(row)) for row in cursor.fetchall()]


def head_position(cursor: Any) -> int:
    """Return the newest committed position."""
    cursor.execute("SELECT position FROM log.head")
    position: int = cursor.fetchone()[0]
    return position
