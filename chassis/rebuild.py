"""Rebuilds read models from the log: the same fold that wrote them, beside the live tables, then one switch."""

from collections.abc import Callable
from typing import Any

from psycopg2.errors import DeadlockDetected

from chassis import schema, sql
from chassis.changes import Buffer, Change, fold
from chassis.events import Event
from chassis.log import head_position, read_feed
from chassis.resources import Record
from chassis.service import TRIES, Service

BATCH = 5_000
Progress = Callable[[int, int], None]


def fold_log(
    cursor: Any,
    service: Service,
    target: str,
    after: int = 0,
    until: int | None = None,
    progress: Progress | None = None,
) -> int:
    """Fold events after `after` into the tables of schema `target`; return the position reached."""
    head = head_position(cursor) if until is None else until
    while after < head:
        events = read_feed(cursor, service.spec.upcasters, after, BATCH)
        events = [event for event in events if event.position <= head]
        if not events:
            break
        fold_batch(cursor, service, target, events)
        after = events[-1].position
        if progress:
            progress(after, head)
    return after


def fold_batch(cursor: Any, service: Service, target: str, events: list[Event]) -> list[Change]:
    """Fold `events` into the tables of schema `target`; return the changes that they were to owned kinds."""
    owned = [event for event in events if event.kind in service.owned]
    known = _known(cursor, service, target, owned)
    buffer = Buffer()
    changes = []
    for event in owned:
        record = fold(buffer, known, event)
        if record is not None:
            changes.append(Change(event, record))
    buffer.flush(cursor, service.owned, target)
    return changes


def _known(cursor: Any, service: Service, target: str, events: list[Event]) -> dict[tuple[str, str], Record | None]:
    wanted: dict[str, set[str]] = {}
    for event in events:
        wanted.setdefault(event.kind, set()).add(event.id)
    known: dict[tuple[str, str], Record | None] = {}
    for kind, ids in wanted.items():
        resource = service.owned[kind]
        statement = sql.select_rows(resource).replace(f'FROM "{kind}"', f'FROM {target}."{kind}"')
        cursor.execute(f"{statement} WHERE t.id = ANY(%s::uuid[])", (sorted(ids),))
        for row in cursor.fetchall():
            record = resource.load(row)
            known[(kind, record.id)] = record
    return known


def rebuild(service: Service, progress: Progress | None = None) -> int:
    """Rebuild all owned read models of `service` while reads and writes go on; return the position reached.

    The bulk is folded into schema `read_next` without locks; then one transaction folds the rest under locks and
    exchanges the tables by moving them between schemas.
    """
    with service.database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS read_next CASCADE; CREATE SCHEMA read_next")
        schema.create_tables(cursor, service, "read_next", None)
        position = fold_log(cursor, service, "read_next", progress=progress)
        for resource in service.spec.owns:
            cursor.execute(f'ANALYZE read_next."{resource.kind}"')
        for attempt in range(TRIES):
            position = fold_log(cursor, service, "read_next", position, progress=progress)
            try:
                reached = _exchange(cursor, service, position, progress)
                break
            except DeadlockDetected:
                cursor.execute("ROLLBACK")
                if attempt == TRIES - 1:
                    raise
        cursor.execute("DROP SCHEMA read_next CASCADE")
    return reached


def _exchange(cursor: Any, service: Service, position: int, progress: Progress | None) -> int:
    tables = [f'{service.spec.read}."{resource.kind}"' for resource in service.spec.owns]
    cursor.execute("BEGIN")
    # Tables first, then the head: the order in which writers come to them. Who holds one table and waits for another
    # can still stand in the way of this; PostgreSQL then ends one of both, and that one tries again.
    if tables:
        cursor.execute(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")
    cursor.execute("SELECT position FROM log.head FOR UPDATE")
    reached = fold_log(cursor, service, "read_next", position, progress=progress)
    for resource, table in zip(service.spec.owns, tables, strict=True):
        cursor.execute(f"DROP TABLE {table} CASCADE")
        cursor.execute(f'ALTER TABLE read_next."{resource.kind}" SET SCHEMA {service.spec.read}')
    for derived in service.spec.derived:
        derived.fill(cursor)
    cursor.execute(sql.MOVE_ALL_ON)
    cursor.execute("COMMIT")
    return reached
