"""What other systems may know of each event: a list of all, and a JSON Schema per version."""

import html
from typing import Any

import falcon
import orjson

from chassis.cloud import routing_key
from chassis.errors import NotFound
from chassis.messages import Reply
from contracts.event_schemas import event_schema
from contracts.events import FACTS
from gateway.routing import get

HEAD = (
    "<!doctype html><meta charset=utf-8><title>Kiroku events</title><style>body{font:15px sans-serif;margin:2em}"
    "td,th{text-align:left;padding:.2em 1em .2em 0;border-bottom:1px solid #ddd}</style><h1>Kiroku events</h1>"
    "<p>CloudEvents 1.0 in JSON, at the topic exchange <code>kiroku.events</code> and at "
    "<code>/data/events/feed</code>. Each type has a JSON Schema. <a href='/docs/events.json'>As JSON</a></p>"
    "<table><tr><th>type<th>routing key<th>record<th>change"
)


def _rows() -> list[dict[str, str]]:
    rows = []
    for type_, fact in sorted(FACTS.items()):
        row = {"type": type_, "routing_key": routing_key(fact.kind, fact.name), "kind": fact.kind, "op": fact.op}
        rows.append({**row, "schema": f"/docs/events/{type_}.json"})
    return rows


def event_page(gateway: Any, req: falcon.Request) -> Reply:
    """Return the list of all events as a page."""
    rows = [
        f'<tr><td><a href="{req.context.prefix}{row["schema"]}">{html.escape(row["type"])}</a>'
        + "".join(f"<td>{html.escape(row[name])}" for name in ("routing_key", "kind", "op"))
        for row in _rows()
    ]
    body = HEAD + "".join(rows) + "</table>"
    return Reply(body=body.encode(), content_type="text/html; charset=utf-8")


def event_list(gateway: Any, req: falcon.Request) -> Reply:
    """Return [{type, routing_key, kind, op, schema}] of all events."""
    return Reply(body=orjson.dumps(_rows()))


def schema(gateway: Any, req: falcon.Request, event_type: str) -> Reply:
    """Return the JSON Schema of one event, envelope included. Raises NotFound."""
    if event_type not in FACTS:
        raise NotFound
    return Reply(body=orjson.dumps(event_schema(event_type)), content_type="application/schema+json")


ROUTES = (
    get("/docs/events", event_page),
    get("/docs/events.json", event_list),
    get("/docs/events/{event_type}.json", schema),
)
