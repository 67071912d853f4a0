"""Heads of requests that were read before: a client that asks again sends the same lines, only the first one differs.

Reading a head in Python takes a fifth of a small answer. What was good is remembered as gunicorn has read it, by its
bytes and by who sent it; what was refused is read, and refused, again.
"""

from typing import Any

from gunicorn.http.message import Request

MOST = 1000
LARGEST = 4096
_LINE = ("method", "uri", "path", "query", "fragment", "version")
_lines: dict[bytes, tuple[Any, ...]] = {}
_headers: dict[tuple[bytes, Any, str], tuple[tuple[Any, ...], str]] = {}


class KnownRequest(Request):  # type: ignore[misc]
    """A request whose first line and headers may have been read before."""

    scheme: str

    def parse_request_line(self, line_bytes: bytes) -> None:
        """Read the first line, or take what the same one has given."""
        found = _lines.get(line_bytes)
        if found is None:
            super().parse_request_line(line_bytes)
            found = tuple(getattr(self, name) for name in _LINE)
            _remember(_lines, line_bytes, found, len(line_bytes))
            return
        self.method, self.uri, self.path, self.query, self.fragment, self.version = found

    def parse_headers(self, data: bytes, from_trailer: bool = False) -> list[tuple[str, str]]:
        """Read headers, or take what the same ones have given to the same sender."""
        sender = self.peer_addr[0] if isinstance(self.peer_addr, tuple) else self.peer_addr
        key = (data, sender, self.scheme)
        found = None if from_trailer else _headers.get(key)
        if found is None:
            headers: list[tuple[str, str]] = super().parse_headers(data, from_trailer)
            # Who expects to be asked for the body is seen by reading alone; trailers go by other rules.
            if not from_trailer and not self._expected_100_continue:
                _remember(_headers, key, (tuple(headers), self.scheme), len(data))
            return headers
        known, self.scheme = found
        return list(known)


def _remember(memory: dict[Any, Any], key: Any, found: Any, size: int) -> None:
    if size > LARGEST:
        return
    if len(memory) >= MOST:
        memory.clear()
    memory[key] = found
