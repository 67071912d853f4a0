"""Rows of the big lists are marked by changes and made afterwards: a reader never sees an old one."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import orjson
import pytest

from chassis.changes import Change, write_rows
from chassis.database import Database
from chassis.events import CREATE, DELETE, UPDATE, Event
from chassis.messages import Actor, Request
from chassis.resources import Record
from chassis.schema import migrate
from chassis.service import Service
from chassis.spec import NoBus
from kiroku.system import specs
from services.tasks import entity_rows
from tests.support.database import drop_database, fresh_database, postgres_server

ADMIN = Actor(person_id=str(uuid4()), role="admin", identity="person")
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def tasks() -> Iterator[Service]:
    server = postgres_server()
    url = fresh_database(server, "rows")
    service = Service(specs()["tasks"], Database(url, commit="off"), NoBus())
    migrate(service)
    yield service
    service.database.close()
    drop_database(server, url)


@pytest.fixture
def project(tasks: Service) -> str:
    id_ = str(uuid4())
    follow(tasks, Record("project", id_, 1, {**tasks.resources["project"].fresh(), "name": "Film"}, id_, NOW, NOW))
    return id_


def follow(tasks: Service, record: Record, op: str = CREATE, cursor: Any = None) -> None:
    """Take a record of another service as it is now, and what is derived from it, as one transaction."""
    if cursor is None:
        with tasks.database.connection() as connection, connection.cursor() as own:
            own.execute("BEGIN")
            follow(tasks, record, op, own)
            own.execute("COMMIT")
        return
    if op == DELETE:
        cursor.execute(f'DELETE FROM "{record.kind}" WHERE id = %s', (record.id,))
    else:
        write_rows(cursor, tasks.resources[record.kind], [record])
    event = Event(f"production.{record.kind}", record.kind, record.id, record.version, op, dict(record.fields), {}, NOW)
    entity_rows.apply(cursor, [Change(event, record)])


def shot(tasks: Service, project: str, name: str, id_: str = "", version: int = 1) -> Record:
    fields = {**tasks.resources["entity"].fresh(), "name": name, "kind": "shot", "project_id": project}
    return Record("entity", id_ or str(uuid4()), version, fields, project, NOW, NOW)


def listed(tasks: Service, project: str, **query: str) -> list[Any]:
    asked = {"project_id": [project], **{key: [value] for key, value in query.items()}}
    reply = tasks.call(Request("tasks.list_shots_with_tasks", query=asked, actor=ADMIN))
    found = orjson.loads(reply.read())
    return [row["name"] for row in found] if isinstance(found, list) else found["rows"]


def kept(tasks: Service, id_: str) -> list[Any]:
    found = tasks.database.run("SELECT body FROM entity_row WHERE entity_id = %s", (id_,))
    return [body and orjson.loads(body)["name"] for (body,) in found]


def make_all(tasks: Service) -> None:
    while entity_rows.make(tasks):
        pass


def test_a_reader_makes_what_he_finds_unmade_and_background_work_keeps_it(tasks: Service, project: str) -> None:
    made = shot(tasks, project, "SH010")
    follow(tasks, made)
    assert kept(tasks, made.id) == [None]
    before = listed(tasks, project), listed(tasks, project, compact="true")
    assert before[0] == ["SH010"]
    assert kept(tasks, made.id) == [None]
    make_all(tasks)
    assert kept(tasks, made.id) == ["SH010"]
    assert (listed(tasks, project), listed(tasks, project, compact="true")) == before


def test_a_row_that_is_changed_while_it_is_made_stays_unmade(
    tasks: Service, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, row_of = shot(tasks, project, "SH010"), entity_rows.row_of
    follow(tasks, made)

    def renamed_meanwhile(*args: Any) -> tuple[str, str]:
        follow(tasks, shot(tasks, project, "SH011", made.id, 2), UPDATE)
        return row_of(*args)

    monkeypatch.setattr(entity_rows, "row_of", renamed_meanwhile)
    assert entity_rows.make(tasks)
    monkeypatch.undo()
    assert kept(tasks, made.id) == [None]
    assert listed(tasks, project) == ["SH011"]
    make_all(tasks)
    assert kept(tasks, made.id) == ["SH011"]


def test_making_waits_for_no_writer(tasks: Service, project: str) -> None:
    first, second = shot(tasks, project, "SH010"), shot(tasks, project, "SH020")
    follow(tasks, first)
    follow(tasks, second)
    with tasks.database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        follow(tasks, shot(tasks, project, "SH021", second.id, 2), UPDATE, cursor)
        cursor.execute("SELECT 1")  # what waits has been sent
        assert entity_rows.make(tasks)
        assert (kept(tasks, first.id), kept(tasks, second.id)) == (["SH010"], [None])
        cursor.execute("COMMIT")
    make_all(tasks)
    assert kept(tasks, second.id) == ["SH021"]


def test_what_is_gone_is_neither_shown_nor_kept(tasks: Service, project: str) -> None:
    gone = shot(tasks, project, "SH010")
    follow(tasks, gone)
    make_all(tasks)
    follow(tasks, gone, DELETE)
    assert listed(tasks, project) == []
    make_all(tasks)
    assert kept(tasks, gone.id) == []


def test_filling_makes_what_background_work_has_made(tasks: Service, project: str) -> None:
    for number in range(3):
        follow(tasks, shot(tasks, project, f"SH{number:03}"))
    make_all(tasks)
    whole = "SELECT entity_id, body, compact FROM entity_row ORDER BY entity_id"
    before = tasks.database.run(whole)
    with tasks.database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        entity_rows.fill(cursor)
        cursor.execute("COMMIT")
    assert tasks.database.run(whole) == before
