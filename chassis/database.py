"""PostgreSQL as the services use it: a pool of connections and raw cursors with statements built once."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import psycopg2
from psycopg2 import extensions
from sqlalchemy import Engine, create_engine
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.pool import PoolProxiedConnection

from chassis import tracing
from chassis.at_once import waits
from chassis.prepared import GatheringConnection

# Documents go to the socket as they are: as bytes, never decoded.
RAW_TEXT = extensions.new_type((25, 114, 3802), "RAW_TEXT", extensions.BYTES)

POOL_SIZE = 16
Connection = PoolProxiedConnection
Cursor = DBAPICursor
__all__ = ["Connection", "Cursor", "DBAPIConnection", "Database", "psycopg2"]


class Database:
    """The database of one service. Connections are in autocommit: transactions begin explicitly."""

    def __init__(self, url: str, *, pool_size: int = POOL_SIZE, commit: str = "on") -> None:
        """Open `url` lazily, with at most `pool_size` connections, each when all others are lent.

        They stay: one that came and went would have planned no statement yet. `commit` is PostgreSQL's
        synchronous_commit. `schemas`, where statements look for tables, may be changed until the first is there.
        """
        self.url = url
        self.schemas = "log,public"
        self._pool_size = pool_size
        self._options = (
            f"-c TimeZone=UTC -c jit=off -c synchronous_commit={commit} "
            # The list of a large production's tasks is sorted without going to the disk.
            "-c work_mem=32MB "
            # Prepared statements find rows by their ids: one plan does for one id and for thousands.
            "-c plan_cache_mode=force_generic_plan "
            # How alike a part of a name must be to what was typed (1: the same) to be found with the operator `<%`.
            "-c pg_trgm.word_similarity_threshold=0.45"
        )

    @cached_property
    def _engine(self) -> Engine:
        options = f"-c search_path={self.schemas} {self._options}"
        return create_engine(
            _sqlalchemy_url(self.url),
            pool_size=self._pool_size,
            max_overflow=0,
            pool_reset_on_return=None,
            pool_use_lifo=True,
            connect_args={
                "options": options,
                "application_name": "kiroku",
                "connection_factory": GatheringConnection,
                **tracing.cursor_options(),
            },
        )

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """Lend a connection in autocommit. A broken one is thrown away, an open transaction rolled back."""
        waits()
        with self._lent() as raw:
            try:
                yield raw
            except BaseException:
                _make_clean(raw)
                raise
            if raw.waiting or raw.info.transaction_status != extensions.TRANSACTION_STATUS_IDLE:
                _make_clean(raw)

    @contextmanager
    def _lent(self) -> Iterator[Any]:
        proxy = self._engine.raw_connection()
        try:
            raw: Any = proxy.driver_connection
            if raw.closed:
                proxy.invalidate()
                proxy.close()
                proxy = self._engine.raw_connection()
                raw = proxy.driver_connection
            if not raw.autocommit:
                raw.autocommit = True
            yield raw
            if raw.closed:
                proxy.invalidate()
        finally:
            proxy.close()

    def run(self, statement: str, args: Any = None) -> list[tuple[Any, ...]]:
        """Run one statement, or several without args, in autocommit; return the rows, if there are any."""
        with self.connection() as connection, connection.cursor() as cursor:
            cursor.execute(statement, args)
            return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        """Close idle connections."""
        self._engine.dispose()


def _make_clean(raw: Any) -> None:
    raw.waiting.clear()
    if raw.closed:
        return
    try:
        if raw.info.transaction_status != extensions.TRANSACTION_STATUS_IDLE:
            with raw.cursor() as cursor:
                cursor.execute("ROLLBACK")
    except psycopg2.Error:
        raw.close()


def _sqlalchemy_url(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg2://", 1).replace("postgres://", "postgresql+psycopg2://", 1)
