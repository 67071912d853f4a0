"""Documentation generated from the routes and the operations behind them."""

import html
from collections.abc import Iterable, Mapping
from typing import Any

from chassis.operations import Operation
from gateway.routing import PLACEHOLDER, Route


def describe(routes: Iterable[Route], operations: Mapping[str, Operation]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        entry = paths.setdefault(route.path, {})
        entry[route.method.lower()] = _operation(route, _behind(route, operations))
    info = {"title": "Kiroku", "version": "1.0.97", "description": "A production tracker that speaks the Kitsu API."}
    return {"openapi": "3.1.0", "info": info, "paths": paths}


def _behind(route: Route, operations: Mapping[str, Operation]) -> Operation | None:
    return operations.get(route.operation) if isinstance(route.operation, str) else None


def _operation(route: Route, operation: Operation | None) -> dict[str, Any]:
    names = PLACEHOLDER.findall(route.path)
    parameters = [{"name": n, "in": "path", "required": True, "schema": {"type": "string"}} for n in names]
    doc = operation.doc if operation else (getattr(route.operation, "__doc__", "") or "")
    found: dict[str, Any] = {"summary": doc.partition("\n")[0], "description": doc, "parameters": parameters}
    found["responses"] = {str(operation.status if operation else 200): {"description": "Success"}}
    if operation is None:
        return found
    found["operationId"] = f"{route.operation}"
    found["x-policy"] = operation.allow.name
    if operation.writes and operation.values:
        names_ = [p.name for p in operation.values]
        schema = {
            "type": "object",
            "properties": {n: {} for n in names_},
            "required": [p.name for p in operation.values if p.required],
        }
        found["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    else:
        parameters += [{"name": p.name, "in": "query", "required": p.required, "schema": {}} for p in operation.values]
    return found


def page(routes: Iterable[Route], operations: Mapping[str, Operation]) -> str:
    """Return an HTML table of all routes, their policies and what they do."""
    rows = []
    for route in sorted(routes, key=lambda r: (r.path, r.method)):
        operation = _behind(route, operations)
        doc = (operation.doc if operation else getattr(route.operation, "__doc__", "") or "").partition("\n")[0]
        cells = (route.method, route.path, operation.allow.name if operation else "public", doc)
        rows.append("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>")
    return (
        "<!doctype html><meta charset=utf-8><title>Kiroku API</title><style>body{font:15px sans-serif;margin:2em}"
        "td{padding:.2em 1em .2em 0;border-bottom:1px solid #ddd}td+td{overflow-wrap:anywhere}</style>"
        '<h1>Kiroku API</h1><p><a href="/openapi.json">OpenAPI document</a></p><table>' + "".join(rows) + "</table>"
    )
