"""Plain requests, a GET that has nothing but a head, served with no more than WSGI asks for.

A client that asks again sends the same lines, only the first one differs. What gunicorn has made of the others, after
all its checks, is remembered by their bytes, by who sent them and to where; reading them and making a WSGI environment
of them takes as long as a kept answer.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from io import BytesIO
from time import time
from typing import Any

from gunicorn import SERVER
from gunicorn.http import wsgi
from gunicorn.http.message import TOKEN_RE, Request
from gunicorn.http.unreader import IterUnreader
from gunicorn.util import http_date, is_hoppish

MOST = 1000
LARGEST = 4096
WITH_MORE = re.compile(rb"\r\n(?:content-length|transfer-encoding|expect|upgrade)[ \t]*:", re.IGNORECASE)
# Targets whose path is what it says: nothing to decode, and no second slash, behind which a host could be meant.
TARGET = re.compile(rb"GET (/(?:[\w.~:@!$&'()*+,;=-][\w/.~:@!$&'()*+,;=-]*)?)(?:\?([!\"$-~]*))? HTTP/1\.1")
STATUS = re.compile(r"[2-5]\d\d [ \t\x21-\x7e\x80-\xff]*")
WORDS = re.compile(r"[\t\r\n\x20-\x7e\x80-\xff]*")
BODILESS = frozenset({"204", "304"})

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
Write = Callable[[bytes], None]
Start = Callable[..., Write]
Application = Callable[[Environ, Start], Iterable[bytes]]


def is_plain(head: bytes) -> bool:
    """Tell whether these are all bytes of one request that has nothing but a head. Pure."""
    whole = head.startswith(b"GET ") and head.find(b"\r\n\r\n") == len(head) - 4
    return whole and not WITH_MORE.search(head)


class PlainRequests:
    """What is known of the heads that one worker has read."""

    def __init__(self, cfg: Any) -> None:
        """Read heads by gunicorn's settings `cfg`."""
        self._cfg = cfg
        self._known: dict[tuple[bytes, Any, Any], tuple[Environ, bool]] = {}

    def environ(self, head: bytes, client: Any, server: Any) -> tuple[Environ, bool] | None:
        """Return the WSGI environment of a plain request from `client` to `server`, and whether its connection stays.

        None where the first line has to be read by gunicorn. Raises what gunicorn raises for a head that is wrong.
        """
        first, _, rest = head.partition(b"\r\n")
        target = TARGET.fullmatch(first)
        if target is None or len(head) > LARGEST:
            return None
        key = (rest, client[0] if isinstance(client, tuple) else client, server)
        known = self._known.get(key)
        if known is None:
            known = self._read(head, client, server)
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[key] = known
        environ = known[0].copy()
        path, query = target.groups(b"")
        environ["PATH_INFO"] = path.decode("ascii")
        environ["QUERY_STRING"] = query.decode("ascii")
        environ["RAW_URI"] = first[4:-9].decode("ascii")
        environ["wsgi.input"] = BytesIO()
        if isinstance(client, tuple):
            environ["REMOTE_PORT"] = str(client[1])
        return environ, known[1]

    def _read(self, head: bytes, client: Any, server: Any) -> tuple[Environ, bool]:
        request = Request(self._cfg, IterUnreader(iter([head])), client)
        _, environ = wsgi.create(request, None, client, server, self._cfg)
        # Both belong to one connection.
        del environ["wsgi.early_hints"], environ["gunicorn.socket"]
        environ["wsgi.multithread"] = True
        return environ, not request.should_close()


class Answer:
    """An answer as an application tells it to its server."""

    __slots__ = ("body", "headers", "status")

    def __init__(self) -> None:
        """Know nothing of it yet."""
        self.status = ""
        self.headers: Headers = []
        self.body: list[bytes] = []

    def start(self, status: str, headers: Headers, exc_info: Any = None) -> Write:
        """Take the head: WSGI's `start_response`."""
        self.status, self.headers = status, headers
        return self.body.append

    def on_wire(self, *, stays: bool) -> bytes:
        """Return the answer as it goes over the wire. Raises ValueError where it would not be one answer, or none.

        A body that comes without its length is given one.
        """
        if not STATUS.fullmatch(self.status):
            raise ValueError(f"{self.status!r} is not the status of an answer")
        body = b"" if self.status[:3] in BODILESS else b"".join(self.body)
        headers = self._headers(len(body))
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
        # Each header is one line, or one of them could bring others, or another answer.
        if not len(headers) == lines.count("\r") == lines.count("\n") or not WORDS.fullmatch(lines):
            raise ValueError("a header of an answer is not one line of text")
        first = f"HTTP/1.1 {self.status}\r\nServer: {SERVER}\r\nDate: {_date(int(time()))}\r\n"
        last = "Connection: keep-alive\r\n\r\n" if stays else "Connection: close\r\n\r\n"
        return b"".join(((first + lines + last).encode("latin-1"), body))

    def _headers(self, size: int) -> Headers:
        """Return the headers of a body of `size` bytes."""
        length = None
        for name, value in self.headers:
            if _known_name(name) == "content-length":
                length = int(value)
        if self.status[:3] in BODILESS:
            return [(name, value) for name, value in self.headers if _known_name(name) != "content-length"]
        if length is None:
            return [*self.headers, ("Content-Length", str(size))]
        if length != size:
            raise ValueError(f"an answer {self.status!r} of {size} bytes says that it has {length}")
        return self.headers


def asked(application: Application, environ: Environ) -> Answer:
    """Return what `application` answers to a plain request. Raises what it raises."""
    answer = Answer()
    items = application(environ, answer.start)
    try:
        answer.body.extend(items)
    finally:
        close = getattr(items, "close", None)
        if close is not None:
            close()
    return answer


@lru_cache(256)
def _known_name(name: str) -> str:
    """Return the name of a header in small letters. Raises ValueError where an application must not send it."""
    if not TOKEN_RE.fullmatch(name) or is_hoppish(name):
        raise ValueError(f"an answer must not have the header {name!r}")
    return name.lower()


@lru_cache(1)
def _date(second: int) -> str:
    return str(http_date(second))
