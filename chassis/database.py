"""PostgreSQL as the services use it: a pool of connections and raw cursors with statements built once."""

import threading
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from types import TracebackType
from typing import Any

import psycopg2
from psycopg2 import extensions
from sqlalchemy import Engine, create_engine
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.pool import PoolProxiedConnection

from chassis import tracing
from chassis.at_once import pausable, waits
from chassis.company import Company, SideBySide, together
from chassis.pausing import PausingConnections, PausingLoan
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
        self._spare: list[Connection] = []
        self._lock = threading.Lock()
        self._waiting = 0
        self._pausing = PausingConnections(url)
        self._side_by_side = SideBySide()
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
        return create_engine(
            _sqlalchemy_url(self.url),
            pool_size=self._pool_size,
            max_overflow=0,
            pool_reset_on_return=None,
            pool_use_lifo=True,
            connect_args={
                "options": self._told,
                "application_name": "kiroku",
                "connection_factory": GatheringConnection,
                **tracing.cursor_options(),
            },
        )

    @property
    def _told(self) -> str:
        """Return what a connection is told when it begins."""
        return f"-c search_path={self.schemas} {self._options}"

    def connection(self) -> "Loan":
        """Lend a connection in autocommit. A broken one is thrown away, an open transaction rolled back."""
        return Loan(self)

    def reading(self) -> "AbstractContextManager[Any]":
        """Lend a connection for reads alone. A thread that can pause what it does is not held while they last."""
        others = together()
        if others is not None:
            return nullcontext(others.connection(self))
        if pausable() is None:
            return Loan(self)
        return self._pausing.lend(self._told)

    def beside(self, connection: Any) -> Company | None:
        """Return those beside whom a query reads by its id that has this `connection`; None where it reads alone.

        Who has a connection of its own keeps it, as those who wait for others must not hold what these need.
        """
        if isinstance(connection, PausingLoan):
            return None if connection.lent else self._side_by_side
        return together()

    def take(self) -> Connection:
        """Return a connection that nobody has: the one that was given back last, as it has most in its caches."""
        with self._lock:
            if self._spare:
                return self._spare.pop()
            self._waiting += 1
        try:
            return self._engine.raw_connection()
        finally:
            with self._lock:
                self._waiting -= 1

    def give_back(self, proxy: Connection) -> None:
        """Take a connection back. The pool gets it when somebody waits there: its way costs a fifth of a small read."""
        with self._lock:
            if not self._waiting:
                self._spare.append(proxy)
                return
        proxy.close()

    def run(self, statement: str, args: Any = None) -> list[tuple[Any, ...]]:
        """Run one statement, or several without args, in autocommit; return the rows, if there are any."""
        with self.connection() as connection, connection.cursor() as cursor:
            cursor.execute(statement, args)
            return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        """Close idle connections."""
        with self._lock:
            spare, self._spare = self._spare, []
        for proxy in spare:
            proxy.close()
        self._pausing.close()
        self._engine.dispose()


class Loan:
    """A connection for a `with` block."""

    __slots__ = ("_database", "_proxy", "_raw")

    def __init__(self, database: Database) -> None:
        """Lend one of `database` when the block begins."""
        self._database = database

    def __enter__(self) -> Any:
        """Return psycopg2's connection."""
        waits()
        proxy = self._database.take()
        raw: Any = proxy.driver_connection
        while raw.closed:
            _throw_away(proxy)
            proxy = self._database.take()
            raw = proxy.driver_connection
        if not raw.autocommit:
            raw.autocommit = True
        self._proxy, self._raw = proxy, raw
        return raw

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back, or throw it away when it is broken or outgrown."""
        raw = self._raw
        if kind is not None or raw.waiting or raw.info.transaction_status != extensions.TRANSACTION_STATUS_IDLE:
            _make_clean(raw)
        if raw.closed or raw.outgrown:
            _throw_away(self._proxy)
        else:
            self._database.give_back(self._proxy)


def _throw_away(proxy: Connection) -> None:
    proxy.invalidate()
    proxy.close()


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
