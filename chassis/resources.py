"""Records as data: a Resource names the fields of one kind, its columns, constraints and wire form."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

Fields = dict[str, Any]
SQL_TYPES = {
    "uuid": "uuid",
    "string": "text",
    "text": "text",
    "enum": "text",
    "integer": "bigint",
    "float": "double precision",
    "boolean": "boolean",
    "date": "date",
    "datetime": "timestamp",
    "json": "jsonb",
    "uuids": "uuid[]",
    "strings": "text[]",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record. `column` gives it a real column for filters and joins; `relation` lists ids.

    `hidden` keeps it off the wire, `secret` also inside the service that owns it.
    `mirror` (`kind.field`) names the other side that fills a list which nobody writes here.
    """

    name: str
    type: str = "string"
    default: Any = None
    required: bool = False
    max: int | None = None
    choices: tuple[str, ...] = ()
    column: bool = False
    hidden: bool = False
    relation: bool = False
    ref: str | None = None
    read_only_put: bool = False
    read_only_post: bool = False
    nullable: bool = True
    secret: bool = False
    mirror: str | None = None


@dataclass(frozen=True, slots=True)
class Unique:
    """A uniqueness rule over columns or SQL expressions, limited by `where`."""

    columns: tuple[str, ...]
    where: str = ""


@dataclass(frozen=True)
class Resource:
    """All that the chassis must know of one kind of record.

    `live` is the noun of client events (`task-type` gives `task-type:new`), or a function from fields to it.
    `searched` names texts that are searched by parts and likeness, without accents and case, where the kind is owned.
    `render` adds computed keys to the wire document; it sees the fields and must be pure.
    """

    kind: str
    plural: str
    type: str
    fields: tuple[Field, ...]
    unique: tuple[Unique, ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()
    searched: tuple[str, ...] = ()
    live: str | Callable[[Fields], str | None] | None = None
    live_key: str | None = None
    render: Callable[[Fields], Mapping[str, Any]] | None = None
    wire_type: Callable[[Fields], str] | None = None
    title: str = field(default="")

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """Return the fields by name."""
        return {f.name: f for f in self.fields}

    @cached_property
    def columns(self) -> tuple[Field, ...]:
        """Return the fields with a real column: declared ones and all that a rule or index names."""
        named = {word for rule in self.unique for column in rule.columns for word in re.findall(r"\w+", column)}
        named |= {word for index in self.indexes for column in index for word in re.findall(r"\w+", column)}
        taken = {"id", "project_id", "created_at", "updated_at"}
        return tuple(f for f in self.fields if (f.column or f.name in named) and f.name not in taken)

    @cached_property
    def relations(self) -> tuple[Field, ...]:
        """Return the fields that only the relations form carries."""
        return tuple(f for f in self.fields if f.relation and not f.hidden)

    @cached_property
    def _shown(self) -> tuple[str, ...]:
        return tuple(f.name for f in self.fields if not f.hidden and not f.relation)

    @cached_property
    def _hidden(self) -> tuple[str, ...]:
        return tuple(f.name for f in self.fields if f.hidden)

    @cached_property
    def defaults(self) -> Fields:
        """Return the value of each field when none is given (relations: empty list)."""
        return {f.name: (f.default if f.default is not None or not f.relation else []) for f in self.fields}

    @cached_property
    def _lists(self) -> tuple[tuple[str, Any], ...]:
        return tuple((name, value) for name, value in self.defaults.items() if isinstance(value, list | dict))

    def fresh(self) -> Fields:
        """Return the defaults for one new record, whose lists are its own."""
        found = self.defaults.copy()
        for name, value in self._lists:
            found[name] = value.copy()
        return found

    def live_name(self, fields: Fields) -> str | None:
        """Return the noun of client events for a record with `fields`."""
        return self.live(fields) if callable(self.live) else self.live

    def doc(self, record: "Record") -> str:
        """Return the finished wire document without relations, as JSON text."""
        if record.finished:
            return record.finished[0]
        fields = record.fields
        wire = {name: fields.get(name) for name in self._shown}
        wire["id"] = record.id
        wire["created_at"] = wire_datetime(record.created_at)
        wire["updated_at"] = wire_datetime(record.updated_at)
        wire["type"] = self.wire_type(fields) if self.wire_type else self.type
        if self.render:
            wire.update(self.render(fields))
        return orjson.dumps(wire).decode()

    def rel(self, record: "Record") -> str:
        """Return the tail `,"a":[…]}` that turns the document into its relations form."""
        if record.finished:
            return record.finished[1]
        if not self.relations:
            return "}"
        wire = {f.name: record.fields.get(f.name) or [] for f in self.relations}
        return "," + orjson.dumps(wire).decode()[1:]

    def priv(self, record: "Record") -> str | None:
        """Return the hidden fields as JSON text, or None where there are none."""
        hidden = {name: record.fields.get(name) for name in self._hidden}
        return orjson.dumps(hidden).decode() if hidden else None

    def load(self, row: "Row") -> "Record":
        """Return the record that a table row holds; `row` is (id, version, project_id, created, updated, doc…)."""
        id_, version, project_id, created_at, updated_at, doc, rel, priv = row
        wire = orjson.loads(doc[:-1] + rel)
        if priv:
            wire.update(priv if isinstance(priv, dict) else orjson.loads(priv))
        by_name = self.by_name
        fields = {name: value for name, value in wire.items() if name in by_name}
        record = Record(self.kind, str(id_), version, fields, project_id and str(project_id), created_at, updated_at)
        record.finished = (doc, rel)
        return record


Row = tuple[Any, ...]


@dataclass(slots=True)
class Record:
    """One record as decisions see it: its fields by name, its version, its times (aware UTC datetimes)."""

    kind: str
    id: str
    version: int
    fields: Fields
    project_id: str | None
    created_at: Any
    updated_at: Any
    # What its table holds of it: document and relations. One that was made of it by a change has none.
    finished: tuple[str, str] | None = field(default=None, init=False, repr=False, compare=False)

    def __getitem__(self, name: str) -> Any:
        """Return the value of field `name`; id and times included."""
        if name == "id":
            return self.id
        if name == "project_id" and self.fields.get(name) is None:
            return self.project_id
        return self.fields[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of field `name`, or `default` where it is absent or null."""
        value = self.fields.get(name)
        return default if value is None else value


def wire_datetime(moment: Any) -> str | None:
    """Return `YYYY-MM-DDTHH:MM:SS` in UTC, as the contract writes datetimes."""
    return None if moment is None else moment.isoformat(timespec="seconds")[:19]


def array_of(cells: list[Any]) -> bytes:
    """Return the JSON array of finished documents, copying them once: there may be many megabytes."""
    if not cells:
        return b"[]"
    cells[0] = b"[%b" % cells[0]
    cells[-1] = b"%b]" % cells[-1]
    return b",".join(cells)
