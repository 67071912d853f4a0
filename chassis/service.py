"""A running service: the host-independent call of its operations."""

import hashlib
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any

import orjson
from psycopg2 import DatabaseError, Error, InterfaceError, OperationalError, errors

from chassis import sql
from chassis.answers import Keeper, key_of
from chassis.at_once import NotAtOnce, note_light, pausable, waits
from chassis.changes import Change
from chassis.database import Database
from chassis.errors import DomainError, Forbidden, NotFound, Refused, Superseded, Unavailable, UnknownParent
from chassis.events import Event, public
from chassis.finished import Finished
from chassis.log import head_position, read_feed
from chassis.marks import Marks, Reads, Watch
from chassis.messages import SYSTEM, Reply, Request
from chassis.observed import Observed
from chassis.operations import Operation
from chassis.replicas import NoReplicas, Replicas
from chassis.resources import Record
from chassis.spec import Bus, ServiceSpec
from chassis.unit import Unit
from chassis.weights import Weights, stopwatch

logger = logging.getLogger(__name__)
TRIES = 8
UNIQUE_TEXT = "A record with the same unique values already exists."
CLASHES = (errors.DeadlockDetected, errors.SerializationFailure)


class Service:
    """A running service: a spec on a database. Thread-safe; knows nothing of the shape it runs in."""

    def __init__(
        self, spec: ServiceSpec, database: Database, bus: Bus, settings: Mapping[str, Any] | None = None
    ) -> None:
        """Serve `spec` from `database`; `bus` reaches the other services."""
        self.spec = spec
        self.name = spec.name
        self.database = database
        database.schemas = f"{spec.read},{spec.replica},log,public"
        self.bus = bus
        self.settings = settings or {}
        self.owned = {r.kind: r for r in spec.owns}
        self.resources = {**{r.kind: r for r in spec.replicates}, **self.owned}
        self.operations = spec.operations()
        self.on_commit: list[Callable[[int, list[Change]], None]] = []
        # Of records that are followed, too.
        self.on_change: list[Callable[[], None]] = []
        self.replicas: Replicas = NoReplicas()
        self.marks: Marks | None = None
        self.answers: Keeper | None = None
        self.superseded = threading.Event()
        self.memory: dict[Any, Any] = {}
        self.finished = Finished()
        # What each operation has read the last time: it will probably read the same kinds.
        self._read: dict[str, Reads] = {}
        self._weights = Weights()

    def call(self, request: Request) -> Reply:
        """Run the operation that `request` names. Raises DomainError for what a caller can mend."""
        operation = self.operations.get(request.operation.partition(".")[2])
        if operation is None:
            raise DomainError(f"Unknown operation {request.operation}.", code="operation.unknown")
        with Observed(self.name, operation.name, request) as observed:
            observed.reply = self._met(operation, request)
            return observed.reply

    def _met(self, operation: Operation, request: Request) -> Reply:
        """Run an operation on replicas that have what the request needs."""
        if request.needs:
            self.replicas.meet(request.needs)
        answers = self.answers
        key = key_of(operation, request) if answers else None
        if answers is None or key is None:
            waits()
            return self._shown(operation, request, lambda: Reads(self.resources.__contains__))[0]
        kept = answers.find(key)
        if kept is not None:
            return kept
        if pausable() is None or self._weights.heavy(operation.name):
            waits()
        was_quick = stopwatch() if answers.gives else None
        reply, watch = self._shown(operation, request, lambda: answers.watch(request))
        if was_quick is not None and self._weights.weigh(operation.name, reply, quick=was_quick()):
            note_light()
        if isinstance(watch, Watch):
            answers.keep(key, watch, reply)
        return reply

    def _shown(
        self, operation: Operation, request: Request, watches: Callable[[], Reads | None]
    ) -> tuple[Reply, Reads | None]:
        """Run an operation, and a query again if what it read had changed elsewhere before, and was not known here yet.

        Returns what was read, too, as one of `watches` has seen it.
        """
        # Other services say what they need.
        behind = self.replicas.behind(request.news) if request.actor.role != SYSTEM else {}
        before = self._read.get(operation.name)
        at_first = [o for o, kinds in behind.items() if operation.writes or (before and any(map(before.touch, kinds)))]
        if at_first:
            self.replicas.keep_up(at_first)
            behind = {owner: kinds for owner, kinds in behind.items() if owner not in at_first}
        watch: Reads | None = watches()
        reads = watch or Reads(self.resources.__contains__)
        reply = self._known(operation, request, reads)
        self._read[operation.name] = reads
        late = [owner for owner, kinds in behind.items() if any(map(reads.touch, kinds))]
        if not late:
            return reply, watch
        self.replicas.keep_up(late)
        watch = watches()
        return self._known(operation, request, watch), watch

    def _known(self, operation: Operation, request: Request, watch: Reads | None = None) -> Reply:
        """Run an operation, and once more if replicas have learned meanwhile what it did not find."""
        since = self.replicas.reached()
        try:
            return self._tried(operation, request, watch)
        except (NotFound, Forbidden, UnknownParent):
            # What is unknown or closed here may just be on its way from its owner.
            if not self.replicas.look_again(since):
                raise
        return self._tried(operation, request, watch)

    def _tried(self, operation: Operation, request: Request, watch: Reads | None) -> Reply:
        for attempt in range(TRIES):
            try:
                return self._run(operation, request, watch)
            except CLASHES:
                continue
            except errors.UniqueViolation as clash:
                if clash.diag.constraint_name != "events_stream":
                    raise Refused(UNIQUE_TEXT) from None
            except (DatabaseError, InterfaceError) as problem:
                if not _is_lost(problem):
                    self._explain(problem)
                    raise
                self._lost(operation, attempt, problem)
        raise Unavailable("Too many writers at once: try again.")

    def _explain(self, problem: Exception) -> None:
        """Raise Superseded when the tables that are missing are those of another release."""
        if isinstance(problem, errors.UndefinedTable) and self.is_superseded():
            raise Superseded from None

    def _lost(self, operation: Operation, attempt: int, problem: Exception) -> None:
        """Drop dead connections. Only reads are tried again: a COMMIT without an answer may have happened."""
        logger.warning("%s: database connection lost: %s", self.name, type(problem).__name__)
        self.database.close()
        if operation.writes or attempt:
            raise Unavailable("The database is restarting: try again.") from problem

    def _run(self, operation: Operation, request: Request, watch: Reads | None) -> Reply:
        with self.database.connection() if operation.writes else self.database.reading() as connection:
            unit = Unit(self, request, connection, writes=operation.writes, watch=watch)
            digest = ""
            if operation.writes and request.idempotency_key:
                digest = _digest(request)
                answered = self._answered(unit, digest)
                if answered is not None:
                    return answered
            path = operation.positional(request)
            operation.allow(unit, request.path)
            try:
                result = operation.run(unit, *path, **operation.keywords(request))
                reply = self._reply(unit, operation, result)
                if operation.writes:
                    self._commit(unit, reply, digest)
            except NotAtOnce:
                self._weights.burden(operation.name)
                raise
            except errors.DataError:
                raise Refused("One of the provided values has an invalid format.") from None
            reply.notes.update(unit.notes)
            reply.positions.update(unit.reached)
            return reply

    def _commit(self, unit: Unit, reply: Reply, digest: str) -> None:
        remember = None
        if digest:
            body = reply.read()

            def remember(cursor: Any) -> None:
                request = unit.request
                cursor.execute(
                    "INSERT INTO log.idempotency (key, actor_id, operation, request_hash, status, content_type, body) "
                    "VALUES (%s, %s, %s, %s, %s, %s, %s)",
                    (request.idempotency_key, unit.actor.person_id or "", request.operation, digest, reply.status,
                     reply.content_type, body),
                )  # fmt: skip

        position = unit.finish(remember)
        if position is not None:
            reply.positions[self.name] = position
        self.committed(position, unit.changes)

    def committed(self, position: int | None, changes: list[Change], copied: Iterable[Change] = ()) -> None:
        """Tell all who want to know what was committed: `changes` of own records, `copied` ones of others'."""
        if self.marks is not None:
            self.marks.note(chain(changes, copied))
        if position is not None:
            for listener in self.on_commit:
                listener(position, changes)
        for wake in self.on_change:
            wake()

    def _answered(self, unit: Unit, digest: str) -> Reply | None:
        found = unit.rows(
            "SELECT request_hash, status, content_type, body FROM log.idempotency WHERE actor_id = %s AND key = %s",
            (unit.actor.person_id or "", unit.request.idempotency_key),
        )
        if not found:
            return None
        known, status, content_type, body = found[0]
        if known != digest:
            raise DomainError("This Idempotency-Key was used for another request.", code="idempotency.reused")
        return Reply(status, bytes(body), content_type)

    def _reply(self, unit: Unit, operation: Operation, result: Any) -> Reply:
        if isinstance(result, Reply):
            return result
        if result is None:
            return Reply(204)
        if isinstance(result, bytes):
            return Reply(operation.status, result)
        if isinstance(result, Record):
            resource = self.resources[result.kind]
            body = (resource.doc(result)[:-1] + resource.rel(result)).encode()
            return Reply(operation.status, body)
        if isinstance(result, list) and result and all(isinstance(item, Record) for item in result):
            documents = [self.resources[item.kind].doc(item) for item in result]
            return Reply(operation.status, f"[{','.join(documents)}]".encode())
        return Reply(operation.status, orjson.dumps(result, option=orjson.OPT_NON_STR_KEYS))

    def is_superseded(self) -> bool:
        """Tell whether read models of another shape are served, and note it in `superseded`."""
        if self.database.run("SELECT shape FROM log.head") == [(self.spec.shape,)]:
            return False
        self.superseded.set()
        return True

    def refresh_derived(self, cursor: Any, changes: list[Change]) -> None:
        """Bring derived read models up to `changes`. The caller holds the lock of the head: one writer at a time."""
        for derived in self.spec.derived:
            derived.apply(cursor, changes)

    def head(self) -> int:
        """Return the newest position of the log."""
        position: int = self.database.run("SELECT position FROM log.head")[0][0]
        return position

    def state(self) -> tuple[int, int]:
        """Return the newest position of the log, and how often rows were mended: changed without an event."""
        [(position, mended)] = self.database.run(sql.STATE)
        return position, mended

    def feed(self, after: int, limit: int = 1000, kinds: list[str] | None = None) -> tuple[list[Event], int]:
        """Return public events after a position, and the position that a reader of them has reached."""
        with self.database.connection() as connection, connection.cursor() as cursor:
            events, reached, _ = self.read_feed(cursor, after, limit, kinds)
        return events, reached

    def read_feed(
        self, cursor: Any, after: int, limit: int, kinds: list[str] | None = None
    ) -> tuple[list[Event], int, int]:
        """Return what `feed` does, read by `cursor`, and the newest position."""
        # The head comes first: what commits between both statements is read next time.
        head = head_position(cursor)
        found = read_feed(cursor, self.spec.upcasters, after, limit, kinds)
        shown = [public(event, self.owned[event.kind]) if event.kind in self.owned else event for event in found]
        reached = max(head if len(found) < limit else 0, found[-1].position if found else after)
        return shown, reached, head


def _is_lost(problem: Error) -> bool:
    """Tell whether the connection is gone; a server that goes between two statements gives an error without a code."""
    return isinstance(problem, OperationalError | InterfaceError) or problem.pgcode is None


def _digest(request: Request) -> str:
    content = orjson.dumps([request.operation, request.path, request.query, request.body, request.form])
    return hashlib.sha256(content).hexdigest()
