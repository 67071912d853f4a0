"""What a commit has done, as short as live events need it: told beside a wake-up, so that who listens reads no log."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from chassis.changes import Change

MANY_EVENTS = 20


class Seen(NamedTuple):
    """What live events need of an event: how it changed a record of `kind`, the names of the fields that are `new`,
    what connected clients are told, and the project."""

    kind: str
    op: str
    new: tuple[str, ...]
    live: list[Any]
    project_id: str | None


class News(NamedTuple):
    """The events that brought a log from the position `after` to `position`: all of them."""

    after: int
    position: int
    events: list[Seen]


def news_of(position: int, changes: Sequence[Change]) -> News | None:
    """Return the news of a commit that has brought the log to `position`; None for one that is too large. Pure."""
    if len(changes) > MANY_EVENTS:
        return None
    events = [change.event for change in changes]
    seen = [Seen(e.kind, e.op, tuple(e.new), e.live, e.project_id) for e in events]
    return News(position - len(events), position, seen)
