"""Requests that are answered by the thread that waits for all connections, without a thread of their own.

Where an answer takes a reply over the broker or a light read, the thread does not wait for it: the trial is paused, a
coroutine (greenlet) in the midst of the same code that threads run, and goes on with what has come.
"""

import logging
from collections import deque
from collections.abc import Callable
from enum import Enum
from selectors import EVENT_READ, EVENT_WRITE
from time import monotonic
from typing import Any, Protocol

from greenlet import getcurrent, greenlet

from chassis.at_once import NotAtOnce, at_once
from gateway.plain import is_plain

logger = logging.getLogger(__name__)
LARGEST_HEAD = 16 * 1024
SILENCE_SECONDS = 60.0
MOST_SPARE = 64


class Server(Protocol):
    """What a trial needs of the worker."""

    rounds: "Rounds"
    poller: Any
    tpool: Any
    method_queue: Any
    keepalived_conns: Any

    def answer_plain(self, head: bytes, conn: Any) -> tuple[bytes, bool] | None:
        """Return the answer to a plain request, and whether its connection stays; None where a thread has to answer."""
        ...

    def enqueue_req(self, conn: Any) -> None:
        """Let a thread serve a connection."""
        ...

    def finish_request(self, conn: Any, ended: Any) -> None:
        """Wait for the next request of a connection, or close it."""
        ...


class Outcome(Enum):
    """How far a trial has come: its answer is there, it waits for a reply, or a thread must begin again."""

    ANSWERED, PAUSED, FAILED = range(3)


class Rounds:
    """What the thread that waits for all connections does besides: before it waits, and for trials that are overdue."""

    def __init__(self) -> None:
        """Have nothing to do."""
        self._work: list[Callable[[], bool | None]] = []
        self.paused: dict[Trial, float] = {}
        self._spare: list[greenlet] = []
        self._woken: deque[Trial] = deque()
        self._called = False
        # Whether the next round is to come soon.
        self.soon = False

    def wake(self, trial: "Trial", call: Callable[[Callable[[], None]], None]) -> None:
        """Let `trial` go on in the next round, which `call` calls for; in any thread.

        Replies come many at a time, and each call for the thread asks the system.
        """
        self._woken.append(trial)
        if not self._called:
            self._called = True
            call(self._go_on)

    def _go_on(self) -> None:
        # In this order: who is woken from now on calls again.
        self._called = False
        for _ in range(len(self._woken)):
            self._woken.popleft().go_on()

    def coroutine(self) -> greenlet:
        """Return a coroutine that is at no work. A new one costs a quarter of a kept answer."""
        return self._spare.pop() if self._spare else greenlet(_work)

    def spare(self, coroutine: greenlet) -> None:
        """Take a coroutine back."""
        if len(self._spare) < MOST_SPARE:
            self._spare.append(coroutine)

    def before_waiting(self, work: Callable[[], bool | None]) -> None:
        """Do `work` at the end of the present round, and of each further one for as long as it returns True."""
        self._work.append(work)

    def end(self) -> None:
        """End a round."""
        again = []
        while self._work:
            work, self._work = self._work, []
            for each in work:
                try:
                    if each():
                        again.append(each)
                except Exception:
                    # All connections of this process depend on this thread.
                    logger.exception("what was to be done before waiting has failed")
        self._work, self.soon = again, bool(again)
        now = monotonic()
        # All wait for the same time, so the first one is overdue first.
        while self.paused and next(iter(self.paused.values())) <= now:
            next(iter(self.paused)).go_on()


class Trial:
    """One request of one connection. It fits `chassis.at_once.Pausable`."""

    def __init__(self, server: Server, conn: Any, client: Any) -> None:
        """Try the next request of `conn`, whose socket `client` has something to read."""
        self._server, self._conn, self._client = server, conn, client
        self._head = b""
        self._answer, self._stays = b"", False
        self._thread = getcurrent()
        self._coroutine: greenlet | None = None
        self._busy = self._deaf = False
        self.idle = 0.0

    def begin(self) -> bool:
        """Begin; tell whether the request is taken care of. If not, a thread has to answer it."""
        try:
            self._head = self._conn.sock.recv(LARGEST_HEAD)
        except OSError:
            return False
        if is_plain(self._head):
            return self._step()
        self._conn.parser.unreader.unread(self._head)
        return False

    def go_on(self) -> None:
        """Go on after a pause."""
        # Who is woken twice has gone on already.
        if self._server.rounds.paused.pop(self, None) is not None and not self._step():
            self.leave()
            self._server.enqueue_req(self._conn)

    def pause(self, seconds: float) -> None:
        """Let the thread do something else until `wake` is called, for so many seconds at most."""
        began = monotonic()
        self._pause(seconds)
        self.idle += monotonic() - began

    def _pause(self, seconds: float) -> None:
        self._server.rounds.paused[self] = monotonic() + seconds
        self._keep()
        self._thread.switch(Outcome.PAUSED)

    def rest(self) -> None:
        """Let the thread do something else until the end of the round."""
        self._server.rounds.before_waiting(self.go_on)
        self.pause(SILENCE_SECONDS)

    def until_ready(self, source: int, seconds: float, *, writing: bool) -> None:
        """Let the thread do something else until `source` can be read or written, for so many seconds at most."""
        poller = self._server.poller
        poller.register(source, EVENT_WRITE if writing else EVENT_READ, self._ready)
        self._pause(seconds)
        # Not where the process ends meanwhile: then there is no poller any more.
        poller.unregister(source)

    def _ready(self, source: int) -> None:
        self.go_on()

    def wake(self) -> None:
        """Let the thread go on with this; may be called by any thread."""
        self._server.rounds.wake(self, self._server.method_queue.defer)

    def before_waiting(self, work: Callable[[], bool | None]) -> None:
        """Let the thread do `work` before it waits for its connections the next time."""
        self._server.rounds.before_waiting(work)

    def answer(self) -> "Outcome":
        """Answer the request, by a coroutine that may be paused."""
        try:
            answered = self._server.answer_plain(self._head, self._conn)
        except (NotAtOnce, Exception):
            return Outcome.FAILED
        if answered is None:
            return Outcome.FAILED
        self._answer, self._stays = answered
        return Outcome.ANSWERED

    def _step(self) -> bool:
        """Work until the answer is there or the next pause; tell whether no thread is needed."""
        rounds = self._server.rounds
        coroutine = self._coroutine = self._coroutine or rounds.coroutine()
        with at_once(self):
            outcome = coroutine.switch(self)
        if outcome is Outcome.PAUSED:
            return True
        rounds.spare(coroutine)
        if outcome is Outcome.FAILED:
            # Nothing has been sent: a thread begins again, and meets the same problem if there is one.
            self._conn.parser.unreader.unread(self._head)
            self._conn.run, self._conn.trial = 0, None
            return False
        self._send(self._answer, self._stays)
        return True

    def _keep(self) -> None:
        """Keep the connection from being closed as idle."""
        if not self._busy:
            self._busy, self._conn.trial = True, self
            self._server.keepalived_conns.remove(self._conn)

    def leave(self) -> None:
        """Hear no more of the client for now: it has ended, or sent more than one request."""
        self._keep()
        if not self._deaf:
            self._deaf = True
            self._server.poller.unregister(self._client)

    def _send(self, answer: bytes, stays: bool) -> None:
        """Send what the socket takes; a thread sends the rest to a client that is slow."""
        server, conn = self._server, self._conn
        try:
            sent = conn.sock.send(answer)
        except BlockingIOError:
            sent = 0
        except OSError:
            sent, stays = len(answer), False
        if sent == len(answer) and stays and not self._deaf:
            self._keep()
            conn.trial = None
            conn.set_timeout()
            server.keepalived_conns.append(conn)
            return
        self.leave()
        conn.trial = None
        if sent == len(answer):
            server.finish_request(conn, Ended(stays))
            return
        done = server.tpool.submit(_send_rest, conn, answer[sent:], stays)
        done.add_done_callback(lambda sending: server.method_queue.defer(server.finish_request, conn, sending))


def _work(trial: Trial) -> None:
    """Answer one request after the other: what a coroutine runs."""
    thread = getcurrent().parent
    while thread is not None:
        trial = thread.switch(trial.answer())


class Ended:
    """How a request ended, to gunicorn: a future that is there already."""

    def __init__(self, stays: bool) -> None:
        """Tell whether the connection stays."""
        self._stays = stays

    def cancelled(self) -> bool:
        """Return no: it has ended."""
        return False

    def result(self) -> bool:
        """Tell whether the connection stays."""
        return self._stays


def _send_rest(conn: Any, rest: bytes, stays: bool) -> bool:
    conn.sock.settimeout(SILENCE_SECONDS)
    conn.sock.sendall(rest)
    return stays
