"""Reads of a thread that serves many connections are under way beside each other."""

import io
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from psycopg2 import OperationalError, errors

from chassis import pausing
from chassis.at_once import NotAtOnce, at_once
from chassis.database import Database
from chassis.pausing import MOST
from chassis.prepared import LARGE, plan_of
from tests.support.database import drop_database, fresh_database, postgres_server
from tests.support.pausing import Together

MINE = "SELECT pg_backend_pid()"


@pytest.fixture
def database() -> Iterator[Database]:
    server = postgres_server()
    url = fresh_database(server, "pausing")
    made = Database(url, commit="off")
    yield made
    made.close()
    drop_database(server, url)


def reading(database: Database, *statements: str) -> Callable[[], Any]:
    """Return what runs `statements` on one connection and returns the cell of the last."""

    def read() -> Any:
        with database.reading() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchone()[0]

    return read


def test_what_is_read_is_what_a_thread_would_read(database: Database) -> None:
    def read() -> list[Any]:
        with database.reading() as connection, connection.cursor() as cursor:
            plan_of("SELECT n::int, 'é', now() - now() FROM generate_series(1, %s::int) n").run(cursor, (3,))
            return list(cursor.fetchall())

    assert Together().do(read) == [read()]
    assert Together().do(reading(database, "SHOW search_path")) == [reading(database, "SHOW search_path")()]


def test_reads_of_one_thread_are_under_way_at_the_same_time(database: Database) -> None:
    slow = reading(database, "SELECT pg_sleep(0.5)", MINE)
    started = time.monotonic()
    pids = Together().do(*[slow] * MOST)
    assert time.monotonic() - started < 0.5 * MOST
    assert len(set(pids)) == MOST


def test_who_finds_all_lent_goes_on_in_turn_when_one_comes_back(database: Database) -> None:
    ended: list[int] = []

    def numbered(number: int) -> Callable[[], int]:
        read = reading(database, "SELECT pg_sleep(0.02)", MINE)

        def job() -> int:
            pid: int = read()
            ended.append(number)
            return pid

        return job

    pids = Together().do(*map(numbered, range(5 * MOST)))
    assert len(set(pids)) == MOST
    assert ended[-1] >= 4 * MOST
    assert {number // MOST for number in ended[:MOST]} == {0}


def test_who_waits_in_vain_for_a_connection_is_left_to_a_thread(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = [reading(database, "SELECT pg_sleep(1)", MINE)] * MOST
    together = Together()
    together.do(*[reading(database, MINE)] * MOST)
    monkeypatch.setattr(pausing, "SECONDS", 0.2)
    outcomes = together.do(*slow, reading(database, MINE))
    assert all(isinstance(pid, int) for pid in outcomes[:MOST])
    assert isinstance(outcomes[MOST], NotAtOnce)
    assert isinstance(together.do(reading(database, MINE))[0], int)


def test_connections_stay_and_serve_again(database: Database) -> None:
    together = Together()
    first, second = together.do(reading(database, MINE)), together.do(reading(database, MINE))
    assert first == second


def test_a_statement_that_fails_leaves_the_connection_good(database: Database) -> None:
    together = Together()
    [pid] = together.do(reading(database, MINE))
    [problem] = together.do(reading(database, "SELECT 1 / 0"))
    assert isinstance(problem, errors.DivisionByZero)
    assert together.do(reading(database, MINE)) == [pid]


def test_a_connection_that_is_lost_is_not_lent_again(database: Database) -> None:
    together = Together()
    [pid] = together.do(reading(database, MINE))
    database.run("SELECT pg_terminate_backend(%s)", (pid,))
    [problem] = together.do(reading(database, MINE))
    assert isinstance(problem, OperationalError)
    [other] = together.do(reading(database, MINE))
    assert other != pid


def test_those_who_wait_go_on_when_connections_are_lost(database: Database) -> None:
    lost = [reading(database, "SELECT pg_terminate_backend(pg_backend_pid())") for _ in range(MOST)]
    outcomes = Together().do(*lost, *[reading(database, MINE)] * MOST)
    assert all(isinstance(each, OperationalError) for each in outcomes[:MOST])
    assert all(isinstance(each, int) for each in outcomes[MOST:])


def test_where_nobody_can_connect_everybody_is_told(database: Database) -> None:
    nowhere = Database(database.url + "_that_is_not_there")
    outcomes = Together().do(*[reading(nowhere, MINE)] * (3 * MOST))
    assert all(isinstance(each, OperationalError) for each in outcomes)


def test_a_connection_that_has_carried_much_is_replaced(database: Database) -> None:
    together = Together()
    [pid] = together.do(reading(database, f"SELECT '{'x' * (LARGE + 1)}'", MINE))
    assert together.do(reading(database, MINE)) != [pid]


def test_a_copy_is_left_to_a_thread(database: Database) -> None:
    def copy() -> None:
        with database.reading() as connection, connection.cursor() as cursor:
            cursor.copy_expert("COPY (SELECT 1) TO STDOUT", io.BytesIO())

    [problem] = Together().do(copy)
    assert isinstance(problem, NotAtOnce)


def test_idle_connections_are_closed_with_the_others(database: Database) -> None:
    together = Together()
    [pid] = together.do(reading(database, MINE))
    database.close()
    time.sleep(0.1)
    assert database.run("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", (pid,)) == [(0,)]
    [other] = together.do(reading(database, MINE))
    assert other != pid


def test_a_thread_reads_over_the_connections_of_all_threads(database: Database) -> None:
    [(pid,)] = database.run(MINE)
    assert reading(database, MINE)() == pid


def test_who_can_neither_wait_nor_pause_leaves_reads_to_a_thread(database: Database) -> None:
    with at_once(), pytest.raises(NotAtOnce):
        reading(database, MINE)()
