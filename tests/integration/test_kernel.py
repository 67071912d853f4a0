"""The kernel on a real database: one transaction, gap-free order, read models equal to the log."""

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chassis.database import Database
from chassis.errors import DomainError, Invalid, NotFound, PreconditionFailed, Refused
from chassis.events import evolve
from chassis.follow import Follower
from chassis.log import read_feed
from chassis.messages import THE_SYSTEM, Request
from chassis.rebuild import rebuild
from chassis.resources import Record
from chassis.schema import migrate
from chassis.service import Service
from chassis.spec import NoBus, ServiceSpec
from chassis.unit import Unit
from tests.support.database import drop_database, fresh_database, postgres_server
from tests.support.kernel import BOOK, LIBRARY, OWNERS, SHELF, call, library


@pytest.fixture(scope="module")
def shop() -> Iterator[Service]:
    with library() as service:
        yield service


def rows_of(service: Service) -> dict[str, list[Any]]:
    return {kind: service.database.run(f'SELECT * FROM "{kind}" ORDER BY id') for kind in ("shelf", "book")}


def a_book(service: Service, **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(call(service, "create_book", {"name": "Momo", **fields}).read())
    return found


def test_what_was_created_is_read_back_with_its_defaults(shop: Service) -> None:
    book = a_book(shop, tags=["de"])
    read = orjson.loads(call(shop, "get_book", path={"instance_id": book["id"]}).read())
    assert read == book
    assert (read["pages"], read["tags"], read["type"]) == (0, ["de"], "Book")


def test_an_update_keeps_old_and_new_of_what_changed_and_nothing_else(shop: Service) -> None:
    book = a_book(shop)
    call(shop, "update_book", {"pages": 304, "name": "Momo"}, path={"instance_id": book["id"]})
    event = shop.feed(0, 10_000)[0][-1]
    assert (event.op, event.new, event.old, event.version) == ("update", {"pages": 304}, {"pages": 0}, 2)


def test_a_change_that_changes_nothing_appends_nothing(shop: Service) -> None:
    book = a_book(shop)
    before = shop.head()
    call(shop, "update_book", {"name": "Momo"}, path={"instance_id": book["id"]})
    assert shop.head() == before


def test_a_refused_command_leaves_the_log_as_it_was(shop: Service) -> None:
    call(shop, "create_shelf", {"name": "Twice"})
    before = shop.head()
    with pytest.raises(Refused):
        call(shop, "create_shelf", {"name": "Twice"})
    assert shop.head() == before


@pytest.mark.parametrize("body", [{"name": "x", "foo": 1}, {}, {"name": 5}, {"name": "x", "shelf_id": "abc"}])
def test_a_body_that_does_not_fit_is_refused(shop: Service, body: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        call(shop, "create_book", body)


def test_a_deleted_record_is_gone_and_its_last_event_keeps_it(shop: Service) -> None:
    book = a_book(shop, pages=7)
    call(shop, "delete_book", path={"instance_id": book["id"]})
    with pytest.raises(NotFound):
        call(shop, "get_book", path={"instance_id": book["id"]})
    assert shop.feed(0, 10_000)[0][-1].old["pages"] == 7


def test_a_shelf_with_books_is_not_deleted(shop: Service) -> None:
    shelf = orjson.loads(call(shop, "create_shelf", {"name": "Full"}).read())
    a_book(shop, shelf_id=shelf["id"])
    with pytest.raises(Refused, match="conflicts with records referencing"):
        call(shop, "delete_shelf", path={"instance_id": shelf["id"]})


def test_an_outdated_if_match_is_refused(shop: Service) -> None:
    book = a_book(shop)
    path = {"instance_id": book["id"]}
    call(shop, "update_book", {"pages": 1}, path=path, if_match='"1"')
    with pytest.raises(PreconditionFailed):
        call(shop, "update_book", {"pages": 2}, path=path, if_match='"1"')


def test_an_idempotency_key_has_one_effect_and_the_same_answer(shop: Service) -> None:
    first = call(shop, "create_book", {"name": "Once"}, idempotency_key="k1")
    again = call(shop, "create_book", {"name": "Once"}, idempotency_key="k1")
    assert (first.status, first.read()) == (again.status, again.read())
    with pytest.raises(DomainError, match="Idempotency-Key"):
        call(shop, "create_book", {"name": "Other"}, idempotency_key="k1")


def test_secrets_stay_out_of_the_feed(shop: Service) -> None:
    with shop.database.connection() as connection:
        unit = Unit(shop, Request("library.test", actor=THE_SYSTEM), connection, writes=True)
        unit.create("book", {"name": "Diary", "secret_note": "hush"})
        unit.finish()
    assert "secret_note" not in shop.feed(0, 10_000)[0][-1].new


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"name": ["LIST-%"]}, {"List-A", "List-B"}),
        ({"pages": ["901"]}, {"List-A"}),
        ({"pages": ["[901, 902]"]}, {"List-A", "List-B"}),
        ({"tags": ["rare"]}, {"List-B"}),
        ({"unknown": ["x"], "pages": ["902"]}, {"List-B"}),
    ],
)
def test_lists_filter_as_the_contract_says(shop: Service, query: dict[str, list[str]], names: set[str]) -> None:
    if not orjson.loads(call(shop, "list_books", query={"name": ["List-A"]}).read()):
        a_book(shop, name="List-A", pages=901)
        a_book(shop, name="List-B", pages=902, tags=["rare"])
    found = orjson.loads(call(shop, "list_books", query=query).read())
    assert {book["name"] for book in found} == names


def test_pages_come_in_an_envelope_and_wrong_pages_are_refused(shop: Service) -> None:
    for _ in range(3):
        a_book(shop)
    page = orjson.loads(call(shop, "list_books", query={"page": ["1"], "limit": ["2"]}).read())
    assert (len(page["data"]), page["limit"], page["offset"], page["page"]) == (2, 2, 0, 1)
    for wrong in ({"page": ["x"]}, {"limit": ["-1"]}):
        with pytest.raises(Invalid):
            call(shop, "list_books", query=wrong)


def write_in_small_transactions(service: Service, seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(25):
        with service.database.connection() as connection:
            unit = Unit(service, Request("library.w", actor=THE_SYSTEM), connection, writes=True)
            for _ in range(dice.randint(1, 4)):
                unit.create("book", {"name": "x"})
            if dice.random() < 0.1:
                with pytest.raises(ZeroDivisionError):
                    unit.finish(lambda cursor: 1 / 0)
            else:
                unit.finish(lambda cursor: time.sleep(dice.random() / 300))


def tail_of(service: Service, stop: threading.Event, seen: list[int]) -> None:
    position = 0
    while not stop.is_set() or position < service.head():
        for event in service.feed(position, 50)[0]:
            position = event.position
            seen.append(position)


def test_positions_are_gap_free_in_commit_order_for_readers_that_tail() -> None:
    """P3: writers that sleep between append and commit, one in ten rolling back."""
    with library() as service:
        stop, seen = threading.Event(), list[int]()
        writers = [threading.Thread(target=write_in_small_transactions, args=(service, n)) for n in range(6)]
        reader = threading.Thread(target=tail_of, args=(service, stop, seen))
        for thread in [reader, *writers]:
            thread.start()
        for thread in writers:
            thread.join()
        stop.set()
        reader.join()
        assert seen == list(range(1, service.head() + 1))


def test_writers_of_one_record_lose_no_update() -> None:
    with library() as service:
        book = a_book(service)

        def add(_: int) -> None:
            with service.database.connection() as connection:
                unit = Unit(service, Request("library.add", actor=THE_SYSTEM), connection, writes=True)
                record = unit.get("book", book["id"], lock=True)
                assert record is not None
                unit.update(record, {"pages": record["pages"] + 1})
                unit.finish()

        threads = [threading.Thread(target=add, args=(n,)) for n in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        read = orjson.loads(call(service, "get_book", path={"instance_id": book["id"]}).read())
        assert read["pages"] == 20


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["create", "update", "delete", "shelve"]),
        st.integers(0, 5),
        st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12),
        st.integers(-5, 10**6),
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_rebuilt_rows_equal_the_live_ones(shop: Service, steps: list[tuple[str, int, str, int]]) -> None:
    """P6: any sequence of commands, then a rebuild; and the fold of the log says the same (P2)."""
    ids: list[str] = []
    for verb, which, text, number in steps:
        target = ids[which % len(ids)] if ids else None
        if verb == "create" or target is None:
            ids.append(a_book(shop, name=text, pages=number, tags=[text], data={"a": [number, None]})["id"])
        elif verb == "update":
            call(shop, "update_book", {"pages": number, "name": text}, path={"instance_id": target})
        elif verb == "shelve":
            shelf = orjson.loads(call(shop, "create_shelf", {"name": f"{time.monotonic_ns()}"}).read())
            call(shop, "update_book", {"shelf_id": shelf["id"]}, path={"instance_id": target})
        else:
            call(shop, "delete_book", path={"instance_id": target})
            ids.remove(target)
    before = rows_of(shop)
    rebuild(shop)
    assert rows_of(shop) == before
    folded: dict[tuple[str, str], Record | None] = {}
    with shop.database.connection() as connection, connection.cursor() as cursor:
        for event in read_feed(cursor, shop.spec.upcasters, 0, 100_000):
            folded[(event.kind, event.id)] = evolve(folded.get((event.kind, event.id)), event)
    docs = {str(row[0]) for rows in before.values() for row in rows}
    assert {id_ for (_, id_), record in folded.items() if record is not None} == docs


def test_a_rebuild_goes_on_while_people_write_and_loses_none_of_it() -> None:
    with library() as service, ThreadPoolExecutor(5) as pool:
        stop = threading.Event()

        def write(number: int) -> list[str]:
            written: list[str] = []
            while not stop.is_set():
                written.append(a_book(service, name=f"{number} {len(written)}")["id"])
            return written

        writing = [pool.submit(write, number) for number in range(5)]
        try:
            for _ in range(5):
                rebuild(service)
        finally:
            stop.set()
        written = [id_ for each in writing for id_ in each.result()]
        assert sorted(written) == sorted(book["id"] for book in orjson.loads(call(service, "list_books").read()))
        before = rows_of(service)
        rebuild(service)
        assert rows_of(service) == before


def test_a_follower_has_the_owners_rows_and_catches_up_from_any_point(shop: Service) -> None:
    """P4: however often and late it asks, the replica equals the owner's table, event by event once."""
    server = postgres_server()
    url = fresh_database(server, "test_reader")
    reader = Service(ServiceSpec("reader", owns=(), replicates=(SHELF, BOOK)), Database(url, commit="off"), NoBus())
    try:
        migrate(reader)
        follower = Follower(reader, OWNERS, lambda owner, after, limit, kinds: shop.feed(after, limit, kinds), batch=7)
        book = a_book(shop, pages=3)
        assert follower.catch_up("library") == shop.head()
        call(shop, "update_book", {"pages": 4}, path={"instance_id": book["id"]})
        follower.meet({"library": shop.head()})
        columns = "id, version, created_at, updated_at, doc, rel"
        for kind in ("shelf", "book"):
            mine = reader.database.run(f'SELECT {columns} FROM "{kind}" ORDER BY id')
            assert mine == shop.database.run(f'SELECT {columns} FROM "{kind}" ORDER BY id')
    finally:
        reader.database.close()
        drop_database(server, url)


def test_a_new_shape_of_read_models_is_filled_from_the_log() -> None:
    with library() as service:
        a_book(service, pages=12)
        service.database.run("UPDATE log.head SET shape = 'old'; DROP TABLE book")
        migrate(service)
        assert orjson.loads(call(service, "list_books").read())[0]["pages"] == 12


def test_every_operation_has_a_policy_and_the_library_has_ten() -> None:
    operations = LIBRARY.operations()
    assert len(operations) == 10
    assert {operation.allow.name for operation in operations.values()} == {"signed in"}
