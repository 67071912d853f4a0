"""Sliding windows of moments, kept in SQLite: in memory for one process, in a file for several on one machine."""

import sqlite3
import threading
import time
from contextlib import suppress
from pathlib import Path

WINDOW_SECONDS = 60.0
PATIENCE_SECONDS = 10.0
TABLE = """
CREATE TABLE IF NOT EXISTS tries (key TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS tries_by_key ON tries (key, at);
CREATE INDEX IF NOT EXISTS tries_by_time ON tries (at);
"""


class Tries:
    """Counts what was tried within the last minute, by key. Safe between threads, and between processes with a file."""

    def __init__(self, path: Path | None = None) -> None:
        """Keep them in the file `path`, or in memory. Opened by the first try, after any fork."""
        self._path = path
        self._lock = threading.Lock()
        self._open: sqlite3.Connection | None = None

    def clear(self) -> None:
        """Begin anew: remove the file. For a server that starts, before its processes do."""
        if self._path is not None:
            for end in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + end).unlink(missing_ok=True)

    def seconds_left(self, key: str, most: int) -> int:
        """Return 0 while fewer than `most` were noted within a minute, else the seconds until that is so again."""
        with self._lock:
            return self._seconds_left(key, most, time.time())

    def hit(self, key: str, most: int) -> int:
        """Note a try and return 0, or return the seconds to wait when there were `most` within a minute."""
        now = time.time()
        with self._lock:
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                left = self._seconds_left(key, most, now)
                if not left:
                    connection.execute("DELETE FROM tries WHERE at <= ?", (now - WINDOW_SECONDS,))
                    connection.execute("INSERT INTO tries VALUES (?, ?)", (key, now))
            finally:
                connection.execute("COMMIT")
            return left

    def _seconds_left(self, key: str, most: int, now: float) -> int:
        rows = self._connection().execute(
            "SELECT at FROM tries WHERE key = ? AND at > ? ORDER BY at DESC LIMIT 1 OFFSET ?",
            (key, now - WINDOW_SECONDS, most - 1),
        )
        found = rows.fetchone()
        return int(found[0] + WINDOW_SECONDS - now) + 1 if found else 0

    def _connection(self) -> sqlite3.Connection:
        if self._open is None:
            place = ":memory:" if self._path is None else str(self._path)
            opened = sqlite3.connect(place, timeout=PATIENCE_SECONDS, isolation_level=None, check_same_thread=False)
            # Tries need not outlive the machine, only be seen by every process at once.
            opened.execute("PRAGMA synchronous = OFF")
            with suppress(sqlite3.OperationalError):
                opened.execute("PRAGMA journal_mode = WAL")
            opened.executescript(TABLE)
            self._open = opened
        return self._open
