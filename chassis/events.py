"""Events as data: an event is a named change of one record, with old and new value of each changed field."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from chassis.resources import Fields, Record, Resource

CREATE, UPDATE, DELETE = "create", "update", "delete"
Upcaster = Callable[[Fields, Fields], tuple[Fields, Fields]]
VERBS = {CREATE: "created", UPDATE: "updated", DELETE: "deleted"}


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to the record `<kind>-<id>`.

    `name` is the stored fact (`tasks.task-commented`), `schema` its version, `op` how it changes the record.
    create: `new` holds all fields. update: `new` and `old` hold the changed fields. delete: `old` holds all.
    `live` lists what connected clients are told: [name, payload] pairs.
    """

    name: str
    kind: str
    id: str
    version: int
    op: str
    new: Fields
    old: Fields
    recorded_at: datetime
    project_id: str | None = None
    actor_id: str | None = None
    on_behalf_of: str | None = None
    request_id: str = ""
    causation: str | None = None
    schema: int = 1
    position: int = 0
    live: list[Any] = field(default_factory=list)

    @property
    def stream(self) -> str:
        """Return the name of the stream, `<kind>-<uuid>`."""
        return f"{self.kind}-{self.id}"


def fact_name(service: str, kind: str, op: str) -> str:
    """Return the default event name, such as `tasks.task-type-created`."""
    return f"{service}.{kind.replace('_', '-')}-{VERBS[op]}"


def evolve(record: Record | None, event: Event) -> Record | None:
    """Return the record after `event`; None once it is deleted. Pure: the oracle of every projection."""
    if event.op == DELETE:
        return None
    if event.op == CREATE or record is None:
        fields = {**(record.fields if record else {}), **event.new}
        created = moment(fields.get("created_at")) or event.recorded_at
        return Record(event.kind, event.id, event.version, fields, event.project_id, created, event.recorded_at)
    fields = {**record.fields, **event.new}
    created = moment(event.new.get("created_at")) or record.created_at
    project_id = event.project_id or record.project_id
    return Record(event.kind, event.id, event.version, fields, project_id, created, event.recorded_at)


def moment(value: Any) -> datetime | None:
    """Return the aware datetime that `value` (ISO text, UTC when it has no zone) stands for."""
    if not value:
        return None
    parsed = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


class Upcasters:
    """Chains v1 -> v2 -> v3 when events are read, so that code only knows the newest shape."""

    def __init__(self) -> None:
        """Start without any."""
        self._steps: dict[tuple[str, int], Upcaster] = {}

    def add(self, name: str, version: int, step: Upcaster) -> None:
        """Register `step` from `version` of event `name` to the next: (new, old) in, (new, old) out."""
        self._steps[(name, version)] = step

    def __call__(self, event: Event) -> Event:
        """Return `event` in its newest version."""
        while step := self._steps.get((event.name, event.schema)):
            new, old = step(dict(event.new), dict(event.old))
            event = replace(event, new=new, old=old, schema=event.schema + 1)
        return event

    def current(self, name: str) -> int:
        """Return the version that new events of `name` are stored with."""
        return 1 + max((version for known, version in self._steps if known == name), default=0)


def changed(record: Record, changes: Fields) -> tuple[Fields, Fields]:
    """Return (new, old) of the fields that `changes` really changes."""
    new = {name: value for name, value in changes.items() if record.fields.get(name) != value}
    return new, {name: record.fields.get(name) for name in new}


def public(event: Event, resource: Resource) -> Event:
    """Return `event` without the secret fields: what leaves the service that owns it."""
    hidden = {f.name for f in resource.fields if f.secret}
    if not hidden:
        return event
    new = {k: v for k, v in event.new.items() if k not in hidden}
    old = {k: v for k, v in event.old.items() if k not in hidden}
    return replace(event, new=new, old=old)
