"""Brings the database of a service into shape: the log by numbered migrations, read models from resources."""

import hashlib
from collections.abc import Callable, Collection
from typing import Any

from chassis import sql
from chassis.messages import THE_SYSTEM, Request
from chassis.service import Service
from chassis.unit import Unit

LOCK = 7_231_004


def migrate(service: Service, before_seed: Callable[[], None] | None = None) -> bool:
    """Create or upgrade the schemas, then seed a fresh install; tell whether the read models were made anew.

    Safe to run from several processes at once. `before_seed` runs in between: it fills the replicas that first records
    refer to.
    """
    with service.database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        create_log(cursor)
        new = create_read_models(cursor, service)
        cursor.execute("COMMIT")
    if before_seed:
        before_seed()
    seed(service)
    return new


def create_log(cursor: Any, only: Collection[str] | None = None) -> None:
    """Create or upgrade the tables of the log; with `only`, by no other migrations than these."""
    for statement in (
        "CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public",
        "CREATE EXTENSION IF NOT EXISTS unaccent WITH SCHEMA public",
        "CREATE SCHEMA IF NOT EXISTS log",
        sql.PLAIN_TEXT,
        "CREATE TABLE IF NOT EXISTS log.migrations (name text PRIMARY KEY)",
    ):
        cursor.execute(statement)
    cursor.execute("SELECT name FROM log.migrations")
    done = {name for (name,) in cursor.fetchall()}
    for name, statements in sql.LOG_MIGRATIONS:
        if name not in done and (only is None or name in only):
            cursor.execute(statements)
            cursor.execute("INSERT INTO log.migrations VALUES (%s)", (name,))


def shape(service: Service) -> str:
    """Return the digest of the read models' definition; a new digest asks for a rebuild."""
    spec = service.spec
    extra = [derived.ddl for derived in spec.derived]
    text = sql.definition((*spec.owns, *spec.replicates), extra)
    return hashlib.sha256(text.encode()).hexdigest()


def create_read_models(cursor: Any, service: Service) -> bool:
    """Create the read and replica schemas unless they are there in the present shape. True: they are new."""
    cursor.execute("SELECT value FROM log.meta WHERE name = 'shape'")
    row = cursor.fetchone()
    present = shape(service)
    if row and row[0] == present:
        return False
    cursor.execute("DROP SCHEMA IF EXISTS read CASCADE; DROP SCHEMA IF EXISTS replica CASCADE")
    cursor.execute("CREATE SCHEMA read; CREATE SCHEMA replica")
    create_tables(cursor, service, "read", "replica")
    # Replicas fill again from the owners' feeds; reactions up to `reacted` have had their effect and stay out.
    cursor.execute("UPDATE log.checkpoints SET position = 0")
    cursor.execute(
        "INSERT INTO log.meta VALUES ('shape', %s) ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value", (present,)
    )
    from chassis.rebuild import fold_log

    fold_log(cursor, service, "read")
    for derived in service.spec.derived:
        derived.fill(cursor)
    return True


def create_tables(cursor: Any, service: Service, read: str, replica: str | None) -> None:
    """Create the tables of owned kinds in schema `read`, of replicated ones in `replica`, and derived ones."""
    for resource in service.spec.owns:
        cursor.execute(sql.create_table(resource, read))
    if replica:
        for resource in service.spec.replicates:
            cursor.execute(sql.create_table(resource, replica, rules=False))
        for derived in service.spec.derived:
            cursor.execute(derived.ddl)


def seed(service: Service) -> None:
    """Write the first records, once per database, in one transaction."""
    if service.spec.seed is None:
        return
    with service.database.connection() as connection:
        request = Request(f"{service.name}.seed", actor=THE_SYSTEM, request_id="seed")
        unit = Unit(service, request, connection, writes=True)
        unit.rows("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        if unit.rows("SELECT value FROM log.meta WHERE name = 'seeded'"):
            return
        service.spec.seed(unit)
        unit.rows("INSERT INTO log.meta VALUES ('seeded', 'yes')")
        unit.finish()
