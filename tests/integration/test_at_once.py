"""Light answers come from the thread that waits for all connections; it must never wait for one of them."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.server import free_port
from tests.support.waiting import wait_for

FIRST = "MainThread"
# Questions that wait: for a reply, and for something to read.
WAITING = ("/later", "/read")


@contextmanager
def served(home: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run the server; give its process and its port."""
    port = free_port()
    command = [sys.executable, "-m", "tests.support.kept_app", str(port), str(home)]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as process:
        wait_for(lambda: is_open(port), 20)
        yield process, port
        process.terminate()


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with served(tmp_path_factory.mktemp("home")) as (_, port):
        yield port


def is_open(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


class Client:
    """One connection, with nothing between the test and the bytes."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.file = self.socket.makefile("rb")

    def send(self, path: str, method: str = "GET", more: str = "", body: str = "") -> None:
        """Send a request."""
        self.socket.sendall(f"{method} {path} HTTP/1.1\r\nHost: here\r\n{more}\r\n{body}".encode())

    def reply(self) -> tuple[int, str]:
        """Read one answer: its status and its body."""
        status, length = int(self.file.readline().split()[1]), 0
        while line := self.file.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return status, self.file.read(length).decode()

    def ask(self, path: str, method: str = "GET", more: str = "", body: str = "") -> str:
        """Return the answer to one request."""
        self.send(path, method, more, body)
        status, text = self.reply()
        assert status == 200, text
        return text

    def has_usual_answers(self) -> "Client":
        """Become a connection whose kept answers come at once."""
        for _ in range(3):
            self.ask("/kept")
        assert self.ask("/kept").startswith(FIRST)
        return self


@pytest.fixture
def client(port: int) -> Client:
    return Client(port)


def test_the_first_answers_of_a_connection_come_from_a_thread_of_the_pool(client: Client) -> None:
    assert not client.ask("/kept").startswith(FIRST)


def test_further_kept_answers_come_at_once(client: Client) -> None:
    client.has_usual_answers()
    assert [client.ask("/kept").split()[0] for _ in range(5)] == [FIRST] * 5


def test_what_has_to_wait_is_begun_again_by_a_thread_and_answered_once(client: Client) -> None:
    client.has_usual_answers()
    before = int(client.ask("/asked").split()[1])
    client.has_usual_answers()
    thread, times = client.ask("/asked").split()
    assert thread != FIRST
    assert int(times) == before + 2
    assert not client.ask("/asked").startswith(FIRST)


def test_a_request_with_a_body_goes_to_a_thread(client: Client) -> None:
    client.has_usual_answers()
    thread, _, body = client.ask("/kept", "POST", "Content-Length: 5\r\n", "hello").split()
    assert thread != FIRST
    assert body == "hello"
    client.has_usual_answers()
    thread, _, body = client.ask("/kept", "GET", "content-length: 3\r\n", "odd").split()
    assert thread != FIRST
    assert body == "odd"


def test_a_head_that_comes_in_pieces_holds_nobody_up(port: int, client: Client) -> None:
    client.has_usual_answers()
    other = Client(port).has_usual_answers()
    client.socket.sendall(b"GET /kept HTTP/1.1\r\nHo")
    assert other.ask("/kept").startswith(FIRST)
    client.socket.sendall(b"st: here\r\n\r\n")
    assert client.reply()[0] == 200


def test_requests_that_come_together_are_answered_in_their_order(client: Client) -> None:
    client.has_usual_answers()
    client.socket.sendall(b"".join(f"GET /kept?size={n} HTTP/1.1\r\nHost: here\r\n\r\n".encode() for n in (50, 60, 70)))
    assert [len(client.reply()[1]) for _ in range(3)] == [50, 60, 70]


def test_a_client_that_does_not_read_holds_nobody_up_and_gets_all_in_the_end(port: int, client: Client) -> None:
    client.has_usual_answers()
    other = Client(port).has_usual_answers()
    size, asked = 4_000_000, 3
    for _ in range(asked):
        client.send(f"/kept?size={size}")
        time.sleep(0.2)
        started = time.monotonic()
        assert other.ask("/kept").startswith(FIRST)
        assert time.monotonic() - started < 2
    assert [len(client.reply()[1]) for _ in range(asked)] == [size] * asked


def test_a_question_that_fails_is_answered_by_a_thread_and_leaves_the_others_alone(port: int, client: Client) -> None:
    client.has_usual_answers()
    other = Client(port).has_usual_answers()
    client.send("/fails")
    assert client.reply()[0] == 500
    assert other.ask("/kept").startswith(FIRST)


def test_a_connection_is_closed_when_its_client_wants_it(client: Client) -> None:
    client.has_usual_answers()
    client.ask("/kept", more="Connection: close\r\n")
    assert client.file.read() == b""


def test_a_client_that_hangs_up_is_forgotten(port: int, client: Client) -> None:
    client.has_usual_answers()
    client.file.close()
    client.socket.close()
    assert Client(port).has_usual_answers().ask("/kept").startswith(FIRST)


def test_who_waits_for_a_reply_is_answered_by_the_same_thread_when_it_comes(client: Client) -> None:
    client.has_usual_answers()
    for _ in range(5):
        assert client.ask("/later?seconds=0.01").startswith(FIRST)


@pytest.mark.parametrize("path", WAITING)
def test_many_wait_beside_each_other_and_hold_nobody_up(port: int, client: Client, path: str) -> None:
    client.has_usual_answers()
    waiting = [Client(port).has_usual_answers() for _ in range(12)]
    started = time.monotonic()
    for each in waiting:
        each.send(f"{path}?seconds=1")
    assert client.ask("/kept").startswith(FIRST)
    assert time.monotonic() - started < 0.9
    assert all(each.reply()[1].startswith(FIRST) for each in waiting)
    assert time.monotonic() - started < 3  # one after the other it would be twelve


def test_a_reply_that_does_not_come_is_given_up_in_time(client: Client) -> None:
    client.has_usual_answers()
    answer = client.ask("/later?seconds=4&gives_up=0.2")
    assert answer.startswith(FIRST)
    assert answer.endswith("late")


def test_what_fails_after_the_reply_is_begun_again_by_a_thread(port: int, client: Client) -> None:
    client.has_usual_answers()
    assert not client.ask("/later?seconds=0.01&then=/asked").startswith(FIRST)
    client.has_usual_answers()
    client.send("/later?seconds=0.01&then=/fails")
    assert client.reply()[0] == 500
    assert Client(port).has_usual_answers().ask("/later?seconds=0.01").startswith(FIRST)


def test_a_long_answer_after_a_reply_reaches_a_client_that_is_slow(client: Client) -> None:
    client.has_usual_answers()
    size = 4_000_000
    client.send(f"/later?seconds=0.01&size={size}")
    time.sleep(0.3)
    assert len(client.reply()[1]) == size
    client.has_usual_answers()


@pytest.mark.parametrize("path", WAITING)
def test_who_asks_again_before_the_answer_gets_both_in_their_order(port: int, client: Client, path: str) -> None:
    client.has_usual_answers()
    client.send(f"{path}?seconds=0.4")
    time.sleep(0.1)
    client.send("/kept?size=100")
    assert Client(port).has_usual_answers().ask("/kept").startswith(FIRST)
    first, second = client.reply()[1], client.reply()[1]
    assert [len(first) < 100, len(second)] == [True, 100]
    client.has_usual_answers()


@pytest.mark.parametrize("path", WAITING)
def test_who_hangs_up_before_the_answer_is_forgotten(port: int, client: Client, path: str) -> None:
    client.has_usual_answers()
    client.send(f"{path}?seconds=0.3")
    client.file.close()
    client.socket.close()
    time.sleep(0.5)
    assert Client(port).has_usual_answers().ask(f"{path}?seconds=0.01").startswith(FIRST)


@pytest.mark.parametrize("path", WAITING)
def test_a_server_that_ends_answers_first_who_waits(tmp_path: Path, path: str) -> None:
    with served(tmp_path) as (process, port):
        client = Client(port).has_usual_answers()
        client.send(f"{path}?seconds=1")
        time.sleep(0.2)
        process.terminate()
        assert client.reply()[1].startswith(FIRST)
        assert process.wait(10) == 0
