"""The unit of work: what an operation sees of its service's records, and the one transaction of its writes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import TYPE_CHECKING, Any

from chassis import log, sql
from chassis.changes import Buffer, Change
from chassis.errors import Invalid
from chassis.events import CREATE, DELETE, UPDATE, Event, changed, fact_name, moment
from chassis.ids import new_id
from chassis.marks import Reads
from chassis.messages import THE_SYSTEM, Actor, Reply, Request
from chassis.reading import Reader
from chassis.resources import Fields, Record, Resource, wire_datetime
from chassis.telemetry import APPEND_SECONDS, APPENDED

if TYPE_CHECKING:
    from chassis.service import Service

Live = Sequence[tuple[str, Mapping[str, Any]]] | None


class Unit(Reader):
    """Reads and buffered writes of one request. SQL reads flush first, so that they see the unit's own writes."""

    def __init__(
        self, service: "Service", request: Request, connection: Any, *, writes: bool, watch: Reads | None = None
    ) -> None:
        """Work on `connection`; `writes` opens a transaction, with the first statement, and takes the database's time.

        `watch` notes what is read.
        """
        super().__init__(service, connection, watch)
        self.request = request
        self._writes = writes
        self.changes: list[Change] = []
        self._announced: list[tuple[str, Mapping[str, Any]]] = []
        self.notes: dict[str, Any] = {}
        # Positions that operations of other services have reached on our behalf: part of the causal token.
        self.reached: dict[str, int] = {}
        self._now = None if writes else datetime.now(UTC)
        if writes:
            connection.waiting.append(b"BEGIN")

    @property
    def actor(self) -> Actor:
        """Return who asks."""
        return self.request.actor

    @property
    def now(self) -> datetime:
        """Return the time of this unit. That of one that writes is the database's, at the first record it has read."""
        if self._now is None:
            self._cursor.execute("SELECT clock_timestamp()")
            self._now = self._cursor.fetchone()[0]
        found: datetime = self._now
        return found

    @property
    def moment(self) -> datetime:
        """Return the time of the next event: a microsecond after the last, so that times tell the order."""
        return self.now + timedelta(microseconds=len(self.changes))

    @property
    def person_id(self) -> str | None:
        """Return the person behind the request: the actor, or whom a service acts for."""
        found: str | None = self.actor.person_id or self.actor.claims.get("on_behalf_of")
        return found

    @property
    def service(self) -> str:
        """Return the name of the service."""
        return self._service.name

    @property
    def owned(self) -> Mapping[str, Resource]:
        """Return the kinds that can be written here."""
        return self._service.owned

    def setting(self, name: str, default: Any = None) -> Any:
        """Return a setting of the service."""
        return self._service.settings.get(name, default)

    def feed(self, after: int, limit: int, kinds: list[str] | None = None) -> tuple[list[Event], int, int]:
        """Return public events of the log after a position, the position reached, and the newest one."""
        if self._watch:
            self._watch.everything()
        return self._service.read_feed(self._cursor, after, limit, kinds)

    def create(
        self,
        kind: str,
        fields: Mapping[str, Any],
        *,
        id: str | None = None,
        name: str | None = None,
        live: Live = None,
        project_id: str | None = None,
    ) -> Record:
        """Create a record with `fields` over the kind's defaults. `created_at` among them is honoured."""
        resource = self._own(kind)
        values: Fields = {**resource.fresh(), **{k: v for k, v in fields.items() if k in resource.by_name}}
        created = moment(fields.get("created_at")) or self.moment
        project = project_id or values.get("project_id") or (id if kind == "project" else None)
        record_id = id or new_id()
        if kind == "project":
            project = record_id
        record = Record(kind, record_id, 1, values, project, created, self.moment)
        new = dict(values)
        if fields.get("created_at"):
            new["created_at"] = wire_datetime(created)
        self._take(record, CREATE, new, {}, name, self._live(record, "new", live))
        return record

    def update(
        self, record: Record, changes: Mapping[str, Any], *, name: str | None = None, live: Live = None
    ) -> Record:
        """Change what `changes` really changes; nothing is written when that is nothing."""
        resource = self._own(record.kind)
        record = self._known.get((record.kind, record.id)) or record
        new, old = changed(record, {k: v for k, v in changes.items() if k in resource.by_name})
        if not new:
            return record
        project = new.get("project_id") or record.project_id
        after = Record(
            record.kind,
            record.id,
            record.version + 1,
            {**record.fields, **new},
            project,
            record.created_at,
            self.moment,
        )
        self._take(after, UPDATE, new, old, name, self._live(after, "update", live))
        return after

    def note(self, record: Record, *, name: str, live: Live = None) -> Record:
        """Append the fact `name` about a record whose fields stay as they are (its picture was replaced, say)."""
        self._own(record.kind)
        record = self._known.get((record.kind, record.id)) or record
        after = replace(record, version=record.version + 1, updated_at=self.moment)
        self._take(after, UPDATE, {}, {}, name, self._live(after, "update", live))
        return after

    def delete(self, record: Record, *, name: str | None = None, live: Live = None) -> None:
        """Delete a record; its event keeps all that it held."""
        self._own(record.kind)
        record = self._known.get((record.kind, record.id)) or record
        gone = Record(
            record.kind, record.id, record.version + 1, record.fields, record.project_id, record.created_at, self.moment
        )
        self._take(gone, DELETE, {}, dict(record.fields), name, self._live(gone, "delete", live))

    def announce(self, name: str, payload: Mapping[str, Any]) -> None:
        """Tell connected clients one thing more about this transaction."""
        self._announced.append((name, payload))

    def ask(
        self, operation: str, path: dict[str, str] | None = None, body: Any = None, query: dict[str, Any] | None = None
    ) -> Reply:
        """Call an operation of another service as the system."""
        return self._answered(self._service.bus.call(self._asked(operation, path, body, query)))

    def _asked(self, operation: str, path: dict[str, str] | None, body: Any, query: dict[str, Any] | None) -> Request:
        if self._watch:
            self._watch.elsewhere()
        cause = self.request
        claims = {"on_behalf_of": cause.actor.person_id} if cause.actor.person_id else {}
        actor = Actor(role=THE_SYSTEM.role, identity=THE_SYSTEM.identity, claims=claims)
        needs = {**cause.needs, **{k: max(v, cause.needs.get(k, 0)) for k, v in self.reached.items()}}
        found = {name: value if isinstance(value, list) else [str(value)] for name, value in (query or {}).items()}
        return Request(operation, path or {}, found, body, actor=actor, request_id=cause.request_id, needs=needs)

    def _answered(self, reply: Reply) -> Reply:
        for service, position in reply.positions.items():
            self.reached[service] = max(position, self.reached.get(service, 0))
        return reply

    def _by_ids(self, kind: str, how: str, ids: list[str], arg: Any) -> list[Record]:
        return super()._by_ids(kind, how if self._now else how + sql.NOW, ids, arg)

    def _met(self, resource: Resource, rows: list[tuple[Any, ...]]) -> list[Record]:
        if self._now is None and rows and isinstance(rows[0][-1], datetime):
            self._now = rows[0][-1]
            rows = [row[:-1] for row in rows]
        return super()._met(resource, rows)

    def _own(self, kind: str) -> Resource:
        if not self._writes:
            raise RuntimeError(f"a query of {self.service} tried to write {kind}")
        if kind not in self._service.owned:
            raise RuntimeError(f"{self.service} does not own {kind}")
        return self._service.owned[kind]

    def _live(self, record: Record, verb: str, live: Live) -> list[Any]:
        if live is not None:
            return [[name, dict(payload)] for name, payload in live]
        resource = self.resource(record.kind)
        noun = resource.live_name(record.fields)
        if not noun:
            return []
        key = resource.live_key or (f"{noun.replace('-', '_')}_id" if callable(resource.live) else f"{record.kind}_id")
        payload = {key: record.id}
        if record.project_id:
            payload["project_id"] = record.project_id
        return [[f"{noun}:{verb}", payload]]

    def _take(self, record: Record, op: str, new: Fields, old: Fields, name: str | None, live: list[Any]) -> None:
        service = self._service
        event = Event(
            name or fact_name(service.name, record.kind, op), record.kind, record.id, record.version, op, new, old,
            self.moment, record.project_id, self.actor.person_id, live=live, request_id=self.request.request_id,
        )  # fmt: skip
        self.changes.append(Change(event, record))
        key = (record.kind, record.id)
        if op == DELETE:
            self._known[key] = None
            self._buffer.drop(record)
        else:
            self._known[key] = record
            self._buffer.keep(record)

    def rollback_to(self, savepoint: str, kept: int) -> None:
        """Undo what was written since `savepoint`: rows, and all but the first `kept` changes."""
        self._connection.waiting.clear()
        self._cursor.execute(f"ROLLBACK TO SAVEPOINT {savepoint}")
        self._buffer = Buffer()
        self._known.clear()
        del self.changes[kept:]

    def finish(self, before_commit: Callable[[Any], None] | None = None) -> int | None:
        """Write all, append the events, refresh what is derived, commit. Return the position; None without events."""
        self._write()
        events = self._events()
        started = perf_counter()
        if events:
            log.append(self._cursor, events, self.request, self.now, self._service.spec.shape)
            self._service.refresh_derived(self._cursor, self.changes)
        if before_commit:
            before_commit(self._cursor)
        if not events:
            self._cursor.execute("COMMIT")
            return None
        position = log.commit(self._cursor)
        APPEND_SECONDS.observe(perf_counter() - started, self.service)
        APPENDED.add(len(events), self.service)
        return position

    def _events(self) -> list[Event]:
        events = [change.event for change in self.changes]
        if self._announced:
            if not events:
                raise Invalid("Nothing was changed.")
            events[-1].live.extend([name, dict(payload)] for name, payload in self._announced)
        return events
