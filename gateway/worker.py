"""gunicorn's threaded worker, made for many clients that ask again and again.

Threads of one process take turns at the interpreter. Each turn costs more than a kept answer, so these are given by
the thread that waits for all connections (`chassis.at_once`), one after the other; what takes longer goes to others.
"""

import mmap
import select
import signal
import threading
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from chassis.at_once import hold, pass_on, take_light
from gateway.heads import KnownRequest
from gateway.outbox import OneRequest, Outbox
from gateway.plain import PlainRequests, asked
from gateway.trials import SILENCE_SECONDS, Rounds, Trial

PATIENCE_MS = 2
TURN_SECONDS, SLOW_SECONDS = 0.02, 0.5
COURTESY_SECONDS = SOON_SECONDS = 0.001
NOTIFY_SECONDS = 1.0
MOST_WORKERS, NOBODY = 64, -1
# A client that was given so many kept answers in a row is likely to ask for another.
USUAL = 2


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

    def __init__(self, *args: Any, **options: Any) -> None:
        """Have no connections yet."""
        super().__init__(*args, **options)
        self.rounds = Rounds()
        self._notify_at = 0.0
        self._plain, self._is_ssl = PlainRequests(self.cfg), self.cfg.is_ssl

    def notify(self) -> None:
        """Say that the worker lives, and how many connections it has."""
        # gunicorn touches a file each time, which takes as long as reading a head.
        now = time.monotonic()
        if now >= self._notify_at:
            self._notify_at = now + NOTIFY_SECONDS
            super().notify()
        self.rounds.end()
        self.crowds.tell(self.age, self.nr_conns)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for what comes, and do it."""
        super().wait_for_and_dispatch_events(SOON_SECONDS if self.rounds.soon else timeout)

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
            take_light()
            # A new connection may not have asked for anything yet.
            if conn.initialized and not conn.is_http2:
                conn.parser.mesg_class = KnownRequest
                if self.turns.take():
                    hold(self.turns.give)
            try:
                kept = super().handle(conn)
            finally:
                pass_on()
            conn.run = getattr(conn, "run", 0) + 1 if take_light() else 0
            if kept is not True or not self.alive or conn.run >= USUAL or self.tpool._work_queue.qsize():
                return kept
            if not _asks_again(conn):
                return kept

    def on_client_socket_readable(self, conn: Any, client: Any) -> None:
        """Answer at once where that can be done, else by a thread."""
        trial = getattr(conn, "trial", None)
        if trial is not None:
            trial.leave()
            return
        if conn.run < USUAL or conn.is_http2 or self._is_ssl or not Trial(self, conn, client).begin():
            super().on_client_socket_readable(conn, client)

    def answer_plain(self, head: bytes, conn: Any) -> tuple[bytes, bool] | None:
        """Return the answer to a plain request, and whether its connection stays; None where a thread has to answer."""
        found = self._plain.environ(head, conn.client, conn.server)
        if found is None:
            return None
        environ, stays = found
        answer = asked(self.wsgi, environ)
        # Afterwards, as the process may have been told to end meanwhile.
        stays = stays and self.alive and len(self.keepalived_conns) < self.max_keepalived
        return answer.on_wire(stays=stays), stays

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Serve one request. A client that neither sends nor takes anything for 60 s must not hold a thread longer."""
        conn.sock.settimeout(SILENCE_SECONDS)
        if req.method != "GET":
            # Whoever writes waits for a disk, and whoever uploads for a client.
            pass_on()
        outbox = Outbox(conn.sock)
        stays = super().handle_request(req, OneRequest(conn, outbox))
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


def _asks_again(conn: Any) -> bool:
    if conn.parser.unreader.buf.getvalue():
        return True
    ready = select.poll()
    ready.register(conn.sock, select.POLLIN)
    return bool(ready.poll(PATIENCE_MS))
