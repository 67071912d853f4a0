"""Reads of a thread that serves many connections: while PostgreSQL works, the thread works on something else.

What waits is a coroutine, paused in the midst of the same code that threads run (`chassis.at_once.Pausable`). Only such
a thread uses what is in here, and one connection serves one coroutine at a time.
"""

from collections import deque
from time import monotonic
from types import TracebackType
from typing import Any, cast

import psycopg2
from psycopg2 import extensions

from chassis.at_once import NotAtOnce, Pausable, pausable
from chassis.prepared import GatheringConnection, GatheringCursor

# So many statements of one process in one database at a time, for both to have something to do. With eight, longer
# reads of many clients took a quarter longer: PostgreSQL's processes stood in each other's way.
MOST = 3
SECONDS = 60.0


class PausingCursor(GatheringCursor):
    """A cursor that pauses what it is used by until PostgreSQL has answered."""

    def execute(self, query: Any, vars: Any = None) -> None:
        """Run what waits, then this statement."""
        super().execute(query, vars)
        _settle(self.connection)

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        """Leave a COPY to a thread: the client library has no way to pause it. Raises NotAtOnce."""
        raise NotAtOnce


class PausingConnection(GatheringConnection):
    """A connection in autocommit, as all asynchronous ones are, whose cursors pause."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin to connect."""
        super().__init__(*args, **kwargs)
        self.cursor_factory = PausingCursor


class PausingConnections:
    """The connections to one database that a thread which serves many others reads by."""

    def __init__(self, url: str, most: int = MOST) -> None:
        """Open at most so many connections to `url`, each when all others are lent."""
        self._url = url
        self._most = most
        self._spare: list[PausingConnection] = []
        self._open = 0
        self._waiting: deque[_Place] = deque()

    def lend(self, options: str) -> "PausingLoan":
        """Lend a connection made with `options` for a `with` block, in which nothing must be written."""
        return PausingLoan(self, options)

    def take(self, options: str) -> PausingConnection:
        """Return a connection that nobody has; pause until there is one. Who came first is served first.

        Raises NotAtOnce after a minute in vain: there are more connections for threads.
        """
        found = self._spare.pop() if self._spare else None
        while found is None or found.closed:
            if found is not None:
                self._open -= 1
            if self._open < self._most:
                return self._connected(options)
            found = self._given()
        return found

    def give_back(self, connection: PausingConnection) -> None:
        """Take a connection back; a closed one makes room for another."""
        if self._waiting:
            self._waiting.popleft().give(connection)
        else:
            self._spare.append(connection)

    def close(self) -> None:
        """Close idle connections; in any thread. Whoever takes one of them opens another."""
        for connection in list(self._spare):
            connection.close()

    def _given(self) -> PausingConnection | None:
        """Pause until somebody gives a connection back, or the place of one that could not be opened."""
        place = _Place(_here())
        self._waiting.append(place)
        until = monotonic() + SECONDS
        while not place.served and (left := until - monotonic()) > 0:
            place.here.pause(left)
        if not place.served:
            self._waiting.remove(place)
            raise NotAtOnce
        return place.connection

    def _connected(self, options: str) -> PausingConnection:
        self._open += 1
        try:
            made: PausingConnection = psycopg2.connect(
                self._url, async_=1, connection_factory=PausingConnection, options=options, application_name="kiroku"
            )
            _settle(made)
        except BaseException:
            self._open -= 1
            if self._waiting:
                self._waiting.popleft().give(None)
            raise
        return made


class _Place:
    """A place in the queue for a connection."""

    __slots__ = ("connection", "here", "served")

    def __init__(self, here: Pausable) -> None:
        """Queue up what is to be paused."""
        self.here = here
        self.served = False
        self.connection: PausingConnection | None = None

    def give(self, connection: PausingConnection | None) -> None:
        """Let it go on with a connection, or open one."""
        self.connection, self.served = connection, True
        self.here.wake()


class PausingLoan:
    """A connection for a `with` block, lent when a statement is about to run on it: most blocks need none."""

    __slots__ = ("_connections", "_options", "_raw")

    def __init__(self, connections: PausingConnections, options: str) -> None:
        """Lend one of `connections`."""
        self._connections, self._options = connections, options
        self._raw: PausingConnection | None = None

    def __enter__(self) -> "PausingLoan":
        """Return what stands for the connection."""
        return self

    @property
    def lent(self) -> bool:
        """Tell whether there is a connection already."""
        return self._raw is not None

    def cursor(self) -> PausingCursor:
        """Return a cursor of the connection; pause until there is one."""
        if self._raw is None:
            self._raw = self._connections.take(self._options)
        return cast(PausingCursor, self._raw.cursor())

    def outgrow(self) -> None:
        """Throw the connection away at the end: it has carried something large."""
        if self._raw is not None:
            self._raw.outgrown = True

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back, or throw it away when it is broken, outgrown or still at work."""
        raw = self._raw
        if raw is None:
            return
        if raw.outgrown or raw.info.transaction_status != extensions.TRANSACTION_STATUS_IDLE:
            raw.close()
        self._connections.give_back(raw)


def _here() -> Pausable:
    here = pausable()
    if here is None:
        raise NotAtOnce
    return here


def _settle(connection: GatheringConnection) -> None:
    """Pause until what was begun on `connection` is done."""
    while (state := connection.poll()) != extensions.POLL_OK:
        _here().until_ready(connection.fileno(), SECONDS, writing=state == extensions.POLL_WRITE)
