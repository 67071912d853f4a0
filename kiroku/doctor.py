"""`kiroku doctor`: looks at everything that Kiroku needs, and says what to fix."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from uuid import uuid4

from chassis.database import Database
from chassis.service import Service
from chassis.shapes import is_prepared
from chassis.spec import NoBus
from chassis.storage import open_store
from contracts import OWNERS
from kiroku.distributed.serving import broker_of
from kiroku.embedded import database_urls, storage_of
from kiroku.settings import Settings
from kiroku.system import SERVICES, specs
from services.media.transcoding.ffmpeg import ffmpeg_program

FINE, SO_SO, WRONG = "ok", "warn", "FAIL"
CLOCK_SECONDS = 2.0
BEHIND = 1_000
STATE = """
SELECT head.position, relay.position, (SELECT count(*) FROM log.parked),
       head.shape,
       extract(epoch FROM clock_timestamp())::float8
FROM log.head, log.relay
"""
CHECKPOINTS = "SELECT owner, c.position FROM log.checkpoints c JOIN log.head USING (shape)"


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is, and what to do about it."""

    what: str
    state: str
    says: str
    fix: str = ""

    def line(self) -> str:
        """Return it in one line, the fix on a second one."""
        text = f"{self.state:4s}  {self.what:18s} {self.says}"
        return f"{text}\n      → {self.fix}" if self.fix else text


def check_databases(settings: Settings, stack: ExitStack) -> Iterator[Finding]:
    """Look at the database of each service: reachable, migrated, clock, lag, parked events."""
    if not settings.database_url and not (settings.home / "postgres").exists():
        yield Finding("database", SO_SO, f"none in {settings.home} yet", "`kiroku run` makes it at its first start")
        return
    try:
        urls = database_urls(settings, stack, joining=True)
    except Exception as problem:
        yield Finding("database", WRONG, str(problem), "the embedded PostgreSQL must start: see the log that is named")
        return
    heads: dict[str, int] = {}
    reached: dict[str, dict[str, int]] = {}
    for name in SERVICES:
        database = Database(urls[name], pool_size=2)
        stack.callback(database.close)
        yield from _check_database(settings, name, database, heads, reached)
    for name, positions in reached.items():
        yield _lag(name, positions, heads)


def _check_database(
    settings: Settings, name: str, database: Database, heads: dict[str, int], reached: dict[str, dict[str, int]]
) -> Iterator[Finding]:
    what = f"database {name}"
    try:
        head, relayed, parked, known, clock = database.run(STATE)[0]
        reached[name] = dict(database.run(CHECKPOINTS))
    except Exception as problem:
        text = str(problem).strip().partition("\n")[0]
        missing = "does not exist" in text
        fix = "run `kiroku migrate`" if missing else "start PostgreSQL, or correct KIROKU_DATABASE_URL"
        yield Finding(what, WRONG, text, fix)
        return
    heads[name] = head
    service = Service(specs()[name], database, NoBus())
    if known == service.spec.shape:
        yield Finding(what, FINE, f"at position {head}")
    elif is_prepared(service):
        yield Finding(what, SO_SO, "read models of this release wait", "start its processes: the first one serves them")
    else:
        yield Finding(what, SO_SO, "read models of another version", "run `kiroku migrate`")
    yield _clock(name, clock)
    if parked:
        fix = f"`kiroku parked list {name}` shows why; then `kiroku parked replay {name}`"
        yield Finding(f"parked {name}", WRONG, f"{parked} events whose reaction failed", fix)
    if settings.amqp_url and head - relayed > BEHIND:
        fix = "look for `relay interrupted` in the service's log: the broker is away, full or refuses"
        yield Finding(f"relay {name}", SO_SO, f"{head - relayed} events not yet published", fix)


def _clock(name: str, clock: float) -> Finding:
    off = abs(clock - time.time())
    if off < CLOCK_SECONDS:
        return Finding(f"clock {name}", FINE, f"{off:.2f} s from this machine's")
    fix = "let both machines take their time from NTP: tokens and dates depend on it"
    return Finding(f"clock {name}", WRONG, f"the database's clock is {off:.0f} s away from this machine's", fix)


def _lag(name: str, positions: dict[str, int], heads: dict[str, int]) -> Finding:
    wanted = {OWNERS[resource.kind] for resource in specs()[name].replicates}
    behind = {owner: heads[owner] - positions.get(owner, 0) for owner in sorted(wanted) if owner in heads}
    worst = max(behind.values(), default=0)
    says = ", ".join(f"{owner} {count}" for owner, count in behind.items() if count > 0)
    if worst <= BEHIND:
        return Finding(f"lag {name}", FINE, f"events to come: {says}" if says else "nothing is missing")
    fix = f"is {name} running? If it is, look for `following` in its log; it catches up by itself"
    return Finding(f"lag {name}", SO_SO, f"events to come: {says}", fix)


def check_broker(settings: Settings, stack: ExitStack) -> Iterator[Finding]:
    """Look at RabbitMQ, where one is used."""
    if not settings.amqp_url:
        yield Finding("broker", FINE, "none, as the embedded shape needs none")
        return
    try:
        with broker_of(settings).connect(connect_timeout=5) as connection:
            connection.connect()
            told = connection.connection.server_properties
    except Exception as problem:
        text = f"{type(problem).__name__}: {problem}"
        yield Finding("broker", WRONG, text, "start RabbitMQ, or correct KIROKU_AMQP_URL (amqp://user:password@host/)")
        return
    yield Finding("broker", FINE, f"{told.get('product', '?')} {told.get('version', '')}")


def check_storage(settings: Settings, stack: ExitStack) -> Iterator[Finding]:
    """Store a few bytes, read them back, remove them."""
    url = storage_of(settings)
    key = f"doctor/{uuid4().hex}"
    try:
        store = open_store(url)
        store.put(key, [b"kiroku"])
        whole = b"".join(store.open(key)) == b"kiroku"
        store.delete(key)
    except Exception as problem:
        text = f"{type(problem).__name__}: {problem}"
        yield Finding("storage", WRONG, text, "the folder or bucket of KIROKU_STORAGE_URL must exist and be writable")
        return
    if whole:
        yield Finding("storage", FINE, f"writes and reads ({url.partition('?')[0]})")
    else:
        yield Finding("storage", WRONG, "gives back other bytes than it got", "check the store of KIROKU_STORAGE_URL")
    if url.startswith("file://"):
        yield _space(url.removeprefix("file://"))


def _space(folder: str) -> Finding:
    usage = shutil.disk_usage(folder)
    text = f"{usage.free / 1e9:.1f} GB free in {folder}"
    if usage.free < 0.05 * usage.total:
        return Finding("disk", SO_SO, text, "less than 5 % is free: make room, or move KIROKU_STORAGE_URL")
    return Finding("disk", FINE, text)


def check_ffmpeg(settings: Settings, stack: ExitStack) -> Iterator[Finding]:
    """Ask ffmpeg for its version."""
    try:
        program = ffmpeg_program()
        ran = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=20, check=True)
    except Exception as problem:
        yield Finding("ffmpeg", WRONG, f"{problem}", "install ffmpeg, or the package imageio-ffmpeg")
        return
    yield Finding("ffmpeg", FINE, " ".join(ran.stdout.split()[:3]))


CHECKS: tuple[Callable[[Settings, ExitStack], Iterator[Finding]], ...] = (
    check_broker,
    check_storage,
    check_ffmpeg,
    check_databases,
)


def examine(settings: Settings) -> Iterator[Finding]:
    """Yield what each check finds."""
    with ExitStack() as stack:
        for check in CHECKS:
            yield from check(settings, stack)


def doctor(settings: Settings) -> int:
    """Print all findings; return 1 when something is wrong."""
    worst = 0
    for finding in examine(settings):
        print(finding.line(), flush=True)
        worst += finding.state == WRONG
    print("Everything that Kiroku needs is there." if not worst else f"{worst} things to fix.")
    return 1 if worst else 0
