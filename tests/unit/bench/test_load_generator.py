"""The load generator reads replies of every framing and counts what it sees."""

import math
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.client import Connection, Measurement, Reply, Target, measure

CHUNKS = (b"a" * 10, b"b" * 70_000, b"c" * 300_000, b"d")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        kind = self.path.rsplit("/", 1)[-1]
        if kind == "chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in (*CHUNKS, b""):
                self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        elif kind == "unchanged":
            self.send_response(304)
            self.send_header("ETag", '"1"')
            self.end_headers()
        elif kind == "closing":
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"x" * 1000)
            self.close_connection = True
        else:
            self.answer(404 if kind == "missing" else 200, self.headers.get("Authorization", "nobody").encode())

    def do_POST(self) -> None:
        self.answer(201, self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Target.of(f"http://127.0.0.1:{server.server_port}/api/", "secret")
    server.shutdown()
    server.server_close()


def test_replies_of_every_framing_are_read_whole_over_one_connection(target: Target) -> None:
    connection = Connection(target)
    sizes = [
        connection.exchange(target.request("GET", f"/{kind}")).size
        for kind in ("plain", "chunked", "unchanged", "plain", "closing", "plain")
    ]
    connection.close()
    plain = len("Bearer secret")
    assert sizes == [plain, sum(map(len, CHUNKS)), 0, plain, 1000, plain]


def test_a_body_is_sent_with_its_length_and_kind(target: Target) -> None:
    request = target.request("POST", "/things", b"{}", If_Match="3")
    assert b"POST /api/things HTTP/1.1\r\n" in request
    assert b"If-Match: 3\r\nContent-Type: application/json\r\nContent-Length: 2\r\n" in request
    connection = Connection(target)
    assert connection.exchange(request).status == 201
    connection.close()


def test_a_measurement_counts_good_replies_and_errors_apart(target: Target) -> None:
    good, bad = target.request("GET", "/plain"), target.request("GET", "/missing")
    run = measure(
        target, lambda number: bad if number % 4 == 3 else good, clients=4, seconds=10, wanted=(200,), most=40
    )
    assert len(run.latencies) == 30
    assert run.errors == {"404": 10}
    assert run.per_second > 0


def test_a_server_that_is_not_there_counts_as_errors() -> None:
    nowhere = Target("127.0.0.1", 9)
    run = measure(nowhere, lambda _: nowhere.request("GET", "/"), clients=1, seconds=5, wanted=(200,), most=3)
    assert run.errors == {"ConnectionRefusedError": 3}
    assert math.isnan(run.percentile(0.5))


def test_percentiles_are_latencies_that_were_seen() -> None:
    run = Measurement(2.0, [0.01 * number for number in range(1, 101)])
    assert run.percentile(0.5) == pytest.approx(0.51)
    assert run.percentile(0.99) == pytest.approx(1.0)
    assert run.per_second == 50


def test_headers_are_found_in_any_case() -> None:
    assert Reply(200, b"HTTP/1.1 200 OK\r\netag:  W/1 \r\nA: b", 0).header("ETag") == "W/1"


def test_only_plain_http_is_spoken() -> None:
    with pytest.raises(ValueError, match="http://"):
        Target.of("https://example.com")
