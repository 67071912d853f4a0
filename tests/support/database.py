"""PostgreSQL for tests: the server in `KIROKU_TEST_DATABASE_URL`, else an embedded one in a temporary folder."""

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit, urlunsplit
from uuid import uuid4

import psycopg2
from psycopg2 import sql

from kiroku.postgres import EmbeddedPostgres

VARIABLE = "KIROKU_TEST_DATABASE_URL"


class DatabaseServer(Protocol):
    """What tests need of a PostgreSQL server."""

    def url(self, database: str) -> str:
        """Return the libpq URL of `database`."""
        ...


class ExternalPostgres:
    """A server that somebody else runs; its role must be allowed to create databases and extensions."""

    def __init__(self, base: str) -> None:
        """Take the libpq URL of any database of the server."""
        self._base = urlsplit(base)

    def url(self, database: str) -> str:
        """Return the libpq URL of `database`."""
        return urlunsplit(self._base._replace(path=f"/{database}"))


@cache
def postgres_server(durable: bool = False) -> DatabaseServer:
    """Return the server of this test session, started at first use and removed when the session ends.

    The embedded one does without fsync unless `durable`, which gives a second server to tests that measure or kill.
    """
    if base := os.environ.get(VARIABLE):
        return ExternalPostgres(base)
    home = Path(tempfile.mkdtemp(prefix="kiroku-test-pg-"))
    home.chmod(0o711)  # as root the server runs as another user, who has to get through
    server = EmbeddedPostgres(home, durable=durable)
    server.start()
    atexit.register(_remove, server, home, os.getpid())
    return server


def fresh_database(server: DatabaseServer, name: str) -> str:
    """Create an empty database and return its URL; its name starts with `name` and is not used twice."""
    unique = f"{name[:40]}_{uuid4().hex[:12]}"
    _execute(server, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(unique)))
    return server.url(unique)


def drop_database(server: DatabaseServer, url: str) -> None:
    """Remove a database that `fresh_database` made, with the sessions that are still in it."""
    name = sql.Identifier(unquote(urlsplit(url).path[1:]))
    _execute(server, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


def _execute(server: DatabaseServer, statement: sql.Composed) -> None:
    connection = psycopg2.connect(server.url("postgres"))
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()


def _remove(server: EmbeddedPostgres, home: Path, owner: int) -> None:
    if os.getpid() == owner:  # a forked child that ends must not take the server along
        server.stop("immediate")
        shutil.rmtree(home, ignore_errors=True)
