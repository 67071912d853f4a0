"""Plain requests: what is remembered of a head gives the environment that gunicorn makes of it, and one answer."""

from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http import wsgi
from gunicorn.http.errors import InvalidHeaderName
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import plain
from gateway.plain import Answer, PlainRequests, asked, is_plain

HERE, ELSEWHERE, SERVER = ("127.0.0.1", 4711), ("192.0.2.7", 4711), ("0.0.0.0", 8080)
HEADERS = (
    b"Host: studio.example.com:8080\r\nAccept: */*\r\nX-Many: a\r\nX-Many: b\r\nAuthorization: Bearer abc\r\n"
    b"X-Forwarded-Proto: https\r\nX-Forwarded-For: 10.0.0.1\r\nContent-Type: text/plain\r\n\r\n"
)
TARGETS = (
    "/", "/data/tasks", "/data/tasks/", "/data//tasks", "/a;b=c/d", "/a:b@c", "/data/tasks?page=2&x=%20y", "/a?",
    "/a??b=/../", '/a?x="<>`{|}^[]', "/~studio/.well-known", "/..//x",
)  # fmt: skip
OF_EACH = ("wsgi.input", "wsgi.errors", "wsgi.early_hints", "gunicorn.socket")


def head_of(target: str, headers: bytes = HEADERS) -> bytes:
    return b"GET " + target.encode("latin-1") + b" HTTP/1.1\r\n" + headers


def by_gunicorn(head: bytes, client: Any = HERE) -> tuple[dict[str, Any], bool]:
    cfg = Config()
    request = Request(cfg, IterUnreader(iter([head])), client)
    _, environ = wsgi.create(request, None, client, SERVER, cfg)
    return without({**environ, "wsgi.multithread": True}), not request.should_close()


def without(environ: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in environ.items() if name not in OF_EACH}


def read(requests: PlainRequests, head: bytes, client: Any = HERE) -> tuple[dict[str, Any], bool] | None:
    found = requests.environ(head, client, SERVER)
    return found and (without(found[0]), found[1])


@pytest.mark.parametrize("target", TARGETS)
def test_a_head_is_read_as_gunicorn_reads_it_the_first_time_and_later(target: str) -> None:
    requests = PlainRequests(Config())
    expected = by_gunicorn(head_of(target))
    assert [read(requests, head_of(target)) for _ in range(2)] == [expected, expected]


@settings(max_examples=60)
@given(
    st.text(st.characters(min_codepoint=0, max_codepoint=255), max_size=12),
    st.sampled_from([HEADERS, b"Host: a\r\nConnection: close\r\n\r\n", b"Host: a\r\n\r\n"]),
)
def test_any_target_is_read_as_gunicorn_reads_it_or_left_to_gunicorn(target: str, headers: bytes) -> None:
    head = head_of(f"/{target}", headers)
    if not is_plain(head):
        return
    known = PlainRequests(Config())
    read(known, head_of("/known", headers))
    found = [read(requests, head) for requests in (known, PlainRequests(Config()))]
    assert found == [None, None] or found == [by_gunicorn(head)] * 2


@pytest.mark.parametrize(
    "first",
    [
        b"GET /a%20b HTTP/1.1", b"GET //evil.example/x HTTP/1.1", b"GET /a#b HTTP/1.1", b"GET /a?b#c HTTP/1.1",
        b"GET http://here/a HTTP/1.1", b"GET /a HTTP/1.0", b"GET /a  HTTP/1.1", b"GET /" + b"a" * 5000 + b" HTTP/1.1",
        b"GET /\xe9 HTTP/1.1", b"GET /a?\x00 HTTP/1.1", b"GET  /a HTTP/1.1", b"GET * HTTP/1.1",
    ],
)  # fmt: skip
def test_a_first_line_that_is_not_quite_plain_is_left_to_gunicorn(first: bytes) -> None:
    assert PlainRequests(Config()).environ(first + b"\r\n" + HEADERS, HERE, SERVER) is None


def test_headers_are_not_read_a_second_time(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = PlainRequests(Config())
    read(requests, head_of("/one"))

    def never(*args: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(Request, "parse", never)
    found = read(requests, head_of("/two"))
    assert found is not None
    assert found[0]["PATH_INFO"] == "/two"


def test_a_wrong_head_is_refused_each_time() -> None:
    requests = PlainRequests(Config())
    for _ in range(2):
        with pytest.raises(InvalidHeaderName):
            read(requests, b"GET / HTTP/1.1\r\nHo st: a\r\n\r\n")


def test_a_proxy_is_believed_only_where_it_is_trusted() -> None:
    requests = PlainRequests(Config())
    for client, scheme in ((HERE, "https"), (ELSEWHERE, "http"), (HERE, "https")):
        found = read(requests, head_of("/a"), client)
        assert found == by_gunicorn(head_of("/a"), client)
        assert found[0]["wsgi.url_scheme"] == scheme


def test_a_client_keeps_its_own_port() -> None:
    requests = PlainRequests(Config())
    found = [read(requests, head_of("/a"), ("127.0.0.1", port)) for port in (4711, 4712)]
    assert [each and each[0]["REMOTE_PORT"] for each in found] == ["4711", "4712"]


def test_what_an_application_does_to_its_environment_stays_with_it() -> None:
    requests = PlainRequests(Config())
    for _ in range(2):
        found = requests.environ(head_of("/a"), HERE, SERVER)
        assert found is not None
        assert found[0].pop("HTTP_ACCEPT") == "*/*"
        assert found[0]["wsgi.input"].read() == b""


def test_memory_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "MOST", 3)
    requests = PlainRequests(Config())
    for number in range(10):
        read(requests, head_of("/a", b"Host: h%d\r\n\r\n" % number))
    assert len(requests._known) <= 3


def test_only_heads_of_one_get_without_a_body_are_plain() -> None:
    assert is_plain(head_of("/a"))
    for more in (b"Content-Length: 3", b"transfer-encoding : chunked", b"Expect: 100-continue", b"Upgrade: h2c"):
        assert not is_plain(head_of("/a", b"Host: a\r\n" + more + b"\r\n\r\n"))
    assert not is_plain(head_of("/a")[:-1])
    assert not is_plain(head_of("/a") * 2)
    assert not is_plain(head_of("/a").replace(b"GET", b"PUT"))


def told(status: str, *headers: tuple[str, str], body: bytes = b"") -> Answer:
    def application(environ: dict[str, Any], start: Any) -> list[bytes]:
        start(status, list(headers))
        return [body[:2], body[2:]]

    return asked(application, {})


def test_an_answer_is_its_status_its_headers_and_its_body() -> None:
    head, _, body = (
        told("200 OK", ("Content-Length", "5"), ("X-A", "b"), body=b"hello").on_wire(stays=True).partition(b"\r\n\r\n")
    )
    first, *lines = head.decode().split("\r\n")
    assert first == "HTTP/1.1 200 OK"
    assert [line.partition(":")[0] for line in lines] == ["Server", "Date", "Content-Length", "X-A", "Connection"]
    assert lines[-1] == "Connection: keep-alive"
    assert body == b"hello"
    assert b"Connection: close\r\n" in told("200 OK").on_wire(stays=False)


def test_a_body_of_unknown_length_is_given_one() -> None:
    assert b"\r\nContent-Length: 5\r\n" in told("200 OK", body=b"hello").on_wire(stays=True)


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_what_has_no_body_has_none(status: str) -> None:
    wire = told(status, ("Content-Length", "5"), body=b"hello").on_wire(stays=True)
    assert wire.endswith(b"\r\n\r\n")
    assert b"ength" not in wire


@pytest.mark.parametrize(
    "header",
    [("X-A", "b\r\nX-Evil: c"), ("X-A", "b\nc"), ("X-A", "b\x00"), ("X A", "b"), ("X-A\r\nX-Evil", "b"),
     ("Connection", "close"), ("Transfer-Encoding", "chunked"), ("Content-Length", "3"), ("X-A", "\u20ac")],
)  # fmt: skip
def test_an_answer_that_would_be_another_is_none(header: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        told("200 OK", header, body=b"hello").on_wire(stays=True)


@pytest.mark.parametrize("status", ["", "OK", "100 Continue", "200", "200 OK\r\nX-Evil: c"])
def test_a_status_is_one(status: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        told(status, body=b"hello").on_wire(stays=True)


def test_an_application_is_told_when_its_answer_has_been_taken() -> None:
    class Body:
        closed = False

        def __iter__(self) -> Any:
            yield b"hel"
            yield b"lo"

        def close(self) -> None:
            self.closed = True

    body = Body()

    def application(environ: dict[str, Any], start: Any) -> Body:
        start("200 OK", [])
        return body

    assert asked(application, {}).on_wire(stays=True).endswith(b"\r\n\r\nhello")
    assert body.closed
