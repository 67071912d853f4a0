"""P1 at the log: an immediate stop of PostgreSQL; and the proof that the check would see a loss."""

import threading
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from chassis.database import Database
from chassis.errors import DomainError
from chassis.schema import migrate
from chassis.service import Service
from chassis.spec import NoBus
from kiroku.postgres import EmbeddedPostgres
from tests.support.kernel import LIBRARY, call


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(folder.stat().st_mode | 0o011)
    with EmbeddedPostgres(tmp_path / "pg") as running:
        running.create_databases(["library"])
        yield running


def lost_by_an_immediate_stop(server: EmbeddedPostgres, commit: str, writes: int) -> int:
    """Write from four threads, stop PostgreSQL at once in the middle, start it; return how many writes are gone."""
    # The tables are there whatever is lost.
    careful = Service(LIBRARY, Database(server.url("library")), NoBus())
    migrate(careful)
    careful.database.close()
    service = Service(LIBRARY, Database(server.url("library"), commit=commit), NoBus())
    acknowledged: list[str] = []
    enough = threading.Event()

    def write() -> None:
        while True:
            try:
                reply = call(service, "create_book", {"name": "kept"})
            except DomainError:
                return
            acknowledged.append(orjson.loads(reply.read())["id"])
            if len(acknowledged) >= writes:
                enough.set()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert enough.wait(60)
    server.stop("immediate")
    for thread in threads:
        thread.join(30)
    service.database.close()
    server.start()
    after = Service(LIBRARY, Database(server.url("library")), NoBus())
    kept = {row[0] for row in after.database.run("SELECT id::text FROM book")}
    events = {row[0] for row in after.database.run("SELECT id::text FROM log.events")}
    after.database.close()
    assert kept <= events, "a row without its event"
    return len([id_ for id_ in acknowledged if id_ not in kept])


def test_an_immediate_stop_loses_nothing_that_was_acknowledged(server: EmbeddedPostgres) -> None:
    assert lost_by_an_immediate_stop(server, "on", 300) == 0


def test_the_check_sees_what_a_database_loses_that_acknowledges_too_early(server: EmbeddedPostgres) -> None:
    assert any(lost_by_an_immediate_stop(server, "off", writes) for writes in (300, 500, 700, 900, 1100))
