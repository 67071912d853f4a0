"""Brings the database of a service into shape: the log by numbered migrations, tables of read models, first records."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from chassis import sql
from chassis.messages import THE_SYSTEM, Request
from chassis.service import Service
from chassis.unit import Unit

LOCK = 7_231_004


def migrate(
    service: Service,
    fill: Callable[[Mapping[str, int]], None] = lambda limits: None,
    before_seed: Callable[[], None] = lambda: None,
    *,
    serve: bool = True,
) -> bool:
    """Create or upgrade the log, make the read models, serve them and seed a fresh install; tell whether it is served.

    Safe to run from several processes at once. Without `serve`, read models beside those of another release wait for
    the first process of this one. `fill` is what `shapes.prepare` wants; `before_seed` fills the replicas that first
    records refer to.
    """
    from chassis import shapes

    with service.database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        create_log(cursor)
        cursor.execute("COMMIT")
    shapes.prepare(service, fill)
    if not serve and shapes.served(service) not in (shapes.NOTHING, service.spec.shape):
        return False
    shapes.switch(service)
    before_seed()
    seed(service)
    return True


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
