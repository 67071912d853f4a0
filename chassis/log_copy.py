"""A service's log as files, and back: all that a backup must keep of its database. Read models are made from it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ

from chassis.schema import create_log
from chassis.sql import LOG_MIGRATIONS

MIGRATIONS = tuple(name for name, _ in LOG_MIGRATIONS)
TRIES = 50
SHAPES = "0003_serve_one_shape_at_a_time"
FORGET = """
DELETE FROM log.checkpoints WHERE shape <> (SELECT shape FROM log.head);
DELETE FROM log.prepared;
UPDATE log.checkpoints SET shape = '';
UPDATE log.head SET shape = '';
"""


class BackupError(Exception):
    """A backup cannot be made or restored; the text says what to do."""


@dataclass(frozen=True)
class Snapshot:
    """A log at one moment: `cursor` sees nothing later. `followed`: how far it has come in the others' logs."""

    cursor: Any
    position: int
    followed: dict[str, int]

    def tables(self) -> dict[str, list[str]]:
        """Return the columns of the log's tables, by table."""
        self.cursor.execute(
            "SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position) FROM information_schema.columns "
            "WHERE table_schema = 'log' GROUP BY 1 ORDER BY 1"
        )
        return dict(self.cursor.fetchall())

    def migrations(self) -> list[str]:
        """Return the names of the migrations that made the tables."""
        self.cursor.execute("SELECT name FROM log.migrations ORDER BY name")
        return [name for (name,) in self.cursor.fetchall()]

    def write(self, table: str, columns: list[str], file: BinaryIO) -> int:
        """Write the rows of a table and return how many there are."""
        self.cursor.copy_expert(_copy(table, columns, "TO STDOUT"), file)
        count: int = self.cursor.rowcount
        return count


@contextmanager
def snapshots(urls: dict[str, str]) -> Iterator[dict[str, Snapshot]]:
    """Lend the logs of all services as they were at one moment. Raises BackupError.

    The databases know nothing of each other, so snapshots are taken until none has followed an event that is missing
    in its owner's: a restored service would take the owner's next event for that one.
    """
    for _ in range(TRIES):
        with ExitStack() as stack:
            found = {name: _snapshot(stack, url) for name, url in urls.items()}
            if all(found[owner].position >= seen for each in found.values() for owner, seen in each.followed.items()):
                yield found
                return
    raise BackupError("The services are too busy to be seen at one moment: try again.")


def _snapshot(stack: ExitStack, url: str) -> Snapshot:
    connection = psycopg2.connect(url)
    stack.callback(connection.close)
    connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
    cursor = connection.cursor()
    cursor.execute("SELECT position FROM log.head")
    [(position,)] = cursor.fetchall()
    cursor.execute("SELECT owner, max(greatest(position, reacted)) FROM log.checkpoints GROUP BY owner")
    return Snapshot(cursor, position, dict(cursor.fetchall()))


def is_empty(url: str) -> bool:
    """Tell whether a database holds no log yet."""
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('log.events')")
            return bool(cursor.fetchone() == (None,))
    finally:
        connection.close()


@contextmanager
def loading(url: str, migrations: list[str]) -> Iterator[Any]:
    """Lend a cursor on an empty database in which the log's tables were made by `migrations`; commits at the end.

    The shape of the read models is forgotten, so that the next migration folds the log.
    """
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            create_log(cursor, migrations)
            cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'log'")
            tables = sql.SQL(", ").join(sql.Identifier("log", name) for (name,) in cursor.fetchall())
            cursor.execute(sql.SQL("TRUNCATE {}").format(tables))
            yield cursor
            if SHAPES in migrations:
                cursor.execute(FORGET)
    finally:
        connection.close()


def read(cursor: Any, table: str, columns: list[str], file: BinaryIO) -> int:
    """Load the rows of a table and return how many there were."""
    cursor.copy_expert(_copy(table, columns, "FROM STDIN"), file)
    count: int = cursor.rowcount
    return count


def _copy(table: str, columns: list[str], direction: str) -> sql.Composed:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL(f"COPY {{}} ({{}}) {direction}").format(sql.Identifier("log", table), names)
