"""Records from elsewhere, taken in in bulk: each is created, or changes the one that it matches."""

from collections.abc import Mapping
from typing import Any

import orjson

from chassis.crud import check_parents, stored
from chassis.errors import Invalid, Refused
from chassis.operations import command, query
from chassis.policy import nobody
from chassis.resources import Fields, Record, Resource
from chassis.unit import Unit


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
    found = []
    for number, given in enumerate(body["records"], start=1):
        try:
            record = _taken(unit, resource, given, body["keys"], live)
        except (Refused, Invalid) as refusal:
            raise type(refusal)(f"Record {number}: {refusal.message}") from None
        found.append(orjson.loads(resource.doc(record)))
    return found


def _taken(unit: Unit, resource: Resource, given: Mapping[str, Any], keys: list[list[str]], live: Any) -> Record:
    fields = {name: stored(resource.by_name[name], v) for name, v in given.items() if name in resource.by_name}
    check_parents(unit, resource, fields)
    known = _known(unit, resource, {**fields, "id": given.get("id")}, keys)
    if known is not None:
        return unit.update(known, fields, name=f"{unit.service}.{resource.kind.replace('_', '-')}-imported", live=live)
    missing = [f.name for f in resource.fields if f.required and fields.get(f.name) is None]
    if missing:
        raise Refused(f"A required field is missing: {missing[0]}.")
    more = {"created_at": given["created_at"]} if given.get("created_at") else {}
    project_id = fields.get("project_id") or given.get("_project_id")
    return unit.create(resource.kind, {**fields, **more}, id=given.get("id"), live=live, project_id=project_id)


def _known(unit: Unit, resource: Resource, fields: Fields, keys: list[list[str]]) -> Record | None:
    for names in keys:
        values = [fields.get(name) for name in names]
        if any(value is None for value in values):
            continue
        if names == ["id"]:
            return unit.get(resource.kind, str(values[0]))
        where = " AND ".join(f't."{name}" = %s' for name in _real(resource, names))
        record = unit.first(resource.kind, where, values, "t.created_at")
        if record is not None:
            return record
    return None


@query(allow=nobody)
def find_imported(unit: Unit, *, body: Any) -> list[str]:
    """Return the ids of the records of `kind` that another system knows by a number: {kind, shotgun_id, where?}."""
    resource = unit.owned[body["kind"]]
    conditions = {"shotgun_id": body["shotgun_id"], **(body.get("where") or {})}
    where = " AND ".join(f't."{name}" = %s' for name in _real(resource, list(conditions)))
    return [record.id for record in unit.find(resource.kind, where, list(conditions.values()))]


def _real(resource: Resource, names: list[str]) -> list[str]:
    """Return `names` when the table has a column for each. Raises ValueError: a key that matches all is no key."""
    real = {field.name for field in resource.columns} | {"project_id"}
    if not names or not real.issuperset(names):
        raise ValueError(f"{resource.kind} cannot be found by {names}")
    return names
