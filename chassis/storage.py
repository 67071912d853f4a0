"""Object store: streamed bytes under short keys, in a folder or in an S3 bucket.

Every service and the gateway see the same `ObjectStore`. Objects are replaced as a whole, never changed in place, so a
reader sees either the old bytes or the new ones.
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import BinaryIO, NamedTuple, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import uuid4

CHUNK = 256 * 1024
_SEGMENT = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
_KEY = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
_INCOMING = ".incoming"


class InvalidKeyError(ValueError):
    """The key could leave its folder or holds characters that not every store knows."""


class UnknownObjectError(LookupError):
    """No object has this key."""


class Stat(NamedTuple):
    """What a store knows of an object: its length in bytes, and when it was stored, in UTC."""

    size: int
    modified: datetime


class ObjectStore(Protocol):
    """Bytes under keys; what the gateway and the services may ask of a store."""

    def put(self, key: str, chunks: Iterable[bytes] | BinaryIO) -> int:
        """Store a stream under `key`, replacing what was there, and return its length in bytes. All or nothing."""

    def open(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Return the bytes from `start` up to, not including, `end`, in chunks. Raises UnknownObjectError at once."""

    def stat(self, key: str) -> Stat:
        """Return length and time of an object. Raises UnknownObjectError."""

    def exists(self, key: str) -> bool:
        """Tell whether an object has this key."""

    def delete(self, key: str) -> None:
        """Remove the object; a missing one is fine."""

    def copy(self, source: str, target: str) -> None:
        """Store the bytes of `source` under `target` too. Raises UnknownObjectError."""

    def local_path(self, key: str) -> AbstractContextManager[Path]:
        """Lend the object as a file, to be read and not written, until the block ends. Raises UnknownObjectError."""

    def local_file(self, key: str) -> Path | None:
        """Return the file behind `key` where the store is a folder and holds it, for sendfile; else None."""

    def list_keys(self) -> Iterator[str]:
        """Yield the keys of all objects but those that are being written, in no order."""

    def prepare(self) -> None:
        """Make the folder or bucket if it is missing. Raises what keeps the store from being used."""

    def url(self, key: str, seconds: int = 3600) -> str | None:
        """Return an address that serves the object for `seconds` without us, where the store can; else None."""


def media_key(bucket: str, prefix: str, object_id: str) -> str:
    """Return the key of a media file: `<bucket>/<prefix>/<id[0:3]>/<id[3:6]>/<id>`.

    A prefix with a hyphen is cut at the first one and the rest leads the id, so that `thumbnails-square` and
    `thumbnails` of one preview stay apart: `pictures/thumbnails/squ/are/square-<id>`. This is the layout of an existing
    Kitsu folder, which can therefore be served in place.
    """
    head, _, rest = f"{prefix}-{object_id}".partition("-")
    return checked_key(f"{bucket}/{head}/{rest[:3]}/{rest[3:6]}/{rest}")


def checked_key(key: str) -> str:
    """Return `key` if it is safe in every store; else raise InvalidKeyError."""
    if len(key) > 512 or not _KEY.fullmatch(key):
        raise InvalidKeyError(f"Not a storage key: {key[:80]!r}")
    return key


def open_store(url: str, *, durable: bool = True) -> ObjectStore:
    """Return the store at `file:///folder` or `s3://bucket/prefix?endpoint=…&region=…&presign=yes`.

    `durable` flushes files to the disk before they count as stored (folders only; tests switch it off).
    Credentials of S3 come from where boto3 looks for them: environment, profile, instance role.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path.startswith("/") and parts.netloc in ("", "localhost"):
        return FolderStore(Path(unquote(parts.path)), durable=durable)
    if parts.scheme == "s3" and parts.netloc:
        # boto3 is an optional dependency: whoever stores in a folder needs neither it nor its 80 MB of descriptions.
        from chassis.storage_s3 import open_bucket

        return open_bucket(parts.netloc, parts.path.strip("/"), dict(parse_qsl(parts.query)))
    raise ValueError(f"Not a store: {parts.scheme or url[:20]!r}. Use file:///folder or s3://bucket/prefix.")


def pieces_of(chunks: Iterable[bytes] | BinaryIO) -> Iterator[bytes]:
    """Yield a stream piece by piece, whether it is a file or an iterable."""
    read = getattr(chunks, "read", None)
    if read is None:
        yield from chunks
        return
    while piece := read(CHUNK):
        yield piece


class FolderStore:
    """Objects as files below one folder; plain files, because the gateway hands them to sendfile."""

    def __init__(self, root: Path, *, durable: bool = True) -> None:
        """Use the folder `root`, which is made when missing."""
        self.root = root
        self._durable = durable
        # One folder for what is being written: on the same disk, so a rename is atomic, and easy to sweep.
        self._incoming = root / _INCOMING
        self._incoming.mkdir(parents=True, exist_ok=True)

    def _path(self, key: str) -> Path:
        return self.root / checked_key(key)

    def _publish(self, part: Path, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.replace(path)
        if self._durable:
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _stat(self, key: str) -> os.stat_result:
        try:
            return self._path(key).stat()
        except (FileNotFoundError, NotADirectoryError):
            raise UnknownObjectError(key) from None

    def put(self, key: str, chunks: Iterable[bytes] | BinaryIO) -> int:
        """Write beside, then rename; a failing stream leaves the old object and no rest."""
        path = self._path(key)
        part = self._incoming / uuid4().hex
        try:
            with part.open("xb") as file:
                for piece in pieces_of(chunks):
                    file.write(piece)
                file.flush()
                if self._durable:
                    os.fsync(file.fileno())
                size = file.tell()
            self._publish(part, path)
        finally:
            part.unlink(missing_ok=True)
        return size

    def open(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Read the file from `start` to `end`; see ObjectStore."""
        try:
            file = self._path(key).open("rb")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise UnknownObjectError(key) from None
        return _range_of(file, start, end)

    def stat(self, key: str) -> Stat:
        """Return length and modification time of the file."""
        found = self._stat(key)
        return Stat(found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def exists(self, key: str) -> bool:
        """Tell whether the file exists."""
        return self._path(key).is_file()

    def delete(self, key: str) -> None:
        """Unlink the file. Folders stay: removing them would race with a writer that has just made them."""
        with suppress(FileNotFoundError, NotADirectoryError):
            self._path(key).unlink()

    def copy(self, source: str, target: str) -> None:
        """Link where the disk can, as objects never change in place; else copy."""
        path, part = self._path(target), self._incoming / uuid4().hex
        self._stat(source)
        try:
            part.hardlink_to(self._path(source))
        except OSError:
            self.put(target, self.open(source))
            return
        try:
            self._publish(part, path)
        finally:
            # Renaming one link over another of the same file does nothing and keeps both.
            part.unlink(missing_ok=True)

    @contextmanager
    def local_path(self, key: str) -> Iterator[Path]:
        """Lend the file itself."""
        self._stat(key)
        yield self._path(key)

    def local_file(self, key: str) -> Path | None:
        """Return the file itself, or None when it is missing."""
        path = self._path(key)
        return path if path.is_file() else None

    def list_keys(self) -> Iterator[str]:
        """Walk the folder."""
        for path in self.root.rglob("*"):
            if path.is_file() and self._incoming not in path.parents:
                yield path.relative_to(self.root).as_posix()

    def prepare(self) -> None:
        """Do nothing: the folder was made when the store was opened."""

    def url(self, key: str, seconds: int = 3600) -> str | None:
        """Return None: a folder has no address."""
        return None

    def sweep(self, age: float = 86_400) -> int:
        """Remove what killed writers left `age` seconds ago or earlier, and return how many files that were."""
        old = [part for part in self._incoming.iterdir() if part.stat().st_mtime <= time() - age]
        for part in old:
            part.unlink(missing_ok=True)
        return len(old)


def _range_of(file: BinaryIO, start: int, end: int | None) -> Iterator[bytes]:
    with file:
        file.seek(start)
        left = end - start if end is not None else None
        while left is None or left > 0:
            piece = file.read(CHUNK if left is None else min(CHUNK, left))
            if not piece:
                return
            left = left - len(piece) if left is not None else None
            yield piece
