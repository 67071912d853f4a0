"""What crosses the broker comes out as it went in."""

from datetime import UTC, datetime
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis import errors
from chassis.errors import DomainError
from chassis.events import Event
from chassis.messages import Actor, MadeOf, Reply, Request, Upload
from chassis.moves import ALL, Move
from chassis.news import News, Seen
from kiroku.distributed.wakes import MOVES, NEWS, moves_of, news_of_message
from kiroku.distributed.wire import (
    pack_error,
    pack_events,
    pack_reply,
    pack_request,
    unpack_events,
    unpack_reply,
    unpack_request,
)

numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
json = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(json, st.dictionaries(st.text(), st.lists(st.text(), max_size=2), max_size=3), st.text())
def test_a_request_arrives_as_it_was_sent(body: object, query: dict[str, list[str]], name: str) -> None:
    sent = Request(
        "tasks.get_task", {"task_id": name}, query, body, {"a": name}, [Upload("file", name, "key", 3)],
        Actor("id", "user", "person", ("d",), claims={"jti": name}), "request", "key", "2", "tag", {"auth": 2**40},
        {"ip": "::1"}, name, True, {"tasks": 2**40},
    )  # fmt: skip
    assert unpack_request(pack_request(sent)) == sent


@given(st.binary(max_size=2_000))
def test_the_bytes_of_a_body_are_not_touched(body: bytes) -> None:
    reply = unpack_reply(pack_reply(Reply(200, body, "image/png", {"ETag": '"1"'}, {"tasks": 7}, seconds=0.25)))
    assert reply.seconds == 0.25
    assert (reply.read(), reply.content_type) == (body, "image/png")
    assert (reply.headers, reply.positions) == ({"ETag": '"1"'}, {"tasks": 7})


def test_a_streamed_body_arrives_whole() -> None:
    assert unpack_reply(pack_reply(Reply(200, iter([b"a", b"", b"bc"])))).read() == b"abc"


@pytest.mark.parametrize(
    "error",
    [
        errors.NotFound("There is no such task."),
        errors.Forbidden(),
        errors.Unavailable("later", code="rpc.timeout"),
        DomainError("odd", body={"error": True, "line_number": 3}),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_refusal_is_raised_on_the_other_side_as_it_was(error: DomainError) -> None:
    with pytest.raises(type(error)) as raised:
        unpack_reply(pack_error(error))
    found = raised.value
    assert (found.status, found.code, found.message, found.body()) == (
        error.status, error.code, error.message, error.body(),
    )  # fmt: skip


def test_a_refusal_of_a_class_that_is_unknown_here_keeps_its_status() -> None:
    class Teapot(DomainError):
        status = 418

    packed = pack_error(Teapot("short and stout")).replace(b"Teapot", b"Kettle")
    with pytest.raises(DomainError, match="short and stout") as raised:
        unpack_reply(packed)
    assert raised.value.status == 418


@given(st.dictionaries(st.text(), json, max_size=3), st.integers(0, 2**60))
def test_events_of_a_feed_keep_their_moment_to_the_microsecond(fields: dict[str, object], position: int) -> None:
    moment = datetime(2024, 2, 29, 23, 59, 59, 999_999, UTC)
    event = Event("tasks.task-updated", "task", "id", 2, "update", fields, fields, moment, live=[["task:update", {}]])
    assert unpack_events(pack_events([event], position)) == ([event], position)


def test_a_reply_says_what_it_was_made_of_where_that_is_known() -> None:
    made_of = MadeOf(("task", "#17"), {"tasks": 5, "production": 2**40})
    assert unpack_reply(pack_reply(Reply(body=b"[]", made_of=made_of))).made_of == made_of
    assert unpack_reply(pack_reply(Reply(body=b"[]"))).made_of is None


def test_news_come_back_as_they_were_told_and_without_any_there_are_none() -> None:
    news = News(4, 5, [Seen("task", "update", ("priority",), [["task:update", {"task_id": "t"}]], "p")])
    headers = {NEWS: msgspec.json.encode([news]).decode()}
    assert news_of_message(SimpleNamespace(properties={"application_headers": headers})) == [news]
    assert news_of_message(SimpleNamespace(properties={"application_headers": {MOVES: "[]"}})) == []


def test_a_wake_up_tells_what_has_moved_and_one_of_an_older_release_tells_nothing() -> None:
    headers = {MOVES: '[[4,5,["task","#17"]],[5,9,[""]]]'}
    told = SimpleNamespace(properties={"application_headers": headers})
    assert moves_of(told) == [Move(4, 5, ("task", "#17")), Move(5, 9, (ALL,))]
    assert moves_of(SimpleNamespace(properties={})) == []
