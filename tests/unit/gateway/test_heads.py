"""A head that was read before gives the same request, to the same sender; what was refused is refused again."""

from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import InvalidHeaderName, InvalidRequestMethod
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader

from gateway import heads
from gateway.heads import KnownRequest

HERE, ELSEWHERE = ("127.0.0.1", 4711), ("192.0.2.7", 4711)
HEAD = (
    b"GET /data/tasks?page=2&x=%20y HTTP/1.1\r\nHost: studio.example.com\r\nAccept: */*\r\n"
    b"Authorization: Bearer abc\r\nX-Forwarded-Proto: https\r\n\r\n"
)
SEEN = ("method", "uri", "path", "query", "fragment", "version", "headers", "scheme")


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "_lines", {})
    monkeypatch.setattr(heads, "_headers", {})


def read(head: bytes, sender: Any = HERE, kind: type[Request] = KnownRequest, **settings: Any) -> Any:
    cfg = Config()
    for name, value in settings.items():
        cfg.set(name, value)
    return kind(cfg, IterUnreader(iter([head])), sender)


def seen(request: Any) -> list[Any]:
    return [getattr(request, name) for name in SEEN]


def test_a_head_that_comes_again_is_read_as_the_first_time() -> None:
    plain = seen(read(HEAD, kind=Request))
    assert plain[0] == "GET"
    assert plain[-1] == "https"
    assert [seen(read(HEAD)), seen(read(HEAD))] == [plain, plain]


def test_it_is_not_read_a_second_time(monkeypatch: pytest.MonkeyPatch) -> None:
    read(HEAD)

    def never(*args: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(Request, "parse_headers", never)
    monkeypatch.setattr(Request, "parse_request_line", never)
    assert read(HEAD).path == "/data/tasks"


def test_what_a_request_does_to_its_headers_stays_with_it() -> None:
    read(HEAD).headers.clear()
    assert read(HEAD).headers[0] == ("HOST", "studio.example.com")


def test_a_proxy_is_believed_only_where_it_is_trusted() -> None:
    assert read(HEAD, HERE).scheme == "https"
    assert read(HEAD, ELSEWHERE).scheme == "http"
    assert read(HEAD, HERE).scheme == "https"


@pytest.mark.parametrize(
    ("head", "error"),
    [
        (b"get / HTTP/1.1\r\nHost: a\r\n\r\n", InvalidRequestMethod),
        (b"GET / HTTP/1.1\r\nHo st: a\r\n\r\n", InvalidHeaderName),
    ],
)
def test_what_is_refused_is_refused_again(head: bytes, error: type[Exception]) -> None:
    for _ in range(2):
        with pytest.raises(error):
            read(head)


def test_who_wants_to_be_asked_for_his_body_is_asked_each_time() -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    assert [read(head)._expected_100_continue for _ in range(2)] == [True, True]


def test_memory_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "MOST", 3)
    for number in range(10):
        read(b"GET /%d HTTP/1.1\r\nHost: h%d\r\n\r\n" % (number, number))
    read(b"GET / HTTP/1.1\r\nCookie: " + b"y" * heads.LARGEST + b"\r\n\r\n")
    assert max(len(heads._lines), len(heads._headers)) <= 3
    assert all(len(data) <= heads.LARGEST for data, _, _ in heads._headers)
