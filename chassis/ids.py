"""Ids: random UUIDs (version 4) as text."""

import os
import re
import threading

PORTION = 16 * 256
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class _Random(threading.local):
    """Random bytes of one thread; asking the system for them costs more than anything else about an id."""

    def __init__(self) -> None:
        self.left = bytearray()

    def take(self) -> bytearray:
        """Return 16 bytes that nobody else gets."""
        if not self.left:
            self.left = bytearray(os.urandom(PORTION))
        taken = self.left[-16:]
        del self.left[-16:]
        return taken


_random = _Random()


def _forget() -> None:
    # A forked process would hand out the same bytes as its parent.
    global _random  # noqa: PLW0603
    _random = _Random()


os.register_at_fork(after_in_child=_forget)


def new_id() -> str:
    """Return a new id, such as `3f0c7a52-9f0e-4c1b-8d2a-6b8c1e7a9d10`."""
    taken = _random.take()
    taken[6] = taken[6] & 0x0F | 0x40
    taken[8] = taken[8] & 0x3F | 0x80
    text = taken.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def is_id(text: str) -> bool:
    """Tell whether `text` is an id, and written as ids are here."""
    return _ID.fullmatch(text) is not None
