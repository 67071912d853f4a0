"""CPU and memory of a server's processes: the one that listens, what started it and what it started."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import psutil

# Databases and brokers are counted apart: the design's memory goal is about the application.
OTHERS = ("postgres", "beam.smp", "rabbitmq", "redis-server", "epmd", "erl_child_setup", "ffmpeg")
# Next to nothing: a tenth of one processor for half a second.
QUIET_SECONDS, QUIET_SHARE, SETTLE_SECONDS = 0.5, 0.1, 20.0
SHELLS = ("bash", "sh", "dash", "zsh", "make", "systemd", "init", "tini", "tmux", "screen", "sshd", "docker-init")


@dataclass(frozen=True)
class Usage:
    """CPU in seconds since each process began, by its id; memory in MiB.

    pss shares common pages, rss counts them each time. others_cpu is that of databases and brokers.
    """

    cpu: dict[int, float] = field(default_factory=dict)
    others_cpu: dict[int, float] = field(default_factory=dict)
    rss: float = 0.0
    pss: float = 0.0

    @property
    def processes(self) -> int:
        """Return how many processes the application has."""
        return len(self.cpu)

    def since(self, before: "Usage") -> tuple[float, float]:
        """Return the CPU seconds spent since `before` by the application and by the others that run now."""
        return _difference(self.cpu, before.cpu), _difference(self.others_cpu, before.others_cpu)


def _difference(after: dict[int, float], before: dict[int, float]) -> float:
    return sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items())


def find_pids(url: str) -> list[int]:
    """Return the processes that listen on the port of a local URL, and from there the whole family.

    Going up stops at a shell, at make and at the first process; an empty list when nothing may be seen.
    """
    return family(listening(url))


def listening(url: str, port: int = 80) -> list[int]:
    """Return the processes that listen on the port of a local URL, `port` where it names none."""
    wanted = urlsplit(url).port or port
    try:
        found = {
            sock.pid
            for sock in psutil.net_connections("tcp")
            if sock.status == psutil.CONN_LISTEN and sock.laddr and sock.laddr.port == wanted and sock.pid
        }
    except psutil.AccessDenied:
        return []
    return sorted(found)


def family(pids: Iterable[int]) -> list[int]:
    """Return the topmost relatives of these processes with all that descends from them."""
    found: set[int] = set()
    for pid in pids:
        try:
            top = _topmost(psutil.Process(pid))
            found |= {top.pid, *(child.pid for child in top.children(recursive=True))}
        except psutil.Error:
            continue
    return sorted(found)


def _topmost(process: psutil.Process) -> psutil.Process:
    own = set(psutil.Process().parents()) | {psutil.Process()}
    while True:
        parent = process.parent()
        if parent is None or parent.pid <= 1 or parent in own or parent.name() in SHELLS:
            return process
        process = parent


def usage(pids: Iterable[int], brokers: Iterable[int] = ()) -> Usage:
    """Return what these processes and all that they have started use now; those that are gone count nothing.

    Of `brokers`, which nobody of them has started, the CPU counts.
    """
    cpu, others = dict[int, float](), dict[int, float]()
    rss = pss = 0.0
    for pid in {*family(pids), *brokers}:
        try:
            process = psutil.Process(pid)
            with process.oneshot():
                times = process.cpu_times()
                spent = times.user + times.system
                if process.name().startswith(OTHERS):
                    others[pid] = spent
                    continue
                cpu[pid] = spent
                rss += process.memory_info().rss
                pss += _shared(process)
        except psutil.Error:
            continue
    return Usage(cpu, others, rss / 2**20, pss / 2**20)


def settle(pids: Sequence[int], brokers: Sequence[int] = (), seconds: float = SETTLE_SECONDS) -> bool:
    """Wait until these processes do next to nothing, for so many seconds at most; tell whether they do.

    What was measured before leaves work behind (replicas, rows of lists, vacuum), which is not that of what comes next.
    """
    until = time.monotonic() + seconds
    before = usage(pids, brokers)
    while pids and time.monotonic() < until:
        time.sleep(QUIET_SECONDS)
        now = usage(pids, brokers)
        if sum(now.since(before)) < QUIET_SECONDS * QUIET_SHARE:
            return True
        before = now
    return not pids


def _shared(process: psutil.Process) -> float:
    """Return the proportional memory in bytes, or the resident one where the system keeps the other secret."""
    try:
        full = process.memory_full_info()
    except psutil.Error:
        return float(process.memory_info().rss)
    return float(getattr(full, "pss", 0) or full.rss)
