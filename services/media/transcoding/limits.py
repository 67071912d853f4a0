"""Run a decoder as a child process that cannot take the machine down with it."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

GIB = 1 << 30
_TAIL = 16 * 1024
_ANSWER = 8 * 1024 * 1024
# The shell sets the limits and then becomes the program. A preexec_fn could deadlock in a process with threads.
# Where a limit cannot be set (macOS knows no address space limit) the others still hold.
_WRAPPER = 'ulimit -c 0; ulimit -v "$1" 2>/dev/null; shift; exec nice -n 10 "$@"'


class TimeLimitError(Exception):
    """The child was ended because its time was over."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended: its exit code, what it printed (at most 8 MiB), and the end of what it complained of."""

    code: int
    output: str
    complaints: str


def run_limited(arguments: Sequence[str], *, seconds: float, memory: int = 4 * GIB) -> Ended:
    """Run a program with at most `seconds` of wall clock and `memory` bytes of address space, at low priority.

    Its output goes to temporary files, so a decoder that floods its error stream costs us no memory.
    Raises TimeLimitError after ending it and all its children.
    """
    command = ["sh", "-c", _WRAPPER, "sh", str(memory // 1024), *arguments]
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as complaints:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=complaints, start_new_session=True
        )
        try:
            code = child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TimeLimitError(f"It took longer than {seconds:g} seconds.") from None
        finally:
            # Also when we are interrupted ourselves: a child must not outlive the one who waits for it.
            if child.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        output.seek(0)
        complaints.seek(max(0, complaints.seek(0, os.SEEK_END) - _TAIL))
        return Ended(
            code,
            output.read(_ANSWER).decode("utf-8", "replace"),
            complaints.read(_TAIL).decode("utf-8", "replace"),
        )
