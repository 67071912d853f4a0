"""What an operation reads of its service's records; reads see the writes of the same unit."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from psycopg2.extensions import register_type

from chassis import sql
from chassis.changes import Buffer
from chassis.database import RAW_TEXT
from chassis.errors import NotFound
from chassis.finished import Finished
from chassis.ids import is_id
from chassis.marks import Reads
from chassis.prepared import LARGE, plan_of, prepared_for
from chassis.resources import Record, Resource, array_of

if TYPE_CHECKING:
    from chassis.service import Service


Made = TypeVar("Made", bytes, list[tuple[Any, ...]])


class Part(NamedTuple):
    """What one of several lists holds: the records of `kind` that SQL condition `where` (over alias t) selects.

    Each is shown by its document, with its `relations` when asked for, or by another SQL expression for a JSON text;
    `args` are those of this expression and of the condition, in this order. The statement is planned once, so one whose
    type PostgreSQL cannot know from where it stands says it (`%s::int`). Who names a `schema` notes what it stands for.
    """

    kind: str
    where: str = ""
    order: str = ""
    args: Sequence[Any] = ()
    relations: bool = False
    cell: str = "t.doc"
    schema: str = ""


class Reader:
    """Reads of one request on one connection. SQL reads flush buffered writes first, so that they see them."""

    def __init__(self, service: "Service", connection: Any, watch: Reads | None = None) -> None:
        """Read the records of `service` over `connection`; `watch` notes what is read, before it is."""
        self._watch = watch
        self._service = service
        self._connection = connection
        self._buffer = Buffer()
        self._known: dict[tuple[str, str], Record | None] = {}

    @cached_property
    def _cursor(self) -> Any:
        return self._connection.cursor()

    @property
    def resources(self) -> Mapping[str, Resource]:
        """Return the kinds that can be read here, owned and replicated."""
        return self._service.resources

    def resource(self, kind: str) -> Resource:
        """Return how records of `kind` look; KeyError when this service neither owns nor replicates it."""
        return self._service.resources[kind]

    @property
    def memory(self) -> dict[Any, Any]:
        """Return what this process keeps for the service between requests."""
        return self._service.memory

    @property
    def kept(self) -> Finished:
        """Return what this process keeps of large answers."""
        return self._service.finished

    def flush(self) -> None:
        """Send buffered rows to the database, inside the open transaction."""
        self._write()
        self._cursor.send()

    def _write(self) -> None:
        """Let buffered rows be sent with the next statement."""
        if not self._buffer.empty:
            self._buffer.flush(self._cursor, self._service.resources)

    def get(self, kind: str, id_: str | None, *, lock: bool = False) -> Record | None:
        """Return one record or None; `lock` keeps other writers away until the commit."""
        if not id_:
            return None
        if not lock and (kind, id_) in self._known:
            return self._known[(kind, id_)]
        found = self._by_ids(kind, "lock" if lock else "get", [id_], id_)
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
        return {r.id: r for r in self._by_ids(kind, "any", wanted, wanted)} if wanted else {}

    def learn(self, kind: str, ids: Iterable[str]) -> None:
        """Read those of `ids` that this unit has not met, in one statement; `get` and `has` need none for them then."""
        wanted = sorted({id_ for id_ in ids if (kind, id_) not in self._known})
        if wanted:
            self._by_ids(kind, "any", wanted, wanted)
            for id_ in wanted:
                self._known.setdefault((kind, id_), None)

    def has(self, kind: str, ids: Sequence[str]) -> bool:
        """Tell whether there are records of all `ids`."""
        self.learn(kind, ids)
        return all(self._known[kind, id_] is not None for id_ in ids)

    def find(
        self,
        kind: str,
        where: str = "",
        args: Sequence[Any] = (),
        order: str = "",
        limit: int | None = None,
        offset: int | None = None,
        *,
        planned: bool = False,
    ) -> list[Record]:
        """Return the records that SQL condition `where` (over alias t) selects.

        `planned`: plan it once per connection. For short answers, and a text that no client has a part in.
        """
        self._note(kind, where)
        return self._load(kind, sql.tail(where, order, limit, offset), args, planned=planned)

    def first(
        self, kind: str, where: str = "", args: Sequence[Any] = (), order: str = "", *, planned: bool = False
    ) -> Record | None:
        """Return the first record of `find`, or None."""
        return next(iter(self.find(kind, where, args, order, 1, planned=planned)), None)

    def count(self, kind: str, where: str = "", args: Sequence[Any] = (), *, planned: bool = False) -> int:
        """Return how many records `where` selects."""
        statement = f'SELECT count(*) FROM "{kind}" t{sql.tail(where, "", None, None)}'
        return int(self.rows(statement, args, planned=planned)[0][0])

    def rows(self, statement: str, args: Any = None, *, planned: bool = False) -> list[tuple[Any, ...]]:
        """Run a SELECT of the service's own; sees the writes of this unit."""
        self._note_statement(statement)
        self._write()
        if planned:
            plan_of(statement).run(self._cursor, args or ())
        else:
            self._cursor.execute(statement, args or None)
        return list(self._cursor.fetchall()) if self._cursor.description else []

    def raw(self, statement: str, args: Any = None) -> bytes:
        """Return the single text cell of a SELECT as undecoded bytes; empty when null or without a row."""
        self._note_statement(statement)
        self._write()
        with self._connection.cursor() as cursor:
            register_type(RAW_TEXT, cursor)
            cursor.execute(statement, args or None)
            row = cursor.fetchone()
        found = bytes(row[0]) if row and row[0] is not None else b""
        if len(found) > LARGE:
            self._connection.outgrow()
        return found

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
        with_rel = relations and bool(self.resource(kind).relations)
        tail = sql.tail(where, order, limit, offset)
        rows = self.undecoded(f'SELECT {"t.doc, t.rel" if with_rel else "t.doc"} FROM "{kind}" t{tail}', args)
        # PostgreSQL would count the characters of each text to cut its last one; here that is a slice.
        cells = [b"%b%b" % (doc[:-1], rel) for doc, rel in rows] if with_rel else [doc for (doc,) in rows]
        return array_of(cells)

    def lists(self, **wanted: Part) -> dict[str, bytes]:
        """Return several JSON arrays in one round trip, by name; planned once per connection."""
        statements, args = [], list[Any]()
        for place, part in enumerate(wanted.values()):
            rel = "t.rel" if part.relations and self.resource(part.kind).relations else "NULL"
            tail = sql.tail(part.where, part.order, None, None)
            table = f'{part.schema}."{part.kind}"' if part.schema else f'"{part.kind}"'
            if not part.schema:
                self.reads(part)
            statements.append(f"(SELECT {place} AS place, {part.cell}, {rel} FROM {table} t{tail})")
            args += part.args
        cells: list[list[bytes]] = [[] for _ in wanted]
        for place, doc, rel in self._undecoded(" UNION ALL ".join(statements), args, planned=True):
            cells[place].append(doc if rel is None else b"%b%b" % (doc[:-1], rel))
        return {name: array_of(cells[place]) for place, name in enumerate(wanted)}

    def reads(self, part: Part) -> None:
        """Note that what is answered was made of `part`."""
        self._note(part.kind, part.where)

    def undecoded(self, statement: str, args: Any = None, *, planned: bool = False) -> list[tuple[Any, ...]]:
        """Run a SELECT and return its rows with texts as the bytes that came; sees the writes of this unit."""
        self._note_statement(statement)
        return self._undecoded(statement, args, planned=planned)

    def _undecoded(self, statement: str, args: Any, *, planned: bool) -> list[tuple[Any, ...]]:
        self._write()
        with self._connection.cursor() as cursor:
            register_type(RAW_TEXT, cursor)
            if planned:
                plan_of(statement).run(cursor, args)
            else:
                cursor.execute(statement, args or None)
            return list(cursor.fetchall())

    def copied(self, statement: str, args: Sequence[Any] = ()) -> list[bytes]:
        r"""Return the rows of a SELECT of ids, numbers and arrays of them: a line each, cells between tabs, null as \N.

        For many rows: they come while PostgreSQL still reads, and no object is made of each cell.
        """
        self._note_statement(statement)
        self._write()
        lines: list[bytes] = []
        told = self._cursor.mogrify(statement, args or None).decode()
        self._cursor.copy_expert(f"COPY ({told}) TO STDOUT", SimpleNamespace(write=lines.append))
        return lines

    def finished(self, key: Hashable, tag: str, make: Callable[[], Made]) -> Made:
        """Return what `make` makes, or has made a moment ago for anybody who gave this `key` and `tag`.

        `tag` changes with all that it is made of (`etag`); `key` says all else that it depends on. For large lists.
        """
        found: Made | None = self.kept.get(key, tag)
        if found is None:
            found = make()
            size = len(found) if isinstance(found, bytes) else sum(len(cell) for row in found for cell in row)
            self.kept.put(key, tag, found, size)
        return found

    def etag(self, *scopes: str) -> str:
        """Return a text that changes whenever a record of one of `scopes` does: a project, `project/kind`, a kind."""
        statement = "SELECT scope, revision FROM log.scopes WHERE scope = ANY(%s)"
        found = self.rows(statement, (list(scopes),), planned=True)
        return "-".join(f"{revision:x}" for _, revision in sorted(found)) or "0"

    def _note(self, kind: str, where: str) -> None:
        if self._watch:
            self._watch.kind(kind, where)

    def _note_statement(self, statement: str) -> None:
        if self._watch:
            self._watch.statement(statement)

    def _by_ids(self, kind: str, how: str, ids: list[str], arg: Any) -> list[Record]:
        if self._watch:
            self._watch.ids(kind, ids)
        resource = self.resource(kind)
        beside = self._service.database.beside(self._connection) if how == "get" and is_id(arg) else None
        if beside is not None:
            return self._met(resource, beside.rows(self._service.database, resource, arg))
        self._write()
        prepared_for(resource, how, sql.prepared).run(self._cursor, (arg,))
        return self._met(resource, self._cursor.fetchall())

    def _load(self, kind: str, tail: str, args: Sequence[Any], *, planned: bool) -> list[Record]:
        resource = self.resource(kind)
        self._write()
        statement = sql.select_rows(resource) + tail
        if planned:
            plan_of(statement).run(self._cursor, tuple(args))
        else:
            self._cursor.execute(statement, tuple(args) or None)
        return self._met(resource, self._cursor.fetchall())

    def _met(self, resource: Resource, rows: list[tuple[Any, ...]]) -> list[Record]:
        found = [resource.load(row) for row in rows]
        for record in found:
            self._known[(resource.kind, record.id)] = record
        return found
