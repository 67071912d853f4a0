"""Replies of services on the wire: bodies, files, cookies and the causal token."""

import re
from http import HTTPStatus

import falcon

from chassis.at_once import pass_on, waits
from chassis.messages import Reply
from chassis.storage import ObjectStore
from gateway.files import send_file
from gateway.identity import COOKIES, seconds_left

SEEN = "kiroku_seen"


def send(resp: falcon.Response, req: falcon.Request, reply: Reply, store: ObjectStore | None) -> None:
    """Put `reply` on the wire, with its cookies and the causal token; a file of it comes out of `store`."""
    resp.status = f"{reply.status} {HTTPStatus(reply.status).phrase}"
    for name, value in reply.headers.items():
        resp.set_header(name, value)
    _cookies(req, resp, reply)
    if reply.positions:
        seen = {**seen_by(req), **reply.positions}
        text = "_".join(f"{service}-{position}" for service, position in sorted(seen.items()))
        resp.set_header("X-Kiroku-Seen", text)
        secure = req.forwarded_scheme == "https"
        resp.set_cookie(SEEN, text, path="/", secure=secure, http_only=True, same_site="Lax")
    if reply.file is not None and store is not None:
        waits()
        pass_on()
        send_file(req, resp, store, reply)
        return
    if reply.status in (204, 304):
        return
    resp.content_type = reply.content_type
    if isinstance(reply.body, bytes):
        resp.data = reply.body
    else:
        resp.stream = reply.chunks()


def together(replies: list[Reply]) -> Reply:
    """Return the first of several replies, each a JSON object with members, with the members of all. Pure."""
    positions: dict[str, int] = {}
    for reply in replies:
        positions |= reply.positions
    members = b",".join(reply.read()[1:-1] for reply in replies)
    return Reply(replies[0].status, b"{%b}" % members, headers=replies[0].headers, positions=positions)


def _cookies(req: falcon.Request, resp: falcon.Response, reply: Reply) -> None:
    if "Mozilla" not in (req.user_agent or "") and not reply.notes.get("cookies_alone"):
        return
    # The browser sends the refresh token only to where it is used, and that is below the prefix it came by.
    paths = {"access": "/", "refresh": f"{req.context.prefix}/auth/refresh-token"}
    secure = req.forwarded_scheme == "https"
    for kind, token in reply.notes.get("cookies", {}).items():
        resp.set_cookie(
            COOKIES[kind], token, path=paths[kind], max_age=seconds_left(token), http_only=True, secure=secure,
            same_site="Lax",
        )  # fmt: skip
    if reply.notes.get("clear_cookies"):
        for kind, name in COOKIES.items():
            resp.unset_cookie(name, path=paths[kind], same_site="Lax")


def seen_by(req: falcon.Request) -> dict[str, int]:
    """Return the positions that a client has seen, by service: its causal token."""
    text = req.env.get("HTTP_X_KIROKU_SEEN")
    if not text and "HTTP_COOKIE" in req.env:
        text = next(iter(req.get_cookie_values(SEEN) or ()), "")
    if not text:
        return {}
    found = re.findall(r"([a-z]+)-(\d{1,18})", text)
    return {service: int(position) for service, position in found}
