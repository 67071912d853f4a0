"""The way out of a thread that answers: what belongs together is sent together."""

from typing import Any

from chassis.at_once import pass_on

GATHERED = 64 * 1024


class Outbox:
    """A socket that sends the head of an answer together with its body: one system call, one packet, one wake-up."""

    def __init__(self, sock: Any) -> None:
        """Gather for `sock`."""
        self._sock = sock
        self._parts: list[bytes] = []
        self._size = 0

    def sendall(self, data: bytes) -> None:
        """Gather `data`; send when there is much. What is large is not copied."""
        if self._size + len(data) > GATHERED:
            # A client may take its time over what is long.
            pass_on()
            self.flush()
            if len(data) > GATHERED:
                self._sock.sendall(data)
                return
        self._parts.append(data)
        self._size += len(data)

    def sendfile(self, *args: Any, **options: Any) -> Any:
        """Send what was gathered, and a file after it."""
        self.flush()
        return self._sock.sendfile(*args, **options)

    def flush(self) -> None:
        """Send what was gathered."""
        if self._parts:
            parts, self._parts, self._size = self._parts, [], 0
            self._sock.sendall(b"".join(parts))

    def __getattr__(self, name: str) -> Any:
        """Be the socket in everything else."""
        return getattr(self._sock, name)


class OneRequest:
    """A connection for one request, whose answer goes into an outbox."""

    __slots__ = ("client", "server", "sock")

    def __init__(self, conn: Any, outbox: Outbox) -> None:
        """Answer `conn` by way of `outbox`."""
        self.sock, self.client, self.server = outbox, conn.client, conn.server
