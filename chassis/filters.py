"""Filters, pages and shapes of generic lists, as every `/data/<plural>` route has them."""

import re
from typing import TYPE_CHECKING, Any

import orjson

from chassis.binding import convert, is_uuid, normal_id, wire_moment
from chassis.errors import BadRequest, Invalid
from chassis.messages import Request
from chassis.resources import Field, Resource

if TYPE_CHECKING:
    from chassis.unit import Unit

RESERVED = {"page", "limit", "relations", "fields", "cursor_created_at"}
NEWEST = "t.updated_at DESC, t.created_at DESC, t.id"
PAGE_SIZE = 100
CASTS = {"uuid": "uuid", "integer": "bigint", "float": "double precision", "boolean": "boolean", "date": "date"}
WORDS = {"true": True, "false": False, "1": True, "0": False}


def conditions(resource: Resource, request: Request) -> tuple[list[str], list[Any]]:
    """Return SQL conditions and arguments for the filters of `request`. Raises Invalid and BadRequest."""
    where: list[str] = []
    args: list[Any] = []
    for name, values in request.query.items():
        if name in RESERVED:
            continue
        condition = _condition(resource, name, values[-1])
        if condition:
            where.append(condition[0])
            args.extend(condition[1])
    return where, args


def _condition(resource: Resource, name: str, text: str) -> tuple[str, list[Any]] | None:
    if name == "id":
        return _equal("t.id", "uuid", name, text)
    if name in ("created_at", "updated_at"):
        return f"date_trunc('second', t.{name}) = %s::timestamptz", [_moment(name, text)]
    field = resource.by_name.get(name)
    if field is None:
        return ("t.project_id = %s", [_scalar("uuid", name, text)]) if name == "project_id" else None
    if field.hidden:
        raise BadRequest(f"Field {name} can not be used as a filter.")
    if field.relation or field.type in ("uuids", "strings"):
        return _contains(field, text)
    expression = _expression(resource, field)
    if name == "name":
        return f"{expression} ILIKE %s", [text]
    return _equal(expression, field.type, name, text)


def _expression(resource: Resource, field: Field) -> str:
    if field.name == "project_id" or field in resource.columns:
        return f't."{field.name}"'
    cast = CASTS.get(field.type)
    value = f"((t.doc)::jsonb->>'{field.name}')"
    return f"{value}::{cast}" if cast else value


def _contains(field: Field, text: str) -> tuple[str, list[Any]]:
    value = _scalar("uuid", field.name, text) if field.type == "uuids" else text
    if field.column:
        sort = "uuid" if field.type == "uuids" else "text"
        return f't."{field.name}" @> ARRAY[%s]::{sort}[]', [value]
    return f"((left(t.doc, -1) || t.rel)::jsonb->'{field.name}') ? %s", [value]


def _equal(expression: str, kind: str, name: str, text: str) -> tuple[str, list[Any]]:
    if text.startswith("["):
        try:
            values = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise Invalid(f"Malformed list filter for field {name}.") from None
        found = [_scalar(kind, name, str(value)) for value in values]
        cast = CASTS.get(kind, "text")
        return f"{expression} = ANY(%s::{cast}[])", [found]
    return f"{expression} = %s", [_scalar(kind, name, text)]


def _scalar(kind: str, name: str, text: str) -> Any:
    if kind == "uuid":
        if not is_uuid(text):
            raise Invalid(f"Invalid UUID value: {text}")
        return normal_id(text)
    if kind == "boolean":
        if text.lower() not in WORDS:
            raise Invalid(f"Invalid boolean value: {text}")
        return WORDS[text.lower()]
    if kind in ("integer", "float"):
        try:
            return convert(text, int if kind == "integer" else float, text=True)
        except ValueError:
            raise BadRequest("One of the provided values has an invalid format.") from None
    if kind in ("date", "datetime"):
        return _moment(name, text)[: 10 if kind == "date" else 19]
    return text


def _moment(name: str, text: str) -> str:
    try:
        return wire_moment(text)
    except ValueError:
        raise Invalid(f"Invalid date format for '{name}': '{text}'. Expected an ISO 8601 date or datetime.") from None


def page_of(request: Request) -> tuple[int | None, int]:
    """Return (page, limit); page None means: no pages. Raises Invalid."""
    limit = _whole(request, "limit", PAGE_SIZE, "limit must be a positive integer.")
    if limit < 0:
        raise Invalid("limit must be a positive integer.")
    page = _whole(request, "page", -1, "page must be an integer.")
    return (None if page == -1 else page), limit or PAGE_SIZE


def _whole(request: Request, name: str, default: int, message: str) -> int:
    text = request.one(name)
    if text is None or text == "":
        return default
    if not re.fullmatch(r"-?\d{1,9}", text):
        raise Invalid(message)
    return int(text)


def listing(
    unit: "Unit", resource: Resource, where: list[str], args: list[Any], *, order: str = "t.created_at, t.id"
) -> bytes:
    """Return the list that a request with filters, page, relations and fields asks for."""
    request = unit.request
    page, limit = page_of(request)
    condition = " AND ".join(f"({part})" for part in where)
    relations = request.truth("relations")
    if page is None:
        return pick(request, unit.docs(resource.kind, condition, args, order, relations=relations))
    total = unit.count(resource.kind, condition, args)
    offset = (page - 1) * limit
    data = b"[]"
    if page > 0:
        data = pick(request, unit.docs(
            resource.kind, condition, args, NEWEST, relations=relations, limit=limit, offset=offset
        ))  # fmt: skip
    pages = -(-total // limit)
    facts = {"total": total, "nb_pages": pages, "limit": limit, "offset": offset, "page": page}
    return b'{"data":' + data + b"," + orjson.dumps(facts)[1:]


def pick(request: Request, documents: bytes) -> bytes:
    """Return `documents` with only the keys that `fields` names (id and type always stay)."""
    wanted = request.one("fields")
    if not wanted:
        return documents
    keep = {*wanted.split(","), "id", "type"}
    found = orjson.loads(documents)
    return orjson.dumps([{k: v for k, v in row.items() if k in keep} for row in found])
