"""The kernel on its own: append and projection, rebuild, a call over the broker. `python -m bench kernel`.

PostgreSQL is an embedded one in a temporary folder, with fsync on, unless `--database` names an empty database.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.report import aligned
from chassis.crud import Crud
from chassis.database import Database
from chassis.messages import THE_SYSTEM, Reply, Request
from chassis.operations import command
from chassis.policy import nobody
from chassis.rebuild import rebuild
from chassis.resources import Field, Resource
from chassis.schema import migrate
from chassis.service import Service
from chassis.spec import NoBus, ServiceSpec
from chassis.unit import Unit
from kiroku.postgres import EmbeddedPostgres

BATCH = 500
BATCHES = 20
READS = 5_000
CALLS = 3_000
# As wide as a task, which is what there is most of.
NOTE = Resource(
    kind="note",
    plural="notes",
    type="Note",
    live="note",
    fields=(
        Field("name", required=True, column=True, max=80),
        Field("project_id", "uuid", column=True),
        *(Field(f"number_{number}", "integer", 0) for number in range(8)),
        *(Field(f"text_{number}", default="") for number in range(6)),
        Field("tags", "strings", column=True),
        Field("data", "json"),
    ),
)


@dataclass(frozen=True)
class Figure:
    """One measurement: how many things a second, and the median of one, in milliseconds."""

    what: str
    per_second: float
    p50_ms: float
    goal: str = ""

    def row(self) -> tuple[str, ...]:
        """Return its line of the table."""
        return self.what, f"{self.per_second:,.0f}", f"{self.p50_ms:.2f}", self.goal


@command(allow=nobody)
def create_many(unit: Unit, *, names: list[str]) -> int:
    """Create a note per name in one transaction."""
    for name in names:
        unit.create("note", {"name": name, "tags": ["a", "b"], "data": {"take": 3}})
    return len(names)


@contextmanager
def notes(url: str) -> Iterator[Service]:
    """Lend a service of notes on the empty database at `url`."""
    room = ModuleType("bench.kernel.room")
    create_many.__module__ = room.__name__
    room.create_many = create_many  # type: ignore[attr-defined]
    spec = ServiceSpec("notes", owns=(NOTE,), cruds=(Crud(NOTE, nobody, nobody, nobody, nobody),), rooms=(room,))
    service = Service(spec, Database(url), NoBus())
    try:
        migrate(service)
        yield service
    finally:
        service.database.close()


def timed(what: str, work: Callable[[], Any], times: int, *, threads: int = 1, each: int = 1, goal: str = "") -> Figure:
    """Run `work` `times` times in all from `threads` threads; `each` is how many things one run does."""
    lasted: list[float] = []

    def run(count: int) -> None:
        for _ in range(count):
            began = time.perf_counter()
            work()
            lasted.append(time.perf_counter() - began)

    workers = [threading.Thread(target=run, args=(times // threads,)) for _ in range(threads)]
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    whole = time.perf_counter() - began
    return Figure(what, len(lasted) * each / whole, sorted(lasted)[len(lasted) // 2] * 1000, goal)


def log_figures(service: Service) -> Iterator[Figure]:
    """Measure append, projection, reads and rebuild."""

    def call(operation: str, body: Any = None, **more: Any) -> Reply:
        return service.call(Request(f"notes.{operation}", body=body, actor=THE_SYSTEM, **more))

    def one() -> Reply:
        return call("create_note", {"name": "n", "tags": ["a"]})

    names = [f"note {number}" for number in range(BATCH)]
    call("create_many", {"names": names})
    yield timed("event, one a transaction, 1 client", one, 500)
    yield timed("event, one a transaction, 8 clients", one, 2_000, threads=8)
    batch = timed("event, 500 a transaction", lambda: call("create_many", {"names": names}), BATCHES, each=BATCH)
    yield Figure(batch.what, batch.per_second, batch.p50_ms / BATCH, "≥ 5,000")
    (row,) = service.database.run('SELECT id FROM "note" LIMIT 1')
    path = {"instance_id": str(row[0])}
    with service.database.connection() as connection, connection.cursor() as cursor:
        statement = 'SELECT doc FROM "note" WHERE id = %s'
        yield timed("primary-key read, psycopg2 alone", lambda: cursor.execute(statement, (row[0],)), READS)
    yield timed("read of one document", lambda: call("get_note", path=path), READS)
    began = time.perf_counter()
    count = rebuild(service)
    seconds = time.perf_counter() - began
    yield Figure("event rebuilt", count / seconds, seconds / count * 1000, "≥ 10,000")


def call_figures(url: str) -> Iterator[Figure]:
    """Measure a call over RabbitMQ that is answered with its own 2 KB, as a service answers."""
    from concurrent.futures import ThreadPoolExecutor
    from uuid import uuid4

    from kiroku.distributed.broker import Broker
    from kiroku.distributed.client import RpcClient
    from kiroku.distributed.line import Line

    broker, queue, pool = Broker(url), f"kiroku.rpc.bench-{uuid4().hex[:8]}", ThreadPoolExecutor(8)

    def answer(channel: Any, message: Any) -> None:
        known = message.properties
        more = {"correlation_id": known["correlation_id"], "message_id": "0/1"}
        line.send(channel, "", known["reply_to"], bytes(message.body), **more)
        line.ack(channel, message.delivery_info["delivery_tag"])

    def opened(channel: Any) -> None:
        broker.declare_calls(channel, queue)
        channel.basic_qos(0, 16, False)
        channel.basic_consume(queue, callback=lambda message: pool.submit(answer, channel, message))

    line, client = Line(broker, "bench", opened=opened), RpcClient(broker)
    try:
        if not line.start(10):
            raise SystemExit(f"bench: no broker answers at {url}")
        client.start()
        body = bytes(2_000)
        yield timed("call over the broker, 1 caller", lambda: client.send(queue, body), CALLS)
        yield timed("call over the broker, 16 callers", lambda: client.send(queue, body), CALLS, threads=16)
    finally:
        client.close()
        line.close()
        pool.shutdown()


def main(arguments: Sequence[str]) -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="bench kernel", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--database", default="", help="URL of an empty database; else an embedded PostgreSQL is used")
    parser.add_argument("--amqp-url", default="", help="URL of a RabbitMQ, for the call over the broker")
    options = parser.parse_args(arguments)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="kiroku-bench-") as folder:
        Path(folder).chmod(0o755)  # as root the server runs as another user
        if options.database:
            with notes(options.database) as service:
                figures += log_figures(service)
        else:
            with EmbeddedPostgres(Path(folder)) as server:
                server.create_databases(["notes"])
                with notes(server.url("notes")) as service:
                    figures += log_figures(service)
    if options.amqp_url:
        figures += call_figures(options.amqp_url)
    print(aligned([("what", "a second", "p50 ms", "goal"), *(figure.row() for figure in figures)]))
    return 0
