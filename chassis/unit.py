"""The unit of work: what an operation sees of its service's records, and the one transaction of its writes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from chassis import log, sql
from chassis.changes import Buffer, Change
from chassis.database import RAW_TEXT
from chassis.errors import Invalid, NotFound
from chassis.events import CREATE, DELETE, UPDATE, Event, changed, fact_name, moment
from chassis.messages import Actor, Reply, Request
from chassis.resources import Fields, Record, Resource, wire_datetime

if TYPE_CHECKING:
    from chassis.service import Service

Live = Sequence[tuple[str, Mapping[str, Any]]] | None


class Unit:
    """Reads and buffered writes of one request. SQL reads flush first, so that they see the unit's own writes."""

    def __init__(self, service: "Service", request: Request, connection: Any, *, writes: bool) -> None:
        """Work on `connection`; `writes` opens a transaction and takes the time of the database's clock."""
        self._service = service
        self.request = request
        self._cursor = connection.cursor()
        self._connection = connection
        self._writes = writes
        self._buffer = Buffer()
        self._known: dict[tuple[str, str], Record | None] = {}
        self.changes: list[Change] = []
        self._announced: list[tuple[str, Mapping[str, Any]]] = []
        self.notes: dict[str, Any] = {}
        # Positions that operations of other services have reached on our behalf: part of the causal token.
        self.reached: dict[str, int] = {}
        if writes:
            self._cursor.execute("BEGIN; SELECT clock_timestamp()")
            self.now: datetime = self._cursor.fetchone()[0]
        else:
            self.now = datetime.now(UTC)

    @property
    def actor(self) -> Actor:
        """Return who asks."""
        return self.request.actor

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
    def resources(self) -> Mapping[str, Resource]:
        """Return the kinds that can be read here, owned and replicated."""
        return self._service.resources

    @property
    def owned(self) -> Mapping[str, Resource]:
        """Return the kinds that can be written here."""
        return self._service.owned

    def setting(self, name: str, default: Any = None) -> Any:
        """Return a setting of the service."""
        return self._service.settings.get(name, default)

    def resource(self, kind: str) -> Resource:
        """Return how records of `kind` look; KeyError when this service neither owns nor replicates it."""
        return self._service.resources[kind]

    # Reading

    def get(self, kind: str, id_: str | None, *, lock: bool = False) -> Record | None:
        """Return one record or None; `lock` keeps other writers away until the commit."""
        if not id_:
            return None
        if not lock and (kind, id_) in self._known:
            return self._known[(kind, id_)]
        tail = " WHERE t.id = %s" + (" FOR UPDATE" if lock else "")
        found = self._load(kind, tail, (id_,))
        self._known.setdefault((kind, id_), None)
        return found[0] if found else None

    def need(self, kind: str, id_: str | None, message: str | None = None) -> Record:
        """Return one record. Raises NotFound."""
        record = self.get(kind, id_)
        if record is None:
            raise NotFound(message) if message else NotFound()
        return record

    def many(self, kind: str, ids: Iterable[str]) -> dict[str, Record]:
        """Return the known records among `ids`."""
        wanted = sorted({id_ for id_ in ids if id_})
        return {r.id: r for r in self._load(kind, " WHERE t.id = ANY(%s::uuid[])", (wanted,))} if wanted else {}

    def find(
        self,
        kind: str,
        where: str = "",
        args: Sequence[Any] = (),
        order: str = "",
        limit: int | None = None,
        offset: int | None = None,
    ) -> list[Record]:
        """Return the records that SQL condition `where` (over alias t) selects."""
        return self._load(kind, _tail(where, order, limit, offset), args)

    def first(self, kind: str, where: str = "", args: Sequence[Any] = (), order: str = "") -> Record | None:
        """Return the first record of `find`, or None."""
        return next(iter(self.find(kind, where, args, order, 1)), None)

    def count(self, kind: str, where: str = "", args: Sequence[Any] = ()) -> int:
        """Return how many records `where` selects."""
        statement = f'SELECT count(*) FROM "{kind}" t' + (f" WHERE {where}" if where else "")
        return int(self.rows(statement, args)[0][0])

    def rows(self, statement: str, args: Any = None) -> list[tuple[Any, ...]]:
        """Run a SELECT of the service's own; sees the writes of this unit."""
        self.flush()
        self._cursor.execute(statement, args or None)
        return list(self._cursor.fetchall()) if self._cursor.description else []

    def raw(self, statement: str, args: Any = None) -> bytes:
        """Return the single text cell of a SELECT as undecoded bytes; empty when null or without a row."""
        self.flush()
        with self._connection.cursor() as cursor:
            _register(cursor)
            cursor.execute(statement, args or None)
            row = cursor.fetchone()
        return bytes(row[0]) if row and row[0] is not None else b""

    def docs(
        self,
        kind: str,
        where: str = "",
        args: Sequence[Any] = (),
        order: str = "",
        *,
        relations: bool = False,
        limit: int | None = None,
        offset: int | None = None,
    ) -> bytes:
        """Return the JSON array of finished documents, untouched on the way from PostgreSQL."""
        cell = "left(t.doc, -1) || t.rel" if relations and self.resource(kind).relations else "t.doc"
        source = f'"{kind}" t' + (f" WHERE {where}" if where else "")
        if limit is not None or offset is not None:
            source = f"(SELECT * FROM {source}{_tail('', order, limit, offset)}) t"
        ordered = f" ORDER BY {order}" if order else ""
        statement = f"SELECT string_agg({cell}, ','{ordered}) FROM {source}"
        return b"[" + self.raw(statement, args) + b"]"

    def etag(self, *scopes: str) -> str:
        """Return a text that changes whenever a record of one of `scopes` (project ids, kinds) does."""
        found = self.rows("SELECT scope, revision FROM log.scopes WHERE scope = ANY(%s)", (list(scopes),))
        return "-".join(f"{revision:x}" for _, revision in sorted(found)) or "0"

    def _load(self, kind: str, tail: str, args: Sequence[Any]) -> list[Record]:
        resource = self.resource(kind)
        self.flush()
        self._cursor.execute(sql.select_rows(resource) + tail, tuple(args) or None)
        found = [resource.load(row) for row in self._cursor.fetchall()]
        for record in found:
            self._known[(kind, record.id)] = record
        return found

    # Writing

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
        values: Fields = {**_fresh(resource.defaults), **{k: v for k, v in fields.items() if k in resource.by_name}}
        created = moment(fields.get("created_at")) or self.now
        project = project_id or values.get("project_id") or (id if kind == "project" else None)
        record_id = id or str(uuid4())
        if kind == "project":
            project = record_id
        record = Record(kind, record_id, 1, values, project, created, self.now)
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
            record.kind, record.id, record.version + 1, {**record.fields, **new}, project, record.created_at, self.now
        )
        self._take(after, UPDATE, new, old, name, self._live(after, "update", live))
        return after

    def note(self, record: Record, *, name: str, live: Live = None) -> Record:
        """Append the fact `name` about a record whose fields stay as they are (its picture was replaced, say)."""
        self._own(record.kind)
        record = self._known.get((record.kind, record.id)) or record
        after = replace(record, version=record.version + 1, updated_at=self.now)
        self._take(after, UPDATE, {}, {}, name, self._live(after, "update", live))
        return after

    def delete(self, record: Record, *, name: str | None = None, live: Live = None) -> None:
        """Delete a record; its event keeps all that it held."""
        self._own(record.kind)
        record = self._known.get((record.kind, record.id)) or record
        gone = Record(
            record.kind, record.id, record.version + 1, record.fields, record.project_id, record.created_at, self.now
        )
        self._take(gone, DELETE, {}, dict(record.fields), name, self._live(gone, "delete", live))

    def announce(self, name: str, payload: Mapping[str, Any]) -> None:
        """Tell connected clients one thing more about this transaction."""
        self._announced.append((name, payload))

    def ask(
        self, operation: str, path: dict[str, str] | None = None, body: Any = None, query: dict[str, Any] | None = None
    ) -> Reply:
        """Call an operation of another service as the system."""
        reply = self._service.ask(operation, path or {}, body, query or {}, self.request, self.reached)
        for service, position in reply.positions.items():
            self.reached[service] = max(position, self.reached.get(service, 0))
        return reply

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
            self.now, record.project_id, self.actor.person_id, live=live, request_id=self.request.request_id,
        )  # fmt: skip
        self.changes.append(Change(event, record))
        key = (record.kind, record.id)
        if op == DELETE:
            self._known[key] = None
            self._buffer.drop(record)
        else:
            self._known[key] = record
            self._buffer.keep(record)

    def flush(self) -> None:
        """Send buffered rows to the database, inside the open transaction."""
        if not self._buffer.empty:
            self._buffer.flush(self._cursor, self._service.resources)

    def rollback_to(self, savepoint: str, kept: int) -> None:
        """Undo what was written since `savepoint`: rows, and all but the first `kept` changes."""
        self._cursor.execute(f"ROLLBACK TO SAVEPOINT {savepoint}")
        self._buffer = Buffer()
        self._known.clear()
        del self.changes[kept:]

    def finish(self, before_commit: Callable[[Any], None] | None = None) -> int | None:
        """Write all, append the events as the last act, commit. Return the position reached, None without events."""
        self.flush()
        position = None
        events = self._events()
        if events:
            self._service.refresh_derived(self._cursor, self.changes)
            position = log.append(self._cursor, events, self.request, self.now)
            log.bump(self._cursor, {e.project_id or e.kind for e in events}, position)
        if before_commit:
            before_commit(self._cursor)
        self._cursor.execute("COMMIT")
        return position

    def _events(self) -> list[Event]:
        events = [change.event for change in self.changes]
        if self._announced:
            if not events:
                raise Invalid("Nothing was changed.")
            events[-1].live.extend([name, dict(payload)] for name, payload in self._announced)
        return events


def _register(cursor: Any) -> None:
    from psycopg2.extensions import register_type

    register_type(RAW_TEXT, cursor)


def _fresh(defaults: Fields) -> Fields:
    return {k: (v.copy() if isinstance(v, list | dict) else v) for k, v in defaults.items()}


def _tail(where: str, order: str, limit: int | None, offset: int | None) -> str:
    text = f" WHERE {where}" if where else ""
    text += f" ORDER BY {order}" if order else ""
    text += f" LIMIT {int(limit)}" if limit is not None else ""
    return text + (f" OFFSET {int(offset)}" if offset is not None else "")
