"""The embedded PostgreSQL: first start, second start, and what a crash leaves behind."""

import os
import pwd
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from kiroku.postgres import EmbeddedPostgres, EmbeddedPostgresError
from tests.support.database import drop_database, fresh_database, postgres_server

ROOT = Path(__file__).resolve().parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="about what root does")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(tmp_path_factory.mktemp("home")) as running:
        yield running


def ask(url: str, *statements: str) -> str:
    """Run the statements, each committed at once, and return the first column of the last one's first row as text."""
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return str(cursor.fetchone()[0]) if cursor.description else ""  # type: ignore[index]
    finally:
        connection.close()


def count_of_words(server: EmbeddedPostgres) -> str:
    return ask(server.url("words"), "SELECT count(*) FROM word")


def write_words(server: EmbeddedPostgres) -> None:
    server.create_databases(["words"])
    ask(server.url("words"), "CREATE TABLE word (text text)", "INSERT INTO word VALUES ('kept'), ('too')")


def test_a_first_start_is_quick_and_creates_databases_once(tmp_path: Path) -> None:
    began = time.monotonic()
    with EmbeddedPostgres(tmp_path) as server:
        server.create_databases(["auth", "tasks"])
        assert time.monotonic() - began < 15  # about 1 s alone on the machine
        server.create_databases(["auth", "tasks", "media"])
        assert ask(server.url("media"), "SELECT current_database()") == "media"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("listen_addresses", ""),
        ("max_connections", "500"),
        ("shared_buffers", "128MB"),
        ("max_wal_size", "1GB"),
        ("jit", "off"),
        ("server_encoding", "UTF8"),
        ("TimeZone", "UTC"),
    ],
)
def test_the_settings_are_those_of_a_durable_private_server(server: EmbeddedPostgres, setting: str, value: str) -> None:
    assert ask(server.url("postgres"), f"SHOW {setting}") == value


def test_the_extensions_of_search_work_beyond_ascii(server: EmbeddedPostgres) -> None:
    server.create_databases(["search"])
    url = server.url("search")
    for name in ("pg_trgm", "unaccent", "btree_gist"):
        ask(url, f"CREATE EXTENSION {name}")
    assert ask(url, "SELECT unaccent(lower('ÉTÉ'))") == "ete"
    assert float(ask(url, "SELECT similarity('記録', '記録')")) == 1


def test_a_forked_worker_that_ends_does_not_stop_the_server(server: EmbeddedPostgres) -> None:
    before = server.pid
    child = os.fork()
    if not child:
        server.stop()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert server.pid == before
    assert ask(server.url("postgres"), "SELECT 1") == "1"


def test_only_the_servers_user_can_open_the_socket(server: EmbeddedPostgres) -> None:
    folder = Path(ask(server.url("postgres"), "SHOW unix_socket_directories"))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_second_start_keeps_the_data(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path) as server:
        write_words(server)
    assert server.pid is None
    with EmbeddedPostgres(tmp_path) as server:
        assert count_of_words(server) == "2"


def test_what_alter_system_sets_outlives_a_restart(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, durable=False) as server:
        ask(server.url("postgres"), "ALTER SYSTEM SET work_mem = '17MB'")
    with EmbeddedPostgres(tmp_path, durable=False) as server:
        assert ask(server.url("postgres"), "SHOW work_mem") == "17MB"


def test_a_killed_server_starts_again_with_everything_that_was_committed(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path)
    server.start()
    write_words(server)
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    while server.pid is not None:
        time.sleep(0.001)
    server.start()
    try:
        assert count_of_words(server) == "2"
    finally:
        server.stop("immediate")


@pytest.mark.parametrize("left_behind", ["", f"{os.getpid()}\n/elsewhere\n"], ids=["nothing", "a stranger"])
def test_a_note_that_names_no_process_or_a_stranger_is_no_obstacle(tmp_path: Path, left_behind: str) -> None:
    with EmbeddedPostgres(tmp_path, durable=False):
        pass
    (tmp_path / "postgres/data/postmaster.pid").write_text(left_behind)
    with EmbeddedPostgres(tmp_path, durable=False) as server:
        assert ask(server.url("postgres"), "SELECT 1") == "1"


def test_an_interrupted_installation_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / "postgres/data.new/base").mkdir(parents=True)
    with EmbeddedPostgres(tmp_path, durable=False) as server:
        assert ask(server.url("postgres"), "SELECT 1") == "1"


def test_the_server_of_a_killed_kiroku_is_adopted_and_stopped(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, signal, sys; from kiroku.postgres import EmbeddedPostgres;"
        "EmbeddedPostgres(pathlib.Path(sys.argv[1])).start(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, check=False)
    server = EmbeddedPostgres(tmp_path)
    orphan = server.pid
    assert orphan is not None
    server.start()
    assert server.pid == orphan
    assert ask(server.url("postgres"), "SELECT 1") == "1"
    server.stop()
    assert server.pid is None


def test_a_second_kiroku_on_the_same_home_is_refused_and_stops_nothing(server: EmbeddedPostgres) -> None:
    home = Path(ask(server.url("postgres"), "SHOW data_directory")).parents[1]
    program = (
        "import pathlib, sys; from kiroku.postgres import EmbeddedPostgres as E, EmbeddedPostgresError as X\n"
        "server = E(pathlib.Path(sys.argv[1]))\n"
        "try: server.start()\n"
        "except X as error: print(error)\n"
        "server.stop()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(home)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert f"another Kiroku runs in KIROKU_HOME={home}" in done.stdout
    assert ask(server.url("postgres"), "SELECT 1") == "1"


def test_a_home_whose_path_no_socket_can_have_still_works(tmp_path: Path) -> None:
    home = tmp_path / ("it's, a long name " * 6)
    with EmbeddedPostgres(home, durable=False) as server:
        folder = Path(ask(server.url("postgres"), "SHOW unix_socket_directories"))
        assert home not in folder.parents
    assert not folder.exists()


def test_a_tcp_port_is_open_only_where_asked_and_only_with_a_password(tmp_path: Path) -> None:
    port = 20_000 + os.getpid() % 10_000
    with EmbeddedPostgres(tmp_path, port, durable=False) as server:
        ask(server.url("postgres"), "CREATE ROLE guest LOGIN PASSWORD 'correct'")
        assert ask(f"postgresql://guest:correct@127.0.0.1:{port}/postgres", "SELECT 1") == "1"
        with pytest.raises(psycopg2.OperationalError):
            ask(f"postgresql://guest:wrong@127.0.0.1:{port}/postgres", "SELECT 1")


@as_root
def test_root_starts_it_where_other_users_may_not_enter(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with EmbeddedPostgres(closed / "home", durable=False) as server:
        assert server.pid is not None
        assert Path(f"/proc/{server.pid}").stat().st_uid != 0


@as_root
def test_an_ordinary_user_is_told_which_setting_to_change(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    program = (
        "import os, pathlib, sys; from kiroku.postgres import EmbeddedPostgres\n"
        "server = EmbeddedPostgres(pathlib.Path(sys.argv[1])); os.setuid(int(sys.argv[2])); server.start()"
    )
    uid = str(pwd.getpwnam("nobody").pw_uid)
    command = [sys.executable, "-c", program, str(closed / "home"), uid]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert f"KIROKU_HOME={closed / 'home'}" in done.stderr


def test_a_url_before_the_start_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match="has not been started"):
        EmbeddedPostgres(tmp_path).url("auth")


def test_databases_of_tests_are_empty_and_apart() -> None:
    server = postgres_server()
    first, second = fresh_database(server, "same"), fresh_database(server, "same")
    assert first != second
    ask(first, "CREATE TABLE word (text text)")
    assert ask(second, "SELECT count(*) FROM pg_tables WHERE tablename = 'word'") == "0"
    drop_database(server, first)
    with pytest.raises(psycopg2.OperationalError, match="does not exist"):
        ask(first, "SELECT 1")
