"""Statements that are sent together with the next one: in order, all or nothing, and never into another's work."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from psycopg2.errors import UniqueViolation

from chassis.database import Database
from chassis.prepared import Prepared
from tests.support.database import drop_database, fresh_database, postgres_server

ADD = Prepared("add", ["int"], "INSERT INTO number VALUES ($1)")


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    server = postgres_server()
    url = fresh_database(server, "gathering")
    made = Database(url, commit="off")
    made.run("CREATE TABLE number (n int PRIMARY KEY)")
    yield made
    made.close()
    drop_database(server, url)


@pytest.fixture(autouse=True)
def _nothing_is_there(database: Database) -> None:
    database.run("TRUNCATE number")


def add(database: Database, *found: int, end: Any = "") -> None:
    """Begin, let these numbers wait, and run `end` if there is any."""
    with database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        for n in found:
            ADD.later(cursor, (n,))
        if end:
            cursor.execute(end)


def numbers(database: Database) -> list[int]:
    return [n for (n,) in database.run("SELECT n FROM number ORDER BY n")]


def test_what_waits_is_seen_by_the_next_statement_and_committed_with_it(database: Database) -> None:
    with database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        for n in (1, 2, 3):
            ADD.later(cursor, (n,))
        cursor.execute("SELECT count(*) FROM number WHERE n > %s", (0,))
        assert cursor.fetchall() == [(3,)]
        ADD.later(cursor, (4,))
        assert numbers(database) == []
        cursor.execute("COMMIT")
    assert numbers(database) == [1, 2, 3, 4]


def test_what_fails_is_raised_by_the_next_statement_and_nothing_of_it_stays(database: Database) -> None:
    database.run("INSERT INTO number VALUES (2)")
    with pytest.raises(UniqueViolation):
        add(database, 1, 2, end="COMMIT")
    assert numbers(database) == [2]


def test_what_an_interrupted_unit_has_left_is_never_sent(database: Database) -> None:
    with pytest.raises(TypeError):
        add(database, 1, 2, end=object())
    assert numbers(database) == []
    add(database, 3, 4)  # given back without a commit
    assert numbers(database) == []


def test_a_copy_sees_what_waits(database: Database) -> None:
    with database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        ADD.later(cursor, (7,))
        ADD.later(cursor, (8,))
        lines = io.BytesIO()
        cursor.copy_expert("COPY number TO STDOUT", lines)
    assert lines.getvalue() == b"7\n8\n"


def test_what_waits_can_be_sent_alone(database: Database) -> None:
    with database.connection() as connection, connection.cursor() as cursor:
        ADD.later(cursor, (1,))
        ADD.later(cursor, (2,))
        cursor.send()
    assert numbers(database) == [1, 2]
