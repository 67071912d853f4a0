"""Parked events: those that a follower could not react to, kept with their error until somebody replays them."""

from datetime import datetime

import orjson

from chassis.events import Event
from chassis.unit import Unit


def park(unit: Unit, owner: str, event: Event, error: str) -> None:
    """Park an event of `owner`, in the transaction of `unit`."""
    body = orjson.dumps(event).decode()
    unit.rows(
        "INSERT INTO log.parked (owner, position, kind, id, event, error) VALUES (%s, %s, %s, %s, %s, %s) "
        "ON CONFLICT DO NOTHING",
        (owner, event.position, event.kind, event.id, body, error),
    )


def held(unit: Unit, owner: str) -> dict[tuple[str, str], int]:
    """Return the position of the first parked event of each record that has one; later ones must wait for it."""
    statement = "SELECT kind, id::text, min(position) FROM log.parked WHERE owner = %s GROUP BY 1, 2"
    rows = unit.rows(statement, (owner,), planned=True)
    return {(kind, id_): position for kind, id_, position in rows}


def parked_event(text: str) -> Event:
    """Return the event that was parked as JSON."""
    row = orjson.loads(text)
    return Event(**{**row, "recorded_at": datetime.fromisoformat(row["recorded_at"])})
