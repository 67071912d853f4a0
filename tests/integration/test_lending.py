"""Connections are lent to one at a time, and stay."""

import threading
from collections.abc import Iterator

import pytest

from chassis.database import Database
from chassis.prepared import LARGE
from tests.support.database import drop_database, fresh_database, postgres_server

MINE = "SELECT pg_backend_pid()"


@pytest.fixture
def database() -> Iterator[Database]:
    server = postgres_server()
    url = fresh_database(server, "lending")
    made = Database(url, pool_size=2, commit="off")
    yield made
    made.close()
    drop_database(server, url)


def backends(database: Database) -> int:
    [(count,)] = database.run("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
    return int(count)


def test_the_connection_that_was_given_back_last_is_lent_first(database: Database) -> None:
    with database.connection() as first, database.connection() as second:
        pids = {first.info.backend_pid, second.info.backend_pid}
        last = first.info.backend_pid
    assert len(pids) == 2
    assert [database.run(MINE) for _ in range(3)] == [[(last,)]] * 3
    assert backends(database) == 2


def test_who_finds_all_lent_gets_the_next_one_that_is_given_back(database: Database) -> None:
    served: list[int] = []

    def ask() -> None:
        for _ in range(50):
            served.extend(pid for (pid,) in database.run(MINE))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(served) == 8 * 50
    assert len(set(served)) <= 2


def test_a_broken_connection_is_not_lent_again(database: Database) -> None:
    with database.connection() as connection:
        gone = connection.info.backend_pid
        connection.close()
    [(pid,)] = database.run(MINE)
    assert pid != gone


def test_one_that_broke_while_nobody_had_it_is_replaced(database: Database) -> None:
    with database.connection() as first, database.connection() as second:
        kept = first
    assert kept is not second
    kept.close()
    assert len(database.run(MINE)) == 1


def test_an_open_transaction_is_rolled_back(database: Database) -> None:
    database.run("CREATE TABLE kept (nothing int)")
    with database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO kept VALUES (1)")
    assert database.run("SELECT count(*) FROM kept") == [(0,)]


def test_what_waits_for_its_statement_is_not_sent_by_the_next_borrower(database: Database) -> None:
    with database.connection() as connection:
        connection.waiting.append(b"SELECT 1 / 0")
    assert database.run("SELECT 2") == [(2,)]


def test_a_connection_that_carried_something_large_is_replaced(database: Database) -> None:
    database.run("SELECT length(%s)", ("x" * 1000,))
    [(kept,)] = database.run(MINE)
    database.run("SELECT length(%s)", ("x" * (LARGE + 1),))
    [(other,)] = database.run(MINE)
    assert kept != other
    assert [database.run(MINE) for _ in range(2)] == [[(other,)]] * 2
