"""One port for everything: connections to /socket.io leave the threads of the web server for an event loop.

A WebSocket would hold a thread of the server for hours. So the request is read, the socket taken away from the server
(`gateway.worker` knows that), and given, with the request replayed, to the HTTP and WebSocket protocols of uvicorn.
"""

import asyncio
import contextlib
import errno
import logging
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from uvicorn import Config
from uvicorn.server import ServerState

from chassis.at_once import waits
from gateway.live.hub import Hub

logger = logging.getLogger(__name__)
PATH = "/socket.io"
BODY_LIMIT = 1024 * 1024
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Adopts(Protocol):
    """Serves live events to connections that it is given."""

    def adopt(self, fd: int, head: bytes) -> None:
        """Take over an open connection whose first request is `head`."""
        ...


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
        waits()
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
