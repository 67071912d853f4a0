"""The writes of one unit of work, buffered per kind and flushed in bulk."""

from dataclasses import dataclass, field
from typing import Any

import orjson

from chassis import sql
from chassis.events import CREATE, DELETE, UPDATE, Event
from chassis.prepared import prepared_for
from chassis.resources import Record, Resource


@dataclass(slots=True)
class Change:
    """One event of the transaction and the record it leaves (or, for a deletion, has removed)."""

    event: Event
    record: Record


@dataclass
class Buffer:
    """Rows to write and to delete since the last flush."""

    rows: dict[str, dict[str, Record]] = field(default_factory=dict)
    gone: dict[str, set[str]] = field(default_factory=dict)

    def keep(self, record: Record) -> None:
        """Take the newest state of `record`."""
        self.rows.setdefault(record.kind, {})[record.id] = record
        self.gone.get(record.kind, set()).discard(record.id)

    def drop(self, record: Record) -> None:
        """Take that `record` is deleted."""
        self.rows.get(record.kind, {}).pop(record.id, None)
        self.gone.setdefault(record.kind, set()).add(record.id)

    @property
    def empty(self) -> bool:
        """Tell whether nothing waits."""
        return not self.rows and not self.gone

    def flush(self, cursor: Any, resources: dict[str, Resource], schema: str = "") -> None:
        """Write all in bulk: one statement per kind for deletions, one for rows."""
        gone, rows = self.gone, self.rows
        self.gone, self.rows = {}, {}
        prefix = f"{schema}." if schema else ""
        for kind, ids in sorted(gone.items()):
            if ids:
                cursor.execute(f'DELETE FROM {prefix}"{kind}" WHERE id = ANY(%s::uuid[])', (sorted(ids),))
        for kind, records in sorted(rows.items()):
            if records:
                write_rows(cursor, resources[kind], [records[id_] for id_ in sorted(records)], schema)


def write_rows(cursor: Any, resource: Resource, records: list[Record], schema: str = "") -> None:
    """Upsert `records` of one kind with one statement."""
    cells: list[list[Any]] = [
        [r.id for r in records],
        [r.version for r in records],
        [r.project_id for r in records],
        [r.created_at for r in records],
        [r.updated_at for r in records],
    ]
    cells += [[_cell(f.type, r.fields.get(f.name)) for r in records] for f in resource.columns]
    cells += [[resource.doc(r) for r in records], [resource.rel(r) for r in records]]
    cells.append([resource.priv(r) for r in records])
    if schema:
        cursor.execute(sql.upsert(resource, schema), cells)
    else:
        prepared_for(resource, "keep", sql.prepared).later(cursor, cells)


def _cell(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind in ("uuids", "strings", "json"):
        return orjson.dumps(value).decode()
    return value


def fold(buffer: Buffer, records: dict[tuple[str, str], Record | None], event: Event) -> Record | None:
    """Apply `event` to the known `records` and put the outcome into `buffer`; return the record it concerns."""
    from chassis.events import evolve

    before = records.get((event.kind, event.id))
    after = evolve(before, event)
    records[(event.kind, event.id)] = after
    if after is not None:
        buffer.keep(after)
    elif before is not None:
        buffer.drop(before)
    return after or before


OPS = (CREATE, UPDATE, DELETE)
