"""The gateway: documented URLs on one side, operations of services on the other, and nothing in between."""

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from secrets import token_hex
from time import perf_counter
from typing import Any

import falcon
import orjson
from msgspec.structs import replace

from chassis import tracing
from chassis.at_once import waits
from chassis.errors import NOT_FOUND_TEXT, DomainError, TooManyRequests, TooSlow, Unauthorized
from chassis.messages import NOBODY, Actor, Reply, Request
from chassis.operations import Operation
from chassis.storage import ObjectStore
from chassis.telemetry import HTTP_REQUESTS, HTTP_SECONDS
from gateway import routes as tables
from gateway.identity import Bus, Identities
from gateway.replies import seen_by, send, together
from gateway.routing import Route, by_path
from gateway.throttle import SignInLimit
from gateway.uploads import drain, forget, read_body

logger = logging.getLogger(__name__)
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Content-Security-Policy": "frame-ancestors 'self'",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}
MISSING = 'Missing JWT in cookies or headers (Missing cookie "access_token_cookie"; Missing Authorization Header)'


class Gateway:
    """What every resource shares: the bus, the people behind tokens, the object store."""

    def __init__(
        self, bus: Bus, store: ObjectStore | None, identities: Identities, body_limit: int, sign_ins: SignInLimit
    ) -> None:
        """Serve operations of `bus`."""
        self.sign_ins = sign_ins
        self.bus = bus
        self.store = store
        self.identities = identities
        self.body_limit = body_limit
        self.public: set[str] = set()
        self.missing = MISSING
        self.description: Mapping[str, Operation] = {}
        self.routes: tuple[Route, ...] = ()
        self.reset: Callable[[], None] | None = None

    def serve(
        self, route: Route, names: tuple[str, ...], req: falcon.Request, resp: falcon.Response, values: Any
    ) -> None:
        """Answer one request by the operation of `route`."""
        path = dict(zip(names, values, strict=True))
        req.context.operation = route.name
        if callable(route.operation):
            waits()
            send(resp, req, route.operation(self, req, **path), self.store)
            return
        actor = req.context.actor = self._actor(req, route)
        request = Request(route.operation, path, _query(req), actor=actor, request_id=req.context.request_id)
        _headers(req, request)
        request.headers["ip"] = self.sign_ins.address_of(req)
        try:
            if req.method in ("POST", "PUT", "DELETE"):
                try:
                    read_body(req, request, self.store, self.body_limit, json_only=route.json_only)
                except TimeoutError:
                    raise TooSlow("The body did not arrive: nothing came for a minute.") from None
            reply = self._reply(route, request)
        finally:
            forget(request, self.store)
        if "auth" in reply.positions:
            self.identities.drop()
        send(resp, req, reply, self.store)

    def _reply(self, route: Route, request: Request) -> Reply:
        """Return what the services answer, who work at the same time where there are several."""
        if route.limited:
            return self.sign_ins.call(self.bus, request)
        if not route.also:
            return self.bus.call(request)
        waiting = [self.bus.begin(replace(request, operation=name)) for name in (request.operation, *route.also)]
        return together([wait() for wait in waiting])

    def _actor(self, req: falcon.Request, route: Route) -> Actor:
        """Return who asks. Public routes open to outworn tokens too: else nobody could sign in again."""
        public = route.operation in self.public
        try:
            actor = self.identities.actor_of(req, route.token)
        except Unauthorized:
            if not public:
                raise
            return NOBODY
        if not actor.signed_in and not public:
            raise Unauthorized(MISSING)
        return actor


def _query(req: falcon.Request) -> dict[str, list[str]]:
    if not req.query_string:
        return {}
    values = falcon.uri.parse_query_string(req.query_string, keep_blank=True, csv=False)
    return {name: value if isinstance(value, list) else [value] for name, value in values.items()}


def _trace(req: falcon.Request) -> dict[str, str]:
    return {name: value for name in ("traceparent", "tracestate") if (value := req.get_header(name))}


def _headers(req: falcon.Request, request: Request) -> None:
    request.needs = seen_by(req)
    # As WSGI has them: Falcon's way to a header takes ten times as long, and each request has these looked up.
    told = req.env.get
    request.idempotency_key = told("HTTP_IDEMPOTENCY_KEY")
    request.if_match = told("HTTP_IF_MATCH")
    # A proxy that compresses on the way makes tags weak.
    request.if_none_match = told("HTTP_IF_NONE_MATCH", "").removeprefix("W/") or None
    request.headers = {
        "origin": "web" if "Mozilla" in told("HTTP_USER_AGENT", "") else "script",
        "accept": told("HTTP_ACCEPT") or "*/*",
    }


class Door:
    """Falcon middleware: request ids, the /api prefix, trailing slashes, security headers."""

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Name the request and find its path."""
        req.context.started = perf_counter()
        given = req.env.get("HTTP_X_REQUEST_ID", "")
        req.context.request_id = given if given and re.fullmatch(r"[\w.-]{1,64}", given) else token_hex(16)
        resp.set_header("X-Request-Id", req.context.request_id)
        if "//" in req.path:
            query = f"?{req.query_string}" if req.query_string else ""
            raise falcon.HTTPPermanentRedirect(re.sub(r"/{2,}", "/", req.path) + query)
        req.context.prefix = "/api" if req.path == "/api" or req.path.startswith("/api/") else ""
        if req.context.prefix:
            req.path = req.path[4:] or "/"

    def process_response(self, req: falcon.Request, resp: falcon.Response, resource: Any, succeeded: bool) -> None:
        """Add what every reply carries, once the client has sent all it had to say."""
        if req.method in ("POST", "PUT", "PATCH", "DELETE") and str(resp.status)[:3] != "408":
            drain(req)
        for name, value in SECURITY.items():
            resp.set_header(name, value)
        _observe(req, resp)


def _observe(req: falcon.Request, resp: falcon.Response) -> None:
    seconds = perf_counter() - req.context.started
    operation, status = getattr(req.context, "operation", "none"), str(resp.status)[:3]
    HTTP_SECONDS.observe(seconds, operation)
    HTTP_REQUESTS.add(1, operation, status)
    if logger.isEnabledFor(logging.INFO):
        actor = getattr(req.context, "actor", NOBODY)
        more = {
            "request_id": req.context.request_id, "actor": actor.person_id or actor.role, "operation": operation,
            "method": req.method, "path": req.path, "status": int(status), "seconds": round(seconds, 6),
        }  # fmt: skip
        logger.info("%s %s", req.method, req.path, extra=more)


def _resource(gateway: Gateway, verbs: dict[str, tuple[Route, tuple[str, ...]]]) -> object:
    """Return the Falcon resource of one path: a responder per verb."""
    members = {}
    for method, (route, names) in verbs.items():

        def respond(
            self: object, req: falcon.Request, resp: falcon.Response,
            route: Route = route, names: tuple[str, ...] = names, **values: str,
        ) -> None:  # fmt: skip
            if not tracing.enabled():
                gateway.serve(route, names, req, resp, values.values())
                return
            # A request that is begun again would be two in the trace.
            waits()
            with tracing.span(f"{req.method} {route.path}", headers=_trace(req), request_id=req.context.request_id):
                gateway.serve(route, names, req, resp, values.values())

        members[f"on_{method.lower()}"] = respond
    if "on_get" in members:
        members["on_head"] = members["on_get"]
    return type("Resource", (), members)()


def create_app(
    bus: Bus,
    *,
    store: ObjectStore | None,
    secret: str,
    body_limit: int = 10 * 1024**3,
    describe: Mapping[str, Operation],
    routes: Iterable[Route] | None = None,
    identities: Identities | None = None,
    sign_ins: SignInLimit | None = None,
    reset: Callable[[], None] | None = None,
) -> "falcon.App[falcon.Request, falcon.Response]":
    """Return the WSGI application over the operations that `describe` holds by full name.

    `identities` may be shared with live events, so that both forget people at the same moment; `reset` serves
    POST /dev/reset.
    """
    gateway = Gateway(bus, store, identities or Identities(bus, secret), body_limit, sign_ins or SignInLimit())
    known = [
        r
        for r in (tables.all_routes() if routes is None else routes)
        if callable(r.operation) or r.operation in describe
    ]
    gateway.description, gateway.routes, gateway.reset = describe, tuple(known), reset
    gateway.public = {name for name, operation in describe.items() if operation.allow.name == "public"}
    app = falcon.App(middleware=[Door()])
    app.req_options.strip_url_path_trailing_slash = True
    app.resp_options.secure_cookies_by_default = False
    for template, verbs in by_path(known).items():
        app.add_route(template, _resource(gateway, verbs))
    app.add_error_handler(DomainError, _refuse)
    app.add_error_handler(Exception, _fail)
    app.add_error_handler(falcon.HTTPError, _http_error)
    app.add_error_handler(falcon.HTTPStatus, _http_status)
    return app


def _refuse(req: falcon.Request, resp: falcon.Response, error: DomainError, params: Any) -> None:
    resp.status = f"{error.status} {HTTPStatus(error.status).phrase}"
    resp.content_type = "application/json"
    resp.data = orjson.dumps(error.body())
    if isinstance(error, TooManyRequests):
        resp.set_header("Retry-After", str(error.retry_after))


def _http_error(req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError, params: Any) -> None:
    texts = {404: NOT_FOUND_TEXT, 405: "405 Method Not Allowed: The method is not allowed for the requested URL."}
    for name, value in (error.headers or {}).items() if isinstance(error.headers, dict) else ():
        resp.set_header(name, value)
    resp.status = error.status
    resp.content_type = "application/json"
    text = texts.get(error.status_code, error.description or error.title)
    resp.data = orjson.dumps({"error": True, "message": text})


def _http_status(req: falcon.Request, resp: falcon.Response, status: falcon.HTTPStatus, params: Any) -> None:
    resp.status = status.status
    for name, value in dict(status.headers or {}).items():
        resp.set_header(name, value)


def _fail(req: falcon.Request, resp: falcon.Response, error: Exception, params: Any) -> None:
    more = {"request_id": req.context.request_id, "operation": getattr(req.context, "operation", None)}
    logger.error("request %s failed: %s %s", req.context.request_id, req.method, req.path, exc_info=error, extra=more)
    resp.status = falcon.HTTP_500
    resp.content_type = "application/json"
    resp.data = orjson.dumps({"error": True, "message": "Internal server error."})
