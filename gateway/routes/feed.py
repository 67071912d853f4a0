"""The log of a service as other systems read it: from a position on, page by page."""

from typing import Any

import falcon

from chassis.errors import Invalid, Unauthorized
from chassis.messages import Actor, Reply, Request
from gateway.routes.events import SERVICES
from gateway.routing import get

ASKED = ("after", "limit", "kind")


def feed(gateway: Any, req: falcon.Request) -> Reply:
    """Return {service, events, position, head} of one service's log to admins, oldest first, as CloudEvents 1.0.

    Query: service, after (position, 0 for all), limit (500, at most 1000), kind (repeatable). `position` is what to
    ask after next; there is more while it is smaller than `head`. Source: GET /data/events/feed.
    """
    actor: Actor = gateway.identities.actor_of(req, "access")
    if not actor.signed_in:
        raise Unauthorized(gateway.missing)
    service = req.get_param("service") or ""
    if service not in SERVICES:
        raise Invalid(f"Wrong value for parameter service: name one of {', '.join(SERVICES)}.")
    query = {name: values for name in ASKED if (values := req.get_param_as_list(name))}
    request = Request(f"{service}.list_feed", query=query, actor=actor, request_id=req.context.request_id)
    reply: Reply = gateway.bus.call(request)
    return reply


ROUTES = (get("/data/events/feed", feed),)
