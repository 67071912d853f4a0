"""The address itself, its health and its documentation."""

from typing import Any

import falcon
import orjson

from chassis.messages import THE_SYSTEM, Reply, Request
from gateway.openapi import describe, page
from gateway.routing import get

VERSION = "1.0.97"


def name(gateway: Any, req: falcon.Request) -> Reply:
    """Return {api, version}: the version of the API that is spoken."""
    return Reply(body=orjson.dumps({"api": "Kiroku", "version": VERSION}))


CONFIG = {
    "is_self_hosted": True,
    "crisp_token": "",
    "indexer_configured": True,
    "oidc_enabled": False,
    "oidc_idp_name": "",
    "default_locale": "en_US",
    "default_timezone": "Europe/Paris",
    "enforce_2fa": False,
    "movie_highdef_bitrate": 28,
    "movie_lowdef_bitrate": 6,
    "preview_accounts_enabled": True,
}


def config(gateway: Any, req: falcon.Request) -> Reply:
    """Return the public configuration; the theme is the organisation's. Source: GET /config."""
    found = orjson.loads(gateway.bus.call(Request("auth.list_organisations", actor=THE_SYSTEM)).read())
    dark = bool(found and found[0]["dark_theme_by_default"])
    ways = orjson.loads(gateway.bus.call(Request("auth.get_ways_to_sign_in", actor=THE_SYSTEM)).read())
    return Reply(body=orjson.dumps({**CONFIG, **ways, "dark_theme_by_default": dark}))


def openapi(gateway: Any, req: falcon.Request) -> Reply:
    """Return the OpenAPI document of all served routes."""
    return Reply(body=orjson.dumps(describe(gateway.routes, gateway.description)))


def docs(gateway: Any, req: falcon.Request) -> Reply:
    """Return the documentation as a page that needs nothing from elsewhere."""
    return Reply(body=page(gateway.routes, gateway.description).encode(), content_type="text/html; charset=utf-8")


ROUTES = (
    get("/", name),
    get("/config", config),
    get("/openapi.json", openapi),
    get("/docs", docs),
)
