"""A load generator that costs little: prepared bytes over kept-alive sockets, one thread for each client.

A reply is read into one buffer that is used again and its body is dropped, so that the client is not what is measured.
"""

import itertools
import socket
import threading
import time
from collections.abc import Callable, Container
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 180
BUFFER_BYTES = 1 << 18

MakeRequest = Callable[[int], bytes]


@dataclass(frozen=True)
class Target:
    """Where to send requests, and as whom. `prefix` is the path of the base URL, such as /api."""

    host: str
    port: int
    prefix: str = ""
    token: str = ""

    @classmethod
    def of(cls, url: str, token: str = "") -> "Target":
        """Take a base URL apart; only http is spoken."""
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname is None:
            raise ValueError(f"{url}: an address like http://127.0.0.1:8080 is needed")
        return cls(parts.hostname, parts.port or 80, parts.path.rstrip("/"), token)

    def request(
        self, method: str, path: str, body: bytes = b"", kind: str = "application/json", **headers: str
    ) -> bytes:
        """Return the bytes of a request. Header names are given with underscores."""
        lines = [f"{method} {self.prefix}{path} HTTP/1.1", f"Host: {self.host}:{self.port}"]
        if self.token:
            lines.append(f"Authorization: Bearer {self.token}")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if body:
            lines += [f"Content-Type: {kind}"]
        if body or method not in {"GET", "HEAD"}:
            lines += [f"Content-Length: {len(body)}"]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


@dataclass(frozen=True)
class Reply:
    """What is kept of a reply: the status, the head and the number of bytes of the body."""

    status: int
    head: bytes
    size: int

    def header(self, name: str) -> str | None:
        """Return a header by name in any case, or None."""
        wanted = name.lower().encode()
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.strip().lower() == wanted:
                return value.strip().decode("latin-1")
        return None


class Connection:
    """One kept-alive connection; opens itself again when the server has closed it between two requests."""

    def __init__(self, target: Target) -> None:
        """Dial nothing yet."""
        self.target = target
        self._socket: socket.socket | None = None
        self._buffer = bytearray(BUFFER_BYTES)
        self._view = memoryview(self._buffer)

    def open(self) -> socket.socket:
        """Dial unless the line is open."""
        if self._socket is None:
            self._socket = socket.create_connection((self.target.host, self.target.port), timeout=TIMEOUT_SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    def exchange(self, request: bytes) -> Reply:
        """Send prepared bytes and read the whole reply."""
        fresh = self._socket is None
        try:
            return self._exchange(request)
        except (ConnectionError, BrokenPipeError):
            self.close()
            if fresh:
                raise
            return self._exchange(request)

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _exchange(self, request: bytes) -> Reply:
        wire = self.open()
        wire.sendall(request)
        head, rest = self._read_head(wire)
        status = int(head[9:12])
        reply = Reply(status, head, 0)
        if status in {204, 304} or request.startswith(b"HEAD "):
            return reply
        length = reply.header("Content-Length")
        if length is not None:
            size = int(length)
            self._drop(wire, size - len(rest))
        elif (reply.header("Transfer-Encoding") or "").lower() == "chunked":
            size = self._drop_chunks(wire, rest)
        else:
            size = self._drop_to_end(wire, len(rest))
        if (reply.header("Connection") or "").lower() == "close":
            self.close()
        return Reply(status, head, size)

    def _read_head(self, wire: socket.socket) -> tuple[bytes, bytes]:
        filled = 0
        while (end := self._buffer.find(b"\r\n\r\n", 0, filled)) < 0:
            if filled == BUFFER_BYTES:
                raise ConnectionError("the head of the reply is too long")
            got = wire.recv_into(self._view[filled:])
            if not got:
                raise ConnectionError("the server hung up")
            filled += got
        return bytes(self._view[:end]), bytes(self._view[end + 4 : filled])

    def _drop(self, wire: socket.socket, left: int) -> None:
        while left > 0:
            got = wire.recv_into(self._view, min(left, BUFFER_BYTES))
            if not got:
                raise ConnectionError("the reply ended early")
            left -= got

    def _drop_chunks(self, wire: socket.socket, pending: bytes) -> int:
        """Read a chunked body and return the number of its bytes."""
        size = 0
        while True:
            while b"\r\n" not in pending:
                pending += self._more(wire)
            line, _, pending = pending.partition(b"\r\n")
            length = int(line.split(b";")[0], 16)
            size += length
            # The data and the line end after it; what of it is not here yet is dropped unseen.
            missing = length + 2 - len(pending)
            if missing > 0:
                self._drop(wire, missing)
                pending = b""
            else:
                pending = pending[length + 2 :]
            if length == 0:
                return size

    def _drop_to_end(self, wire: socket.socket, size: int) -> int:
        while got := wire.recv_into(self._view):
            size += got
        self.close()
        return size

    def _more(self, wire: socket.socket) -> bytes:
        got = wire.recv_into(self._view)
        if not got:
            raise ConnectionError("the reply ended early")
        return bytes(self._view[:got])


@dataclass
class Measurement:
    """Latencies in seconds of one run, and how long it took."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    errors: dict[str, int] = field(default_factory=dict)
    size: int = 0

    @property
    def per_second(self) -> float:
        """Good replies a second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """Return the latency in seconds that `share` (0 to 1) of the replies stay under; nan without replies."""
        if not self.latencies:
            return float("nan")
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class _Run:
    """What the threads of one measurement share."""

    def __init__(self, target: Target, make: MakeRequest, wanted: Container[int], most: int) -> None:
        self.target, self.make, self.wanted, self.most = target, make, wanted, most
        self.numbers = itertools.count()
        self.result = Measurement()
        self.lock = threading.Lock()
        self.end = 0.0

    def work(self, ready: threading.Barrier) -> None:
        """Send until the time or the requests are over; one thread each."""
        connection = Connection(self.target)
        latencies: list[float] = []
        # Dialling is not measured; where nobody answers, the first request counts as an error.
        with suppress(OSError):
            connection.open()
        ready.wait()
        while time.perf_counter() < self.end and (number := next(self.numbers)) < self.most:
            self.one(connection, self.make(number), latencies)
        connection.close()
        with self.lock:
            self.result.latencies += latencies

    def one(self, connection: Connection, request: bytes, latencies: list[float]) -> None:
        """Send one request and note its latency or its error."""
        started = time.perf_counter()
        try:
            reply = connection.exchange(request)
        except OSError as error:
            connection.close()
            self.count(type(error).__name__)
            return
        if reply.status in self.wanted:
            latencies.append(time.perf_counter() - started)
            self.result.size = reply.size
        else:
            self.count(str(reply.status))

    def count(self, what: str) -> None:
        """Count an error."""
        with self.lock:
            self.result.errors[what] = self.result.errors.get(what, 0) + 1


def measure(
    target: Target, make: MakeRequest, *, clients: int, seconds: float, wanted: Container[int], most: int = 1_000_000
) -> Measurement:
    """Let `clients` send for `seconds`, or until `most` requests; replies of a status that is not wanted are errors.

    make(n) returns the bytes of the nth request; n counts over all clients.
    """
    run = _Run(target, make, wanted, most)
    ready = threading.Barrier(clients + 1)
    threads = [threading.Thread(target=run.work, args=(ready,), daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    # Threads that are ready wait for the last one, and only then does the time begin.
    while ready.n_waiting < clients:
        time.sleep(0.001)
    started = time.perf_counter()
    run.end = started + seconds
    ready.wait()
    for thread in threads:
        thread.join()
    run.result.seconds = time.perf_counter() - started
    return run.result
