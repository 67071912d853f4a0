"""The address itself, its health and its documentation."""

from typing import Any

import falcon
import orjson

from chassis.errors import Unavailable
from chassis.messages import THE_SYSTEM, Reply, Request
from gateway.openapi import describe, page
from gateway.routing import get

VERSION = "1.0.97"


def name(gateway: Any, req: falcon.Request) -> Reply:
    """Return {api, version}: the version of the API that is spoken."""
    return Reply(body=orjson.dumps({"api": "Kiroku", "version": VERSION}))


def live(gateway: Any, req: falcon.Request) -> Reply:
    """Tell that the process answers."""
    return Reply(body=b'{"live":true}')


def ready(gateway: Any, req: falcon.Request) -> Reply:
    """Tell whether auth and its database answer. Raises Unavailable."""
    try:
        gateway.bus.call(Request("auth.count_people", actor=THE_SYSTEM))
    except Exception as problem:
        raise Unavailable("The database does not answer yet.") from problem
    return Reply(body=b'{"ready":true}')


def openapi(gateway: Any, req: falcon.Request) -> Reply:
    """Return the OpenAPI document of all served routes."""
    return Reply(body=orjson.dumps(describe(gateway.routes, gateway.description)))


def docs(gateway: Any, req: falcon.Request) -> Reply:
    """Return the documentation as a page that needs nothing from elsewhere."""
    return Reply(body=page(gateway.routes, gateway.description).encode(), content_type="text/html; charset=utf-8")


ROUTES = (
    get("/", name),
    get("/health/live", live),
    get("/health/ready", ready),
    get("/openapi.json", openapi),
    get("/docs", docs),
)
