"""Run a decoder as a child process that cannot take the machine down with it."""

import os
import signal
import subprocess
import tempfile
import threading
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


class Limited:
    """A program that runs with at most `memory` bytes of address space, at low priority; `told` may tell it something.

    Its output goes to temporary files, so a decoder that floods its error stream costs us no memory.
    """

    def __init__(self, arguments: Sequence[str], *, memory: int = 4 * GIB, told: bool = False) -> None:
        """Start it; `told` ones wait at their standard input for what `finish` says."""
        command = ["sh", "-c", _WRAPPER, "sh", str(memory // 1024), *arguments]
        self._output, self._complaints = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115  # see `end`
        stdin = subprocess.PIPE if told else subprocess.DEVNULL
        self._child = subprocess.Popen(
            command, stdin=stdin, stdout=self._output, stderr=self._complaints, start_new_session=True
        )

    @property
    def pid(self) -> int:
        """Return the number of its process."""
        return self._child.pid

    @property
    def is_running(self) -> bool:
        """Tell whether it has not ended."""
        return self._child.poll() is None

    def finish(self, seconds: float, told: bytes | None = None) -> Ended:
        """Wait until it ends, for so long. Raises TimeLimitError after ending it and all its children."""
        late = threading.Event()

        def end() -> None:
            late.set()
            self._kill()

        # With a time limit of its own, `communicate` would look only every 50 ms whether the child has ended.
        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            # One that has ended already says why in what it leaves.
            self._child.communicate(told)
            if late.is_set():
                raise TimeLimitError(f"It took longer than {seconds:g} seconds.")
            return self._ended()
        finally:
            timer.cancel()
            # Also when we are interrupted ourselves: a child must not outlive the one who waits for it.
            self.end()

    def _kill(self) -> None:
        if self.is_running:
            with suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)

    def end(self) -> None:
        """End it and all its children, if it runs, and forget what it said."""
        self._kill()
        self._child.wait()
        for file in (self._child.stdin, self._output, self._complaints):
            if file is not None:
                with suppress(OSError):
                    file.close()

    def _ended(self) -> Ended:
        self._output.seek(0)
        self._complaints.seek(max(0, self._complaints.seek(0, os.SEEK_END) - _TAIL))
        return Ended(
            self._child.returncode,
            self._output.read(_ANSWER).decode("utf-8", "replace"),
            self._complaints.read(_TAIL).decode("utf-8", "replace"),
        )


def run_limited(arguments: Sequence[str], *, seconds: float, memory: int = 4 * GIB) -> Ended:
    """Run a program within `seconds` of wall clock and `memory` bytes. Raises TimeLimitError after ending it."""
    return Limited(arguments, memory=memory).finish(seconds)
