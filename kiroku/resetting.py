"""Back to the fresh install within a blink: for conformance harnesses, and only with `KIROKU_DEV=1`."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from chassis.service import Service
from kiroku.settings import WrongSettingError
from kiroku.system import System

logger = logging.getLogger(__name__)
OTHER_RELEASE = (
    "KIROKU_DEV=1: this home keeps the fresh install of another release, whose tables have another shape: start with "
    "an empty KIROKU_HOME"
)
TABLES = """
SELECT schemaname, tablename FROM pg_tables
WHERE schemaname = ANY(%s) AND (schemaname, tablename) <> ('log', 'migrations') ORDER BY 1, 2
"""
# Old ETags must not fit new content.
NEW_REVISIONS = "UPDATE log.scopes SET revision = extract(epoch FROM clock_timestamp())::bigint"


def keep_fresh(system: System) -> None:
    """Keep a copy of every table as the install has just made it; a copy that is there stays."""
    for service in system.services.values():
        kept = {name for (name,) in service.database.run("SELECT tablename FROM pg_tables WHERE schemaname = 'fresh'")}
        if kept - {f"{s}.{t}" for s, t in _tables(service)}:
            raise WrongSettingError(OTHER_RELEASE)
        if not kept:
            copies = (f'CREATE TABLE fresh."{s}.{t}" AS TABLE {s}."{t}"' for s, t in _tables(service))
            service.database.run("BEGIN; CREATE SCHEMA fresh; " + "; ".join(copies) + "; COMMIT")


def resetter(system: System, forget: Callable[[], None]) -> Callable[[], None]:
    """Return what puts all databases of `system` back; `forget` drops what the gateway remembers of them."""
    statements = {name: _statement(service) for name, service in system.services.items()}

    def reset() -> None:
        with system.paused(), ThreadPoolExecutor(len(statements)) as pool:
            list(pool.map(lambda name: system.services[name].database.run(statements[name]), statements))
            forget()
        logger.warning("KIROKU_DEV: everything is back to the fresh install")

    return reset


def _tables(service: Service) -> list[tuple[str, str]]:
    schemas = ["log", service.spec.read, service.spec.replica]
    return [(schema, table) for schema, table in service.database.run(TABLES, (schemas,))]


def _statement(service: Service) -> str:
    """Return the SQL that empties each table and fills it from its copy, in one transaction and one round trip."""
    parts = []
    for schema, table in _tables(service):
        parts.append(f'DELETE FROM {schema}."{table}"')
        parts.append(f'INSERT INTO {schema}."{table}" OVERRIDING SYSTEM VALUE SELECT * FROM fresh."{schema}.{table}"')
    return "BEGIN; " + "; ".join([*parts, NEW_REVISIONS]) + "; COMMIT"
