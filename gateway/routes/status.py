"""How the system is, for people, probes and monitors."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import falcon
import orjson
import psutil

from chassis.errors import Forbidden, NotFound, Unauthorized, Unavailable
from chassis.messages import ADMIN, THE_SYSTEM, Reply, Request
from gateway.routes.index import VERSION
from gateway.routing import get, post

PARTS = ("database", "key-value-store", "event-stream", "job-queue", "indexer")


def services_of(gateway: Any) -> list[str]:
    """Return the names of the services behind the gateway."""
    return sorted({name.partition(".")[0] for name in gateway.description})


def silent(gateway: Any) -> list[str]:
    """Return the services that do not answer, or whose database does not."""

    def asked(service: str) -> bool:
        try:
            gateway.bus.call(Request(f"{service}.check_health", actor=THE_SYSTEM))
        except Exception:
            return False
        return True

    names = services_of(gateway)
    with ThreadPoolExecutor(len(names) or 1) as pool:
        return [name for name, well in zip(names, pool.map(asked, names), strict=True) if not well]


def live(gateway: Any, req: falcon.Request) -> Reply:
    """Tell that the process answers. Source: GET /health/live."""
    return Reply(body=b'{"live":true}')


def ready(gateway: Any, req: falcon.Request) -> Reply:
    """Tell whether all services and their databases answer. Raises Unavailable. Source: GET /health/ready."""
    missing = silent(gateway)
    if missing:
        raise Unavailable(f"Not ready yet: {', '.join(missing)}.")
    return Reply(body=b'{"ready":true}')


def _state(gateway: Any) -> dict[str, bool]:
    """Return the reference's five parts. Here the database is also index, queue and store: they are up with it."""
    well = not silent(gateway)
    return {f"{part}-up": well for part in PARTS}


def status(gateway: Any, req: falcon.Request) -> Reply:
    """Return name, version and what is up. Source: GET /status."""
    return Reply(body=orjson.dumps({"name": "Kiroku", "version": VERSION, **_state(gateway)}))


def status_text(gateway: Any, req: falcon.Request) -> Reply:
    """Return the same as lines of text. Source: GET /status.txt."""
    lines = [f"{name}: {'up' if up else 'down'}" for name, up in _state(gateway).items()]
    text = "\n".join(["name: Kiroku", f"version: {VERSION}", *lines, ""])
    return Reply(body=text.encode(), content_type="text/plain; charset=utf-8")


def status_influx(gateway: Any, req: falcon.Request) -> Reply:
    """Return the same as numbers. Source: GET /status/influx."""
    numbers = {name: int(up) for name, up in _state(gateway).items()}
    return Reply(body=orjson.dumps({**numbers, "time": time.time()}))


def resources(gateway: Any, req: falcon.Request) -> Reply:
    """Return load and memory of this machine. Source: GET /status/resources."""
    memory, load = psutil.virtual_memory(), psutil.getloadavg()
    names = ("last 1 min", "last 5 min", "last 10 min")
    jobs = int(gateway.bus.call(Request("media.count_jobs", actor=THE_SYSTEM)).read())
    body = {
        "date": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()),
        "cpu": {"percent": psutil.cpu_percent(percpu=True), "loadavg": dict(zip(names, load, strict=True))},
        "memory": {key: getattr(memory, key) for key in ("total", "used", "available", "percent")},
        "jobs": {"running_jobs": jobs},
    }
    return Reply(body=orjson.dumps(body))


def reset(gateway: Any, req: falcon.Request) -> Reply:
    """Go back to the fresh install; an administrator's, and only with KIROKU_DEV=1. Source: POST /dev/reset.

    Raises NotFound without KIROKU_DEV, Unauthorized and Forbidden.
    """
    if gateway.reset is None:
        raise NotFound
    actor = gateway.identities.actor_of(req, "access")
    if not actor.signed_in:
        raise Unauthorized(gateway.missing)
    if actor.role != ADMIN:
        raise Forbidden
    gateway.reset()
    return Reply(204)


ROUTES = (
    post("/dev/reset", reset),
    get("/health/live", live),
    get("/health/ready", ready),
    get("/status", status),
    get("/status.txt", status_text),
    get("/status/influx", status_influx),
    get("/status/resources", resources),
    get("/stats", "media.get_stats"),
)
