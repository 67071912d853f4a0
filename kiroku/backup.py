"""`kiroku backup <file>`: the logs of all services at one moment, and the media, in one tar archive."""

import hashlib
import io
import json
import os
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tqdm import tqdm

from chassis.log_copy import BackupError, Snapshot, snapshots
from chassis.storage import ObjectStore, UnknownObjectError, open_store
from kiroku.embedded import database_urls, storage_of
from kiroku.settings import Settings

FORMAT = 1
MANIFEST, END = "manifest.json", "end.json"
LOGS, MEDIA = "log/", "media/"
# What clients are sending at this moment; it belongs to nobody yet.
UNFINISHED = "incoming/"


def back_up(settings: Settings, target: Path, *, media: bool = True) -> int:
    """Write the archive `target` while the system runs; return the exit status. Nothing is left of a failed one.

    First the logs, each in a snapshot of the same moment, then the objects: these never change, so whatever a log
    refers to is there afterwards.
    """
    part = target.with_name(f".{target.name}.part")
    try:
        with ExitStack() as stack:
            urls = database_urls(settings, stack, joining=True)
            file = stack.enter_context(os.fdopen(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb"))
            with tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT) as archive:
                manifest = _write_logs(archive, urls)
                end = _write_media(archive, open_store(storage_of(settings)) if media else None)
                _add(archive, END, json.dumps(end).encode())
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except (BackupError, OSError) as problem:
        print(f"kiroku: no backup was made: {problem}", file=sys.stderr)
        return 1
    finally:
        part.unlink(missing_ok=True)
    events = sum(each["position"] for each in manifest["services"].values())
    print(f"{target}: {events} events, {end['objects']} objects, {target.stat().st_size / 1e6:.1f} MB")
    return 0


def _write_logs(archive: tarfile.TarFile, urls: dict[str, str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="kiroku-backup-") as folder, snapshots(urls) as found:
        services = {name: _dump(name, snapshot, Path(folder)) for name, snapshot in found.items()}
        manifest = {"format": FORMAT, "made_at": datetime.now(UTC).isoformat(), "services": services}
        _add(archive, MANIFEST, json.dumps(manifest, indent=1).encode())
        for path in sorted(Path(folder).iterdir()):
            archive.add(path, LOGS + path.name)
    return manifest


def _dump(name: str, snapshot: Snapshot, folder: Path) -> dict[str, Any]:
    tables = {}
    for table, columns in snapshot.tables().items():
        path = folder / f"{name}.{table}"
        with path.open("wb") as file:
            rows = snapshot.write(table, columns, file)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        tables[table] = {"columns": columns, "rows": rows, "sha256": digest}
    return {"position": snapshot.position, "migrations": snapshot.migrations(), "tables": tables}


def _write_media(archive: tarfile.TarFile, store: ObjectStore | None) -> dict[str, Any]:
    """Write all objects and return {objects, bytes, sha256}, the last over all names and contents in their order."""
    count = total = 0
    digest = hashlib.sha256()
    with tqdm(unit=" objects", disable=None) as bar:
        for key in store.list_keys() if store else ():
            if key.startswith(UNFINISHED) or store is None:
                continue
            try:
                size, pieces = store.stat(key).size, store.open(key)
            except UnknownObjectError:  # deleted since it was listed
                continue
            digest.update(key.encode())
            _add(archive, MEDIA + key, Summed(pieces, digest), size)
            count, total = count + 1, total + size
            bar.update()
    return {"objects": count, "bytes": total, "sha256": digest.hexdigest()}


class Summed(io.RawIOBase):
    """Pieces of an object as a file; what is read goes into `digest` too."""

    def __init__(self, pieces: Iterator[bytes], digest: Any) -> None:
        """Read `pieces`."""
        self._pieces, self._digest, self._rest = pieces, digest, b""

    def read(self, size: int = -1) -> bytes:
        """Return `size` bytes, fewer only at the end."""
        while (size < 0 or len(self._rest) < size) and (piece := next(self._pieces, None)) is not None:
            self._rest += piece
        data, self._rest = (self._rest[:size], self._rest[size:]) if size >= 0 else (self._rest, b"")
        self._digest.update(data)
        return data


def _add(archive: tarfile.TarFile, name: str, content: bytes | Summed, size: int | None = None) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content) if isinstance(content, bytes) else size or 0
    archive.addfile(entry, io.BytesIO(content) if isinstance(content, bytes) else content)
