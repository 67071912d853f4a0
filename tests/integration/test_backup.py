"""A backup is made while people work, and restored it is what was there."""

import io
import json
import os
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from kiroku.system import SERVICES
from tests.support import pictures
from tests.support.server import RunningServer, free_port, running_server
from tests.support.studio import Client
from tests.support.tables import Databases


def kiroku(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    told = {"KIROKU_HOME": str(home), "KIROKU_ADMIN_PASSWORD": "mysecretpassword"}
    command = [sys.executable, "-m", "kiroku.cli", *arguments]
    return subprocess.run(command, env={**os.environ, **told}, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture(scope="module")
def house() -> Iterator[RunningServer]:
    """A server of its own, with a production, and a picture for the organisation."""
    with running_server() as server:
        admin = Client(server)
        project = admin.ask("POST", "data/projects", {"name": "Film"})["id"]
        sheet = "".join(f"SQ01,SH{number:03},todo\n" for number in range(50))
        content = f"Sequence,Name,Animation\n{sheet}".encode()
        assert admin.upload(f"import/csv/projects/{project}/shots", content).ok
        organisation = admin.ask("GET", "data/organisations")[0]["id"]
        photograph = pictures.photograph_file().read_bytes()
        path = f"pictures/thumbnails/organisations/{organisation}"
        assert admin.upload(path, photograph, name=f"logo{pictures.photograph_file().suffix}").ok
        yield server


@pytest.fixture(scope="module")
def archive(house: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("backup") / "studio.tar"
    made = kiroku(house.home, "backup", str(target))
    assert made.returncode == 0, made.stderr
    return target


def objects_of(home: Path) -> dict[str, bytes]:
    root = home / "media"
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not {".incoming", "incoming"} & set(path.parts)
    }


@contextmanager
def open_house(home: Path) -> Iterator[RunningServer]:
    server = RunningServer(f"http://127.0.0.1:{free_port()}", home)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def test_a_restored_house_has_the_same_rows_and_bytes_and_works_on(
    house: RunningServer, archive: Path, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    here = Databases(house)
    here.settle()
    before = {name: here.hashes(name) for name in SERVICES}
    restored = kiroku(tmp_path, "restore", str(archive))
    assert restored.returncode == 0, restored.stderr
    assert "restored" in restored.stdout
    assert objects_of(tmp_path) == objects_of(house.home)
    assert objects_of(tmp_path)
    with open_house(tmp_path) as server:
        there = Databases(server)
        there.settle()
        assert {name: there.hashes(name) for name in SERVICES} == before
        admin = Client(server)
        [project] = [each for each in admin.ask("GET", "data/projects/open") if each["name"] == "Film"]
        assert len(admin.ask("GET", f"data/shots/with-tasks?project_id={project['id']}")) == 50
        admin.ask("POST", "data/projects", {"name": "After the fire"})
        there.settle()
        assert [there.gaps(name) for name in SERVICES] == [0] * len(SERVICES)


def test_a_backup_taken_while_people_write_knows_of_no_event_that_its_owner_lacks(
    house: RunningServer, tmp_path: Path
) -> None:
    admin, stop = Client(house), threading.Event()

    def write() -> None:
        while not stop.is_set():
            admin.ask("POST", "data/projects", {"name": f"Film {uuid4().hex}"})

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            target = tmp_path / f"{number}.tar"
            made = kiroku(house.home, "backup", str(target), "--without-media")
            assert made.returncode == 0, made.stderr
            told = contents(target)
            heads = {name: service["position"] for name, service in told["manifest.json"]["services"].items()}
            for name in SERVICES:
                for line in told[f"log/{name}.checkpoints"].splitlines():
                    owner, position, reacted, _ = line.split("\t")
                    assert max(int(position), int(reacted)) <= heads[owner]
    finally:
        stop.set()
        writer.join()


def contents(archive: Path) -> dict[str, Any]:
    with tarfile.open(archive) as opened:
        found: dict[str, Any] = {}
        for entry in opened:
            file = opened.extractfile(entry)
            assert file is not None
            text = file.read()
            found[entry.name] = json.loads(text) if entry.name.endswith(".json") else text.decode("utf-8", "replace")
        return found


def test_the_archive_is_for_its_owners_eyes_only(archive: Path) -> None:
    assert archive.stat().st_mode & 0o777 == 0o600


def test_nothing_is_restored_over_a_house_that_is_in_use(house: RunningServer, archive: Path) -> None:
    refused = kiroku(house.home, "restore", str(archive))
    assert refused.returncode == 2
    assert refused.stderr.startswith("kiroku: another Kiroku runs in KIROKU_HOME")


def test_nothing_is_restored_over_a_log(archive: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert kiroku(tmp_path, "restore", str(archive)).returncode == 0
    refused = kiroku(tmp_path, "restore", str(archive))
    assert refused.returncode == 1
    assert refused.stderr.startswith("kiroku: nothing was restored: There is a log here already")


def rewritten(archive: Path, target: Path, change: Any) -> Path:
    """Copy an archive with `change(name, bytes)` applied to each file; None leaves one out."""
    with tarfile.open(archive) as source, tarfile.open(target, "w") as copy:
        for entry in source:
            file = source.extractfile(entry)
            assert file is not None
            content = change(entry.name, file.read())
            if content is not None:
                entry.size = len(content)
                copy.addfile(entry, io.BytesIO(content))
    return target


def damaged(name: str, content: bytes) -> bytes:
    return content[:-1] + b"?" if name.startswith("media/") else content


def poorer(name: str, content: bytes) -> bytes | None:
    return None if name == "log/tasks.events" else content


def newer(name: str, content: bytes) -> bytes:
    if name != "manifest.json":
        return content
    return json.dumps({**json.loads(content), "format": 99}).encode()


@pytest.mark.parametrize(
    ("change", "said"),
    [(damaged, "media are damaged"), (poorer, "no whole archive"), (newer, "newer Kiroku"), (None, "no whole archive")],
    ids=["damaged", "a log missing", "newer", "cut off"],
)
def test_a_wrong_archive_is_refused_and_leaves_an_empty_house(
    archive: Path, tmp_path: Path, change: Any, said: str
) -> None:
    tmp_path.chmod(0o755)
    wrong = tmp_path / "wrong.tar"
    if change is None:
        wrong.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    else:
        rewritten(archive, wrong, change)
    home = tmp_path / "home"
    refused = kiroku(home, "restore", str(wrong))
    assert (refused.returncode, said in refused.stderr) == (1, True), refused.stderr
    assert objects_of(home) == {}
    whole = kiroku(home, "restore", str(archive))
    assert whole.returncode == 0, whole.stderr
