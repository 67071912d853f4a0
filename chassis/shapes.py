"""Releases side by side: a shape's read models are made beside those that are served, then one transaction switches.

Each shape has schemas of its own, and the head of the log names the one that is served. `prepare` folds the log without
a lock that a writer would meet; `switch` folds what came since under the lock of the head. Afterwards processes of the
other shape find neither their tables nor, when they append, their shape in the head: what they were about to do is
rolled back as Superseded, and a process of the new shape does it.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from psycopg2.errors import DeadlockDetected

from chassis import schema, sql
from chassis.log import head_position, read_feed
from chassis.rebuild import BATCH, Progress, fold_batch, fold_log
from chassis.service import TRIES, Service
from chassis.spec import ServiceSpec

logger = logging.getLogger(__name__)
LOCK = 7_231_005
NOTHING = ""
Fill = Callable[[Mapping[str, int]], None]
OTHERS = "SELECT nspname FROM pg_namespace WHERE nspname ~ '^(read|replica)(_[0-9a-f]{12})?$' AND nspname <> ALL(%s)"
GONE = "gone_"
# Replicas hold reactions back up to where those of the shape in service have come, and go on from there.
FOLLOW_ALONG = """
INSERT INTO log.checkpoints (owner, shape, position, reacted)
SELECT owner, %s, 0, reacted FROM log.checkpoints WHERE shape = (SELECT shape FROM log.head)
"""
TAKE_OVER = """
UPDATE log.checkpoints AS mine SET reacted = other.reacted FROM log.checkpoints AS other, log.head AS head
WHERE mine.shape = %s AND other.owner = mine.owner AND other.shape = head.shape;
"""


def served(service: Service) -> str | None:
    """Return the shape in service: empty in a new database, None when it has no log or one of an older release."""
    if service.database.run("SELECT to_regclass('log.prepared')") == [(None,)]:
        return None
    [(shape,)] = service.database.run("SELECT shape FROM log.head")
    return str(shape)


def is_prepared(service: Service) -> bool:
    """Tell whether the read models of the service's shape wait to be served."""
    return bool(service.database.run("SELECT 1 FROM log.prepared WHERE shape = %s", (service.spec.shape,)))


def prepare(service: Service, fill: Fill, progress: Progress | None = None) -> bool:
    """Make the read models of the service's shape unless they are there; tell whether they were made.

    `fill` brings the replicas up to the given positions of their owners' logs; it must not go beyond, because reactions
    to what comes after them are still to be had.
    """
    spec = service.spec
    with _alone(service), service.database.connection() as connection, connection.cursor() as cursor:
        if served(service) == spec.shape or is_prepared(service):
            return False
        events = head_position(cursor)
        if events:
            logger.warning("%s: read models of this release are being made from %d events", spec.name, events)
        # One release is prepared at a time: another that waits would miss its checkpoints, and has to be prepared anew.
        cursor.execute("DELETE FROM log.prepared")
        _tidy(cursor)
        _drop(cursor, [spec.read, spec.replica])
        # Dropping may wait for others, so it is done before; the disk is waited for once, not for each table.
        cursor.execute("BEGIN")
        cursor.execute(f"CREATE SCHEMA {spec.read}; CREATE SCHEMA {spec.replica}")
        schema.create_tables(cursor, service, spec.read, spec.replica)
        cursor.execute(FOLLOW_ALONG, (spec.shape,))
        cursor.execute("COMMIT")
        reacted = _reacted(cursor, spec)
        fill(reacted)
        position = fold_log(cursor, service, spec.read, progress=progress)
        # Until PostgreSQL knows what is in new tables, it joins them in ways that take a hundred times longer.
        filled = bool(events or reacted)
        if filled:
            cursor.execute("ANALYZE")
        cursor.execute("BEGIN")
        for derived in spec.derived:
            derived.fill(cursor)
        cursor.execute("INSERT INTO log.prepared VALUES (%s, %s)", (spec.shape, position))
        cursor.execute("COMMIT")
        if filled:
            cursor.execute("ANALYZE")
    return True


def switch(service: Service) -> bool:
    """Serve the read models of the service's shape from now on; tell whether they were there to be served."""
    spec = service.spec
    if served(service) == spec.shape:
        return True
    with _alone(service), service.database.connection() as connection, connection.cursor() as cursor:
        if served(service) == spec.shape:
            return True
        if not is_prepared(service):
            return False
        for attempt in range(TRIES):
            # The bulk of what came since is folded before the lock is taken, so that writers wait for the rest only.
            cursor.execute("BEGIN")
            _advance(cursor, service)
            cursor.execute("COMMIT")
            try:
                _switch(cursor, service)
                break
            except DeadlockDetected:
                cursor.execute("ROLLBACK")
                if attempt == TRIES - 1:
                    raise
        _tidy(cursor)
    return True


def _switch(cursor: Any, service: Service) -> None:
    spec = service.spec
    cursor.execute("BEGIN")
    cursor.execute("SELECT position FROM log.head FOR UPDATE")
    _advance(cursor, service)
    cursor.execute(TAKE_OVER, (spec.shape,))
    cursor.execute("UPDATE log.head SET shape = %s", (spec.shape,))
    cursor.execute("DELETE FROM log.prepared")
    cursor.execute(sql.MOVE_ALL_ON)
    # Renaming waits for nobody's statement. Dropping does, so that comes after the commit.
    cursor.execute(OTHERS, ([spec.read, spec.replica],))
    for (name,) in cursor.fetchall():
        cursor.execute(f"ALTER SCHEMA {name} RENAME TO {GONE}{name}")
    cursor.execute("COMMIT")


def _advance(cursor: Any, service: Service) -> None:
    """Fold what was appended since the preparation, derived read models included."""
    cursor.execute("SELECT position FROM log.prepared WHERE shape = %s", (service.spec.shape,))
    [(position,)] = cursor.fetchall()
    while events := read_feed(cursor, service.spec.upcasters, position, BATCH):
        changes = fold_batch(cursor, service, service.spec.read, events)
        for derived in service.spec.derived:
            derived.apply(cursor, changes)
        position = events[-1].position
    cursor.execute("UPDATE log.prepared SET position = %s WHERE shape = %s", (position, service.spec.shape))


def _reacted(cursor: Any, spec: ServiceSpec) -> dict[str, int]:
    cursor.execute("SELECT owner, reacted FROM log.checkpoints WHERE shape = %s", (spec.shape,))
    return dict(cursor.fetchall())


def _tidy(cursor: Any) -> None:
    """Drop what switches have left behind."""
    cursor.execute("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s)", (GONE,))
    _drop(cursor, [name for (name,) in cursor.fetchall()])
    cursor.execute("DELETE FROM log.checkpoints WHERE shape <> (SELECT shape FROM log.head)")


def _drop(cursor: Any, names: list[str]) -> None:
    for name in names:
        cursor.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")


@contextmanager
def _alone(service: Service) -> Iterator[None]:
    """Keep every other process from preparing and switching. The lock ends with its connection at the latest."""
    with service.database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))
