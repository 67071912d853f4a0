"""Metrics of this process for Prometheus."""

from typing import Any

import falcon

from chassis.errors import Forbidden, Unauthorized
from chassis.messages import ADMIN, Actor, Reply
from chassis.telemetry import CONTENT_TYPE, exposition
from gateway.routing import get

LOOPBACK = ("127.0.0.1", "::1")
FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via")


def local(req: falcon.Request) -> bool:
    """Tell whether a request comes from this machine itself and not through a proxy on it."""
    return req.remote_addr in LOOPBACK and not any(req.get_header(name) for name in FORWARDED)


def metrics(gateway: Any, req: falcon.Request) -> Reply:
    """Return the metrics in Prometheus' text format: to this machine, and to admins from anywhere else."""
    if not local(req):
        actor: Actor = gateway.identities.actor_of(req, "access")
        if not actor.signed_in:
            raise Unauthorized(gateway.missing)
        if actor.role != ADMIN:
            raise Forbidden
    return Reply(body=exposition(), content_type=CONTENT_TYPE)


ROUTES = (get("/metrics", metrics),)
