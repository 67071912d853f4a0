"""gunicorn's threaded worker, made for many clients that ask again and again.

Threads of one process take turns at the interpreter. Each turn costs more than a kept answer, so these are given by
the thread that waits for all connections (`chassis.at_once`), one after the other; what takes longer goes to others.
"""

import mmap
import re
import select
import signal
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from chassis.at_once import NotAtOnce, at_once, hold, pass_on, take_kept

SILENCE_SECONDS = 60.0
PATIENCE_MS = 2
TURN_SECONDS, SLOW_SECONDS = 0.02, 0.5
COURTESY_SECONDS = 0.001
MOST_WORKERS, NOBODY = 64, -1
LARGEST_HEAD = 16 * 1024
GATHERED = 64 * 1024
# A client that was given so many kept answers in a row is likely to ask for another.
USUAL = 2
WITH_MORE = re.compile(rb"\r\n(?:content-length|transfer-encoding|expect|upgrade)[ \t]*:", re.IGNORECASE)


class Crowds:
    """How many connections each worker process of one server has, in memory that all of them see."""

    def __init__(self) -> None:
        """Know no worker yet. Make it before the fork."""
        self._counts = memoryview(mmap.mmap(-1, 4 * MOST_WORKERS)).cast("i")
        for place in range(MOST_WORKERS):
            self._counts[place] = NOBODY

    def tell(self, worker: int, count: int) -> None:
        """Note that the worker of this number has `count` connections."""
        self._counts[worker % MOST_WORKERS] = count

    def forget(self, worker: int) -> None:
        """Note that a worker has ended."""
        self._counts[worker % MOST_WORKERS] = NOBODY

    def least(self) -> int:
        """Return the connections of the worker that has fewest."""
        return min((count for count in self._counts if count != NOBODY), default=0)


class Turns:
    """Lets few threads read at a time: many that want the interpreter at once spend their time on asking for it.

    A turn is held while a read works and while it waits for its database, and passed on before whatever takes longer
    (`chassis.at_once`). When none is given back for a moment, those who have one are slow: for a while nobody waits.
    """

    def __init__(self, count: int = 2) -> None:
        """Let `count` threads read: one computes while the other waits for the database."""
        self._free = threading.Semaphore(count)
        self._slow_until = 0.0
        self._given = 0

    def take(self) -> bool:
        """Wait for a turn; tell whether there is one. Who gets none goes on all the same."""
        if time.monotonic() < self._slow_until:
            return self._free.acquire(blocking=False)
        given = self._given
        taken = self._free.acquire(timeout=TURN_SECONDS)
        if not taken and self._given == given:
            self._slow_until = time.monotonic() + SLOW_SECONDS
        return taken

    def give(self) -> None:
        """Let the next thread go on."""
        self._given += 1
        self._free.release()


class Worker(ThreadWorker):  # type: ignore[misc]
    """Gives kept answers at once, lets go of sockets that were taken away and of silent clients, and ends in order."""

    crowds = Crowds()
    turns = Turns()

    def notify(self) -> None:
        """Say that the worker lives, and how many connections it has."""
        super().notify()
        self.crowds.tell(self.age, self.nr_conns)

    def accept(self, listener: Any) -> None:
        """Take a new connection, but let a worker go first that has fewer: else one of them may get nearly all.

        Both are woken for it. The other one may be busy, so this one waits for a moment only.
        """
        if self.nr_conns > self.crowds.least():
            time.sleep(COURTESY_SECONDS)
        super().accept(listener)
        self.crowds.tell(self.age, self.nr_conns)

    def handle(self, conn: Any) -> Any:
        """Serve a connection for as long as its client asks again at once.

        Giving it back to the thread that waits for all connections, and on to another thread, takes about as long as
        reading a record. Nobody else waits meanwhile: with work in the queue a thread does not stay.
        """
        while True:
            take_kept()
            # A new connection may not have asked for anything yet.
            if conn.initialized and not conn.is_http2 and self.turns.take():
                hold(self.turns.give)
            try:
                kept = super().handle(conn)
            finally:
                pass_on()
            conn.run = getattr(conn, "run", 0) + 1 if take_kept() else 0
            if kept is not True or not self.alive or conn.run >= USUAL or self.tpool._work_queue.qsize():
                return kept
            if not _asks_again(conn):
                return kept

    def on_client_socket_readable(self, conn: Any, client: Any) -> None:
        """Answer at once where that can be done, else by a thread."""
        if conn.run < USUAL or conn.is_http2 or self.cfg.is_ssl or not self._answer(conn, client):
            super().on_client_socket_readable(conn, client)

    def _answer(self, conn: Any, client: Any) -> bool:
        """Answer what has arrived by a kept answer; tell whether that could be done. Waits for nothing."""
        with suppress(OSError):
            head = conn.sock.recv(LARGEST_HEAD)
            outbox = Outbox()
            unreader = conn.parser.unreader
            unreader.unread(head)
            if _is_plain(head):
                try:
                    with at_once():
                        stays = super().handle_request(next(conn.parser), _OneRequest(conn, outbox))
                except (NotAtOnce, Exception):
                    # Nothing has been sent: a thread begins again, and meets the same problem if there is one.
                    unreader.take_buffered()
                    unreader.unread(head)
                    conn.run = 0
                    return False
                self._send(conn, client, outbox.take(), stays)
                return True
        return False

    def _send(self, conn: Any, client: Any, answer: bytes, stays: bool) -> None:
        """Send what the socket takes; a thread sends the rest to a client that is slow."""
        self.keepalived_conns.remove(conn)
        try:
            sent = conn.sock.send(answer)
        except BlockingIOError:
            sent = 0
        except OSError:
            sent, stays = len(answer), False
        if sent == len(answer) and stays:
            conn.set_timeout()
            self.keepalived_conns.append(conn)
            return
        self.poller.unregister(client)
        if sent < len(answer):
            done = self.tpool.submit(_send_rest, conn, answer[sent:], stays)
            done.add_done_callback(lambda sending: self.method_queue.defer(self.finish_request, conn, sending))
        else:
            ended: Future[bool] = Future()
            ended.set_result(False)
            self.finish_request(conn, ended)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Serve one request. A client that neither sends nor takes anything for 60 s must not hold a thread longer."""
        conn.sock.settimeout(SILENCE_SECONDS)
        if req.method != "GET":
            # Whoever writes waits for a disk, and whoever uploads for a client.
            pass_on()
        outbox = Outbox(conn.sock)
        stays = super().handle_request(req, _OneRequest(conn, outbox))
        outbox.flush()
        return stays

    def handle_quit(self, sig: int, frame: Any) -> None:
        """End at once, but once: Ctrl-C reaches a worker and also what started it, which then tells the worker again.

        The second time would break off what is done at the end. The pool is left to the end of the process: whoever is
        interrupted here may hold its lock, and gunicorn's own handler would wait for that for ever.
        """
        for number in (signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, lambda *_: None)
        super(ThreadWorker, self).handle_quit(sig, frame)

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Close a connection, or only stop counting it when its socket lives on elsewhere."""
        if conn.sock.fileno() == -1:
            self.nr_conns -= 1
            return
        super().finish_request(conn, fs)


class Outbox:
    """A socket that sends the head of an answer together with its body: one system call, one packet, one wake-up.

    Without a socket behind it, it only gathers.
    """

    def __init__(self, sock: Any = None) -> None:
        """Gather for `sock`."""
        self._sock = sock
        self._parts: list[bytes] = []
        self._size = 0

    def sendall(self, data: bytes) -> None:
        """Gather `data`; send when there is much. What is large is not copied."""
        if self._sock is not None and self._size + len(data) > GATHERED:
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

    def take(self) -> bytes:
        """Return what was gathered, and begin anew."""
        parts, self._parts, self._size = self._parts, [], 0
        return b"".join(parts)

    def flush(self) -> None:
        """Send what was gathered."""
        if self._parts:
            self._sock.sendall(self.take())

    def __getattr__(self, name: str) -> Any:
        """Be the socket in everything else."""
        return getattr(self._sock, name)


class _OneRequest:
    """A connection for one request, whose answer goes into an outbox."""

    __slots__ = ("client", "server", "sock")

    def __init__(self, conn: Any, outbox: Outbox) -> None:
        self.sock, self.client, self.server = outbox, conn.client, conn.server


def _asks_again(conn: Any) -> bool:
    if conn.parser.unreader.buf.getvalue():
        return True
    ready = select.poll()
    ready.register(conn.sock, select.POLLIN)
    return bool(ready.poll(PATIENCE_MS))


def _is_plain(head: bytes) -> bool:
    """Tell whether these are all bytes of one request that has nothing but a head. Pure."""
    whole = head.startswith(b"GET ") and head.find(b"\r\n\r\n") == len(head) - 4
    return whole and not WITH_MORE.search(head)


def _send_rest(conn: Any, rest: bytes, stays: bool) -> bool:
    conn.sock.settimeout(SILENCE_SECONDS)
    conn.sock.sendall(rest)
    return stays
