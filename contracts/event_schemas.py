"""A JSON Schema for each version of each event, made from the fields of its record."""

from typing import Any

from chassis.cloud import source_of
from chassis.events import CREATE, DELETE, UPDATE
from chassis.resources import Field, Resource
from contracts.events import FACTS, KINDS, Fact

Schema = dict[str, Any]
ID: Schema = {"type": "string", "format": "uuid"}
MAYBE_ID: Schema = {"type": ["string", "null"], "format": "uuid"}
TYPES: dict[str, Schema] = {
    "uuid": ID,
    "string": {"type": "string"},
    "text": {"type": "string"},
    "enum": {"type": "string"},
    "integer": {"type": "integer"},
    "float": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date", "pattern": r"^\d{4}-\d\d-\d\d$"},
    "datetime": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$", "description": "in UTC"},
    "json": {},
    "uuids": {"type": "array", "items": ID},
    "strings": {"type": "array", "items": {"type": "string"}},
}
SAYS = {
    CREATE: "`new` holds all fields of the record, `old` nothing.",
    UPDATE: "`new` and `old` hold the fields that changed, and no others.",
    DELETE: "`old` holds all fields that the record had, `new` nothing.",
}


def event_schema(type_: str) -> Schema:
    """Return the JSON Schema (2020-12) of a versioned event, envelope included. KeyError for an unknown type. Pure."""
    fact = FACTS[type_]
    told = KINDS[fact.kind]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"/docs/events/{type_}.json",
        "title": type_,
        "description": f"{told.type}, {fact.op}. {SAYS[fact.op]} Readers ignore what they do not know.",
        "type": "object",
        "required": ["specversion", "id", "source", "type", "subject", "time", "position", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "pattern": rf"^{fact.service}-[1-9]\d*$"},
            "source": {"const": source_of(fact.service)},
            "type": {"const": type_},
            "subject": {"type": "string", "pattern": rf"^{fact.kind}-[0-9a-f-]{{36}}$"},
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "position": {"type": "integer", "minimum": 1},
            "project": ID,
            "data": _data(fact, told),
        },
    }


def _data(fact: Fact, told: Resource) -> Schema:
    fields: Schema = {"type": "object", "properties": _fields(told)}
    nothing: Schema = {"type": "object", "maxProperties": 0}
    return {
        "type": "object",
        "required": ["kind", "id", "version", "op", "new", "old"],
        "properties": {
            "kind": {"const": fact.kind},
            "id": ID,
            "version": {"type": "integer", "minimum": 1},
            "op": {"const": fact.op},
            "new": nothing if fact.op == DELETE else fields,
            "old": nothing if fact.op == CREATE else fields,
            "actor_id": MAYBE_ID,
            "on_behalf_of": MAYBE_ID,
            "request_id": {"type": "string"},
        },
    }


def _fields(told: Resource) -> Schema:
    found = {field.name: field_schema(field) for field in told.fields if not field.secret}
    return {**found, "created_at": field_schema(Field("created_at", "datetime"))}


def field_schema(field: Field) -> Schema:
    """Return the JSON Schema of a field's value. Pure."""
    found = dict(TYPES[field.type])
    if field.choices:
        found["enum"] = list(field.choices)
    if field.nullable and not field.required and "type" in found:
        found["type"] = [found["type"], "null"]
        if field.choices:
            found["enum"].append(None)
    if field.ref:
        found["description"] = f"{'ids' if field.type == 'uuids' else 'id'} of {field.ref}"
    return found
