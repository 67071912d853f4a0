"""Whether replicas are what their owners have."""

import hashlib
import time
from typing import Any

import psycopg2

from contracts import OWNERS
from kiroku.postgres import EmbeddedPostgres
from kiroku.system import specs
from tests.support.server import RunningServer

COLUMNS = "id, version, created_at, updated_at, doc, rel"


class Databases:
    """The databases of a running server."""

    def __init__(self, server: RunningServer) -> None:
        """Look into the embedded PostgreSQL of `server`."""
        self._postgres = EmbeddedPostgres(server.home / "postgres")
        assert self._postgres.join()

    def rows(self, service: str, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a SELECT in the database of a service."""
        connection = psycopg2.connect(self._postgres.url(f"kiroku_{service}"))
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def shape(self, service: str) -> str:
        """Return the shape of the read models that are served."""
        [(shape,)] = self.rows(service, "SELECT shape FROM log.head")
        return str(shape)

    def hash_of(self, service: str, schema: str, kind: str) -> str:
        """Return a hash over all rows of a table."""
        rows = self.rows(service, f'SELECT {COLUMNS} FROM {schema}."{kind}" ORDER BY id')
        return hashlib.sha256(repr(rows).encode()).hexdigest()

    def hashes(self, service: str) -> dict[str, str]:
        """Return a hash over all rows of each table of a service but its log, by schema and name."""
        named = (
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' "
            "AND table_schema NOT IN ('log', 'pg_catalog', 'information_schema')"
        )
        found = {}
        for schema, table in self.rows(service, named):
            text = (
                f"SELECT md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '')) FROM {schema}.\"{table}\" t"
            )
            [(found[f"{schema}.{table}"],)] = self.rows(service, text)
        return found

    def drifted(self) -> list[str]:
        """Return the replicas that differ from what their owners have."""
        found = []
        shapes = {name: self.shape(name) for name in specs()}
        for name, spec in specs().items():
            for resource in spec.replicates:
                owner = OWNERS[resource.kind]
                theirs = self.hash_of(owner, f"read_{shapes[owner]}", resource.kind)
                if self.hash_of(name, f"replica_{shapes[name]}", resource.kind) != theirs:
                    found.append(f"{name}.{resource.kind}")
        return found

    def unmade(self) -> list[str]:
        """Return whether rows of the big lists are still to be made."""
        schema = f"read_{self.shape('tasks')}"
        [(count,)] = self.rows("tasks", f"SELECT count(*) FROM {schema}.entity_row WHERE body IS NULL")
        return [f"{count} rows are unmade"] if count else []

    def settle(self, seconds: float = 20) -> None:
        """Wait until every replica equals its owner's table. Raises AssertionError with those that do not."""
        deadline = time.monotonic() + seconds
        while drifted := self.drifted() or self.unmade():
            assert time.monotonic() < deadline, drifted
            time.sleep(0.2)

    def gaps(self, service: str) -> int:
        """Return how many positions of a log are missing or doubled."""
        [(count, distinct, newest)] = self.rows(
            service, "SELECT count(*), count(DISTINCT position), coalesce(max(position), 0) FROM log.events"
        )
        return abs(newest - distinct) + (count - distinct)
