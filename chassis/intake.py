"""Records from elsewhere, taken in in bulk: each is created, or changes the one that it matches."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from chassis.binding import normal_id
from chassis.crud import check_parents, parents_of, stored
from chassis.errors import Invalid, Refused
from chassis.operations import command, query
from chassis.policy import nobody
from chassis.resources import Fields, Record, Resource
from chassis.unit import Unit

Key = tuple[str, ...]


@command(allow=nobody)
def import_records(unit: Unit, *, body: Any) -> list[dict[str, Any]]:
    """Create or change records: {kind, keys: [[field, …], …], records, silent?}; return their documents in order.

    `keys` are tried one after the other: `[["id"]]`, or `[["shotgun_id"], ["email"]]`. Raises Refused and Invalid with
    the number of the record that cannot be taken.
    """
    resource = unit.owned.get(body["kind"])
    if resource is None:
        raise Invalid(f"{unit.service} has no {body['kind']}.")
    live: list[Any] | None = [] if body.get("silent") else None
    intake = _Intake(unit, resource, [tuple(names) for names in body["keys"]], body["records"], live)
    return [orjson.loads(resource.doc(record)) for record in intake.take()]


class _Intake:
    """A batch on its way in; what it may match and link to is read before the first is written, in few statements."""

    def __init__(
        self, unit: Unit, resource: Resource, keys: list[Key], records: list[Mapping[str, Any]], live: list[Any] | None
    ) -> None:
        self._unit, self._resource, self._live = unit, resource, live
        self._records = records
        self._keys = keys
        self._found: dict[tuple[Key, tuple[Any, ...]], str] = {}

    def take(self) -> list[Record]:
        """Create and change records; return them in order."""
        fields = [self._numbered(number, self._fields, each) for number, each in enumerate(self._records, start=1)]
        self._learn(fields)
        given = zip(fields, self._records, strict=True)
        return [self._numbered(number, self._take, *each) for number, each in enumerate(given, start=1)]

    def _numbered(self, number: int, work: Any, *args: Any) -> Any:
        try:
            return work(*args)
        except (Refused, Invalid) as refusal:
            raise type(refusal)(f"Record {number}: {refusal.message}") from None

    def _fields(self, given: Mapping[str, Any]) -> Fields:
        by_name = self._resource.by_name
        return {name: stored(by_name[name], value) for name, value in given.items() if name in by_name}

    def _learn(self, batch: Sequence[Fields]) -> None:
        unit, kind = self._unit, self._resource.kind
        parents: dict[str, set[str]] = {}
        for fields in batch:
            for ref, ids in parents_of(unit, self._resource, fields):
                parents.setdefault(ref, set()).update(ids)
        for ref, wanted in parents.items():
            unit.learn(ref, wanted)
        for names in self._keys:
            if names == ("id",):
                unit.learn(kind, [normal_id(each["id"]) for each in self._records if each.get("id")])
                continue
            columns = ", ".join(f't."{name}"' for name in _real(self._resource, names))
            values = {value for fields in batch if (value := _value(names, fields)) is not None}
            if values:
                for record in unit.find(kind, f"({columns}) IN %s", (tuple(values),), "t.created_at"):
                    self._note(record)

    def _note(self, record: Record) -> None:
        for names in self._keys:
            value = _value(names, {**record.fields, "id": record.id})
            if value is not None:
                self._found.setdefault((names, value), record.id)

    def _known(self, fields: Fields, id_: str | None) -> Record | None:
        for names in self._keys:
            value = _value(names, {**fields, "id": id_})
            if value is None:
                continue
            if names == ("id",):
                return self._unit.get(self._resource.kind, id_)
            if found := self._found.get((names, value)):
                return self._unit.get(self._resource.kind, found)
        return None

    def _take(self, fields: Fields, given: Mapping[str, Any]) -> Record:
        unit, resource = self._unit, self._resource
        check_parents(unit, resource, fields)
        id_ = normal_id(given["id"]) if given.get("id") else None
        known = self._known(fields, id_)
        if known is not None:
            name = f"{unit.service}.{resource.kind.replace('_', '-')}-imported"
            return unit.update(known, fields, name=name, live=self._live)
        missing = [f.name for f in resource.fields if f.required and fields.get(f.name) is None]
        if missing:
            raise Refused(f"A required field is missing: {missing[0]}.")
        more = {"created_at": given["created_at"]} if given.get("created_at") else {}
        project_id = fields.get("project_id") or given.get("_project_id")
        made = unit.create(resource.kind, {**fields, **more}, id=id_, live=self._live, project_id=project_id)
        self._note(made)
        return made


def _value(names: Key, fields: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Return what `fields` hold under a key; None when a part of it is missing, as then nothing matches. Pure."""
    found = tuple(fields.get(name) for name in names)
    return None if None in found else found


@query(allow=nobody)
def find_imported(unit: Unit, *, body: Any) -> list[str]:
    """Return the ids of the records of `kind` that another system knows by a number: {kind, shotgun_id, where?}."""
    resource = unit.owned[body["kind"]]
    conditions = {"shotgun_id": body["shotgun_id"], **(body.get("where") or {})}
    where = " AND ".join(f't."{name}" = %s' for name in _real(resource, list(conditions)))
    return [record.id for record in unit.find(resource.kind, where, list(conditions.values()))]


def _real(resource: Resource, names: Sequence[str]) -> Sequence[str]:
    """Return `names` when the table has a column for each. Raises ValueError: a key that matches all is no key."""
    real = {field.name for field in resource.columns} | {"project_id"}
    if not names or not real.issuperset(names):
        raise ValueError(f"{resource.kind} cannot be found by {names}")
    return names
