"""One port for everything: connections to /socket.io leave the threads of the web server for an event loop.

A WebSocket would hold a thread of the server for hours. So the request is read, the socket taken away from the server
(`Worker` knows that), and given, with the request replayed, to the HTTP and WebSocket protocols of uvicorn.
"""

import asyncio
import contextlib
import errno
import logging
import select
import signal
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from gunicorn.workers.gthread import ThreadWorker
from uvicorn import Config
from uvicorn.server import ServerState

from gateway.live.hub import Hub

logger = logging.getLogger(__name__)
PATH = "/socket.io"
BODY_LIMIT = 1024 * 1024
SILENCE_SECONDS = 60.0
PATIENCE_MS = 2
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Adopts(Protocol):
    """Serves live events to connections that it is given."""

    def adopt(self, fd: int, head: bytes) -> None:
        """Take over an open connection whose first request is `head`."""
        ...


class Worker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker: lets go of sockets that were taken away and of silent clients, and ends in order."""

    def handle(self, conn: Any) -> Any:
        """Serve a connection for as long as its client asks again at once.

        Giving it back to the thread that waits for all connections, and on to another thread, takes about as long as
        reading a record. Nobody else waits meanwhile: with work in the queue a thread does not stay.
        """
        while True:
            kept = super().handle(conn)
            if kept is not True or not self.alive or self.tpool._work_queue.qsize() or not _asks_again(conn):
                return kept

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Serve one request. A client that neither sends nor takes anything for 60 s must not hold a thread longer."""
        conn.sock.settimeout(SILENCE_SECONDS)
        return super().handle_request(req, conn)

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


class LiveLoop:
    """An event loop in a thread of its own, with the hub in it."""

    def __init__(self, hub: Hub) -> None:
        """Prepare a loop for `hub`."""
        self._hub = hub
        self._loop = asyncio.new_event_loop()
        self._config = Config(
            hub.app, lifespan="off", log_config=None, http="h11", ws="websockets-sansio", access_log=False
        )
        self._config.load()
        self._state = ServerState()
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Close all connections and end the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        task = self._loop.create_task(self._hub.run())
        try:
            self._loop.run_forever()
        finally:
            task.cancel()
            for connection in list(self._state.connections):
                with contextlib.suppress(Exception):
                    connection.transport.close()
            self._loop.run_until_complete(asyncio.sleep(0))

    def adopt(self, fd: int, head: bytes) -> None:
        """Take over an open connection whose first request is `head`."""
        self._loop.call_soon_threadsafe(lambda: self._loop.create_task(self._adopted(fd, head)))

    async def _adopted(self, fd: int, head: bytes) -> None:
        connection = socket.socket(fileno=fd)
        connection.setblocking(False)
        make: Any = self._config.http_protocol_class
        try:
            _, protocol = await self._loop.connect_accepted_socket(
                lambda: make(config=self._config, server_state=self._state, app_state={}, _loop=self._loop), connection
            )
        except OSError:
            connection.close()
            return
        protocol.data_received(head)


def with_live(application: Wsgi, live: Adopts) -> Wsgi:
    """Return `application` in front of which /socket.io and /api/socket.io go to `live`."""

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "").removeprefix("/api")
        if path != PATH and not path.startswith(f"{PATH}/"):
            return application(environ, start_response)
        held = environ.get("gunicorn.socket")
        if held is None:
            start_response("501 Not Implemented", [("Content-Type", "text/plain")])
            return [b"Live events need the server that Kiroku starts."]
        head = request_bytes(environ)
        live.adopt(held.detach(), head)
        # The server must not answer: to it, the client is gone.
        raise ConnectionResetError(errno.ECONNRESET, "handed over to live events")

    return serve


def request_bytes(environ: dict[str, Any]) -> bytes:
    """Return the request of a WSGI environment as it came over the wire, with its body. Pure but for the body."""
    target = str(environ.get("RAW_URI") or "/").removeprefix("/api")
    body = b""
    length = environ.get("CONTENT_LENGTH")
    if length and str(length).isdigit():
        body = environ["wsgi.input"].read(min(int(length), BODY_LIMIT))
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").title(): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    if environ.get("CONTENT_TYPE"):
        headers["Content-Type"] = str(environ["CONTENT_TYPE"])
    if length:
        headers["Content-Length"] = str(len(body))
    if "upgrade" not in headers.get("Connection", "").lower():
        # The next request on a kept connection may be for the API, which lives elsewhere.
        headers["Connection"] = "close"
    lines = [f"{environ['REQUEST_METHOD']} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
