"""`kiroku restore <file>`: an archive of `kiroku backup` into an empty home or empty databases."""

import hashlib
import json
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from tqdm import tqdm

from chassis.log_copy import MIGRATIONS, BackupError, is_empty, loading, read
from chassis.storage import CHUNK, ObjectStore, checked_key, open_store
from kiroku.backup import END, FORMAT, LOGS, MANIFEST, MEDIA
from kiroku.embedded import database_urls, storage_of
from kiroku.settings import Settings
from kiroku.system import SERVICES, System

NEWER = "The archive was made by a newer Kiroku: restore it with that one."
NO_ARCHIVE = "This is no whole archive of `kiroku backup`: use another one."
NOT_EMPTY = "There is a log here already: restore into an empty KIROKU_HOME or empty databases."


def restore(settings: Settings, source: Path) -> int:
    """Restore everything and make the read models; return the exit status.

    The archive is checked before a log is touched. When it turns out to be damaged, the objects that were written go
    again, and the databases are still empty.
    """
    try:
        with ExitStack() as stack:
            urls = database_urls(settings, stack)
            if not all(map(is_empty, urls.values())):
                raise BackupError(NOT_EMPTY)
            store = open_store(storage_of(settings))
            store.prepare()
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kiroku-restore-")))
            manifest = _unpack(source, folder, store)
            for name in SERVICES:
                _load(urls[name], name, manifest["services"][name], folder)
            print("making the read models", flush=True)
            system = System(urls, {})
            system.migrate()
            system.stop()
    except (BackupError, OSError) as problem:
        print(f"kiroku: nothing was restored: {problem}", file=sys.stderr)
        return 1
    events = sum(each["position"] for each in manifest["services"].values())
    print(f"restored {events} events and {manifest['objects']} objects of {manifest['made_at']}")
    return 0


def _unpack(source: Path, folder: Path, store: ObjectStore) -> dict[str, Any]:
    """Put the objects into the store and the logs into `folder`; return the manifest. Raises BackupError."""
    reading = _Reading(folder, store)
    try:
        with tarfile.open(source, "r|") as archive:
            for entry in tqdm(archive, unit=" files", disable=None):
                file = archive.extractfile(entry)
                if file is not None:
                    reading.take(entry.name, file)
        reading.check()
    except BaseException as problem:
        for key in reading.written:
            store.delete(key)
        if isinstance(problem, tarfile.TarError | EOFError | ValueError | KeyError | TypeError):
            raise BackupError(NO_ARCHIVE) from None
        raise
    return {**reading.manifest, "objects": len(reading.written)}


class _Reading:
    """What an archive has given so far."""

    def __init__(self, folder: Path, store: ObjectStore) -> None:
        self.manifest: dict[str, Any] = {}
        self.written: list[str] = []
        self._end: dict[str, Any] = {}
        self._folder, self._store = folder, store
        self._digest = hashlib.sha256()

    def take(self, name: str, file: IO[bytes]) -> None:
        """Take one file of the archive."""
        if name == MANIFEST:
            self.manifest = _checked(json.loads(file.read()))
        elif name == END:
            self._end = json.loads(file.read())
        elif name.startswith(LOGS):
            with (self._folder / Path(name).name).open("wb") as copy:
                shutil.copyfileobj(file, copy)
        elif name.startswith(MEDIA):
            key = checked_key(name.removeprefix(MEDIA))
            self.written.append(key)
            self._digest.update(key.encode())
            self._store.put(key, self._pieces(file))

    def _pieces(self, file: IO[bytes]) -> Iterator[bytes]:
        while piece := file.read(CHUNK):
            self._digest.update(piece)
            yield piece

    def check(self) -> None:
        """Raise BackupError unless all is there and as it was."""
        if not self.manifest or self._end.get("objects") != len(self.written):
            raise BackupError(NO_ARCHIVE)
        if self._end["sha256"] != self._digest.hexdigest():
            raise BackupError("The media are damaged in the archive: use another one.")
        _check_logs(self.manifest, self._folder)


def _checked(manifest: dict[str, Any]) -> dict[str, Any]:
    if manifest["format"] > FORMAT or any(
        set(each["migrations"]) - set(MIGRATIONS) for each in manifest["services"].values()
    ):
        raise BackupError(NEWER)
    if set(SERVICES) - set(manifest["services"]):
        raise BackupError(NO_ARCHIVE)
    return manifest


def _check_logs(manifest: dict[str, Any], folder: Path) -> None:
    for name, service in manifest["services"].items():
        for table, told in service["tables"].items():
            path = folder / f"{name}.{table}"
            if not path.exists():
                raise BackupError(NO_ARCHIVE)
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != told["sha256"]:
                    raise BackupError(f"The table {table} of {name} is damaged in the archive: use another one.")


def _load(url: str, name: str, service: dict[str, Any], folder: Path) -> None:
    with loading(url, service["migrations"]) as cursor:
        for table, told in service["tables"].items():
            with (folder / f"{name}.{table}").open("rb") as file:
                if read(cursor, table, told["columns"], file) != told["rows"]:
                    raise BackupError(f"The table {table} of {name} is not whole in the archive: use another one.")
