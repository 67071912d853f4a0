"""Kept answers, and the marks that tell when they are old."""

import os
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from chassis import answers as module
from chassis.answers import Answers, Key, Store, key_of
from chassis.changes import Change
from chassis.crud import Crud
from chassis.events import UPDATE, Event
from chassis.marks import EVERYTHING, Marks, Watch, tables_of
from chassis.messages import Actor, Reply, Request
from chassis.resources import Record
from tests.support.kernel import BOOK

OPERATIONS = Crud(BOOK).operations()
ASKED = Request("library.get_book")
KEY: Key = ("get_book", "1")
SOME = Reply(200, b'{"name":"some"}', headers={"X-Version": "3"})


def change(kind: str, id_: str) -> Change:
    now = datetime.now(UTC)
    event = Event("library.changed", kind, id_, 2, UPDATE, {}, {}, now, None, None)
    return Change(event, Record(kind, id_, 2, {}, None, now, now))


def watch_of(answers: Answers, **reads: str) -> Watch:
    watch = answers.watch(ASKED)
    for kind, id_ in reads.items():
        watch.ids(kind, [id_])
    return watch


@pytest.fixture
def answers() -> Answers:
    return Answers("library", Marks(["book", "shelf"]))


def test_an_answer_is_kept_until_a_record_that_it_was_made_of_changes(answers: Answers) -> None:
    one, other = str(uuid4()), str(uuid4())
    answers.keep(KEY, watch_of(answers, book=one), SOME)
    assert answers.find(KEY) == SOME
    answers.marks.note([change("book", other)])
    assert answers.find(KEY) == SOME
    answers.marks.note([change("book", one)])
    assert answers.find(KEY) is None


def test_a_list_is_kept_until_a_record_of_its_kind_changes(answers: Answers) -> None:
    watch = answers.watch(ASKED)
    watch.kind("shelf", "t.name = %s")
    answers.keep(KEY, watch, SOME)
    answers.marks.note([change("book", str(uuid4()))])
    assert answers.find(KEY) == SOME
    answers.marks.note([change("shelf", str(uuid4()))])
    assert answers.find(KEY) is None


def test_what_was_changed_while_it_was_read_is_not_kept_as_new(answers: Answers) -> None:
    id_ = str(uuid4())
    watch = watch_of(answers, book=id_)
    answers.marks.note([change("book", id_)])
    watch.ids("book", [id_])
    answers.keep(KEY, watch, SOME)
    assert answers.find(KEY) is None


def test_a_commit_of_something_that_is_no_record_makes_old_what_may_have_been_read_of_it(answers: Answers) -> None:
    watch = answers.watch(ASKED)
    watch.statement("SELECT position FROM log.head")
    answers.keep(KEY, watch, SOME)
    assert answers.find(KEY) == SOME
    answers.marks.note()
    assert answers.find(KEY) is None


def test_doubt_makes_every_answer_old(answers: Answers) -> None:
    answers.keep(KEY, watch_of(answers, book=str(uuid4())), SOME)
    answers.marks.doubt()
    assert answers.find(KEY) is None


def test_who_gets_a_kept_answer_cannot_spoil_it(answers: Answers) -> None:
    answers.keep(KEY, answers.watch(ASKED), SOME)
    found = answers.find(KEY)
    assert found is not None
    found.headers["ETag"] = found.notes["cookies"] = "mine"
    assert answers.find(KEY) == SOME


def test_an_answer_is_used_for_a_moment_then_while_somebody_looks_after_it_and_never_after_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, sure = 100.0, False
    answers = Answers("library", Marks(["book"]), sure=lambda: sure)
    monkeypatch.setattr(module, "monotonic", lambda: now)
    answers.keep(KEY, answers.watch(ASKED), SOME)
    now = 101.9
    assert answers.find(KEY) == SOME
    now = 102.1
    assert answers.find(KEY) is None
    sure = True
    assert answers.find(KEY) == SOME
    now = 159.9
    assert answers.find(KEY) == SOME
    now = 160.1
    assert answers.find(KEY) is None


def test_answers_that_are_too_old_make_room_for_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(module, "monotonic", lambda: now)
    store = Store(seconds=60)
    for number in range(20):
        store.put(("get_book", str(number)), SOME, ())
    assert len(store) == 20
    now = 161.0
    store.put(KEY, SOME, ())
    assert len(store) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(404, b"{}"),
        Reply(200, iter([b"a", b"b"])),
        Reply(200, b"x" * (module.LONGEST + 1)),
        Reply(200, b"{}", positions={"tasks": 7}),
        Reply(200, b"{}", notes={"cookies": {}}),
    ],
    ids=["refusal", "stream", "long", "after a write elsewhere", "with a note"],
)
def test_answers_that_are_more_or_other_than_a_short_document_are_not_kept(answers: Answers, reply: Reply) -> None:
    answers.keep(KEY, answers.watch(ASKED), reply)
    assert answers.find(KEY) is None


def test_an_answer_with_something_from_elsewhere_in_it_is_not_kept(answers: Answers) -> None:
    watch = answers.watch(ASKED)
    watch.elsewhere()
    answers.keep(KEY, watch, SOME)
    assert answers.find(KEY) is None


def test_the_oldest_answers_give_way_to_newcomers_that_are_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "random", lambda: 0.0)
    answers = Answers("library", Marks(["book"]), Store(limit=10 * module.OVERHEAD))
    keys: list[Key] = [("get_book", str(number)) for number in range(20)]
    for key in keys:
        answers.keep(key, answers.watch(ASKED), SOME)
    found = [key for key in keys if answers.find(key)]
    assert found == keys[-len(found) :]
    assert 5 <= len(found) <= 10


def kept_of(count: int) -> Store:
    """Return a store that has room for so many answers."""
    return Store(limit=count * (module.OVERHEAD + len(SOME.read())))


def test_who_goes_round_through_more_than_there_is_room_for_finds_most_of_what_there_is_room_for() -> None:
    store, found = kept_of(700), 0
    keys: list[Key] = [("get_book", str(number)) for number in range(1_000)]
    for turn in range(20):
        for key in keys:
            known = store.get(key) is not None
            found += known and turn >= 10
            if not known:
                store.put(key, SOME, ())
    assert found > 10 * 600


def test_who_asks_again_and_again_is_let_in_soon() -> None:
    store = kept_of(100)
    for number in range(100):
        store.put(("get_book", str(number)), SOME, ())
    tries = 0
    while store.get(KEY) is None:
        store.put(KEY, SOME, ())
        tries += 1
        assert tries < 200
    assert len(store) == 100


def test_an_answer_that_is_there_is_always_replaced_by_a_newer_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "random", lambda: 1.0)
    store = kept_of(2)
    for number in range(3):
        store.put(("get_book", str(number)), SOME, ())
    store.put(("get_book", "0"), Reply(200, b"{}"), ())
    store.put(("get_book", "1"), Reply(200, b"{}"), ())
    found = [store.get(("get_book", str(number))) for number in range(3)]
    assert [answer and answer.reply.body for answer in found] == [b"{}", b"{}", None]


def test_a_mark_of_one_process_is_seen_by_the_others() -> None:
    marks = Marks(["book"])
    before = marks.read(), marks.read(marks.of_kind("book"))
    child = os.fork()
    if child == 0:
        marks.note([change("book", str(uuid4()))])
        os._exit(0)
    os.waitpid(child, 0)
    assert marks.read() != before[0]
    assert marks.read(marks.of_kind("book")) != before[1]


def test_kinds_and_ids_that_are_not_known_well_stand_for_everything() -> None:
    marks = Marks(["book"])
    assert marks.of_kind("log.events") == EVERYTHING
    assert marks.of_id(uuid4().hex) == EVERYTHING
    assert marks.of_id(str(uuid4())) != EVERYTHING


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ("t.name = %s", set()),
        ('SELECT count(*) FROM "book" t', {"book"}),
        ("t.id IN (SELECT s.id FROM shelf s JOIN\n book b ON b.shelf_id = s.id)", {"shelf", "book"}),
        ("SELECT 1 FROM (SELECT x.id FROM shelf x) y LEFT JOIN book b ON true", {"shelf", "book"}),
        ("SELECT x FROM unnest(%s) x", {"unnest(%s"}),
        ("SELECT 1 FROM shelf s, book b", {"?"}),
        ("SELECT 1 FROM shelf AS s , book", {"?"}),
        ("SELECT (SELECT s.id FROM shelf s), t.id FROM book t", {"shelf", "book"}),
        ("SELECT position FROM log.head", {"log.head"}),
    ],
)
def test_the_tables_of_a_statement_are_found_or_not_known_to_be_few(statement: str, tables: set[str]) -> None:
    assert tables_of(statement) == tables


def asked(**more: Any) -> Request:
    actor = more.pop("actor", Actor("p1", "user", "person", ("d1",), claims={"jti": str(uuid4())}))
    return Request("library.get_book", {"instance_id": "1"}, {"relations": ["true"]}, actor=actor, **more)


def test_equal_questions_of_one_person_have_one_key_whatever_the_token() -> None:
    assert key_of(OPERATIONS["get_book"], asked()) == key_of(OPERATIONS["get_book"], asked())


@pytest.mark.parametrize(
    "other",
    [
        Actor("p2", "user", "person", ("d1",)),
        Actor("p1", "manager", "person", ("d1",)),
        Actor("p1", "user", "bot", ("d1",)),
        Actor("p1", "user", "person", ("d2",)),
        Actor("p1", "user", "person", ("d1",), claims={"on_behalf_of": "p3"}),
    ],
)
def test_another_person_role_or_department_is_another_question(other: Actor) -> None:
    assert key_of(OPERATIONS["get_book"], asked()) != key_of(OPERATIONS["get_book"], asked(actor=other))


def test_other_arguments_are_another_question() -> None:
    one = Request("library.list_books", query={"name": ["a"]})
    assert len({key_of(OPERATIONS["list_books"], each) for each in (
        one, Request("library.list_books"), Request("library.list_books", query={"name": ["b"]}),
        Request("library.list_books", query={"name": ["a", "b"]}),
    )}) == 4  # fmt: skip


def test_commands_and_conditional_requests_have_no_key() -> None:
    assert key_of(OPERATIONS["update_book"], asked()) is None
    assert key_of(OPERATIONS["get_book"], asked(if_none_match='"1"')) is None
    assert key_of(OPERATIONS["get_book"], asked(if_match='"1"')) is None
