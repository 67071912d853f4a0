"""Large answers, kept for a moment: a list of many megabytes that several people open is put together once.

Each is kept with the revisions of all that it is made of, which are read from the database before it is used again. So
it is never old, whichever process has changed something; the time limit is there for the memory alone.
"""

import threading
from collections.abc import Hashable
from time import monotonic
from typing import Any, NamedTuple

SECONDS = 5.0
LIMIT = 64 * 1024 * 1024


class Kept(NamedTuple):
    """An answer, the tag of what it was made of, when it was used last, and its bytes."""

    tag: str
    used: float
    value: Any
    size: int


class Finished:
    """Answers by what was asked, at most `limit` bytes of them, each until nobody has used it for `seconds`."""

    def __init__(self, limit: int = LIMIT, seconds: float = SECONDS) -> None:
        """Keep nothing yet."""
        self._limit, self._seconds = limit, seconds
        self._kept: dict[Hashable, Kept] = {}
        self._lock = threading.Lock()
        self._sweeping = False

    @property
    def size(self) -> int:
        """Return the bytes that are kept."""
        with self._lock:
            return sum(kept.size for kept in self._kept.values())

    def get(self, key: Hashable, tag: str) -> Any:
        """Return what is kept for `key` if it was made of the same, else None."""
        known, value = self.last(key)
        return value if known == tag else None

    def last(self, key: Hashable) -> tuple[str, Any]:
        """Return what was put for `key` the last time, and its tag; nothing and None when it is not kept."""
        with self._lock:
            kept = self._kept.pop(key, None)
            if kept is None:
                return "", None
            # The longest unused ones come first.
            self._kept[key] = kept._replace(used=monotonic())
            return kept.tag, kept.value

    def put(self, key: Hashable, tag: str, value: Any, size: int) -> None:
        """Keep `value`; nobody changes it any more."""
        if size > self._limit:
            return
        with self._lock:
            self._kept.pop(key, None)
            self._kept[key] = Kept(tag, monotonic(), value, size)
            over = sum(kept.size for kept in self._kept.values()) - self._limit
            while over > 0:
                over -= self._kept.pop(next(iter(self._kept))).size
            if not self._sweeping:
                self._sweeping = True
                self._sweep_later()

    def _sweep_later(self) -> None:
        timer = threading.Timer(self._seconds / 2, self._sweep)
        timer.daemon = True
        timer.start()

    def _sweep(self) -> None:
        with self._lock:
            before = monotonic() - self._seconds
            for key in [key for key, kept in self._kept.items() if kept.used < before]:
                del self._kept[key]
            self._sweeping = bool(self._kept)
            if self._sweeping:
                self._sweep_later()
