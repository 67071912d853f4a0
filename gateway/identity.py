"""From token to Actor: signature and expiry here, person and revocation from auth, kept for a moment."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

import falcon
import jwt
import orjson

from chassis.errors import NotFound, Unauthorized, WrongToken
from chassis.messages import NOBODY, THE_SYSTEM, Actor, Reply, Request

KEPT_SECONDS = 60.0
COOKIES = {"access": "access_token_cookie", "refresh": "refresh_token_cookie"}


class Bus(Protocol):
    """Where requests go."""

    def call(self, request: Request) -> Reply:
        """Return the reply of the operation that `request` names. Raises its DomainError."""
        ...

    def begin(self, request: Request) -> Callable[[], Reply]:
        """Begin what `call` does, where somebody else does it; return what waits for the reply, to be called once."""
        ...


class Identities:
    """The people behind tokens. Entries live for a minute and are dropped when auth changes anything."""

    def __init__(self, bus: Bus, secret: str, previous: str = "", mark: Callable[[], int] = lambda: 0) -> None:
        """Check tokens against `secret` (HS256), then against the one before, if any, and people against auth.

        `mark` returns another number after each change of auth by a process that cannot `drop` here.
        """
        self._bus = bus
        self._mark = mark
        self._secrets = (secret, previous) if previous else (secret,)
        self._kept: dict[str, tuple[float, int, Actor]] = {}
        self._lock = threading.Lock()

    def drop(self) -> None:
        """Forget everybody: somebody has changed, signed out or was locked."""
        with self._lock:
            self._kept.clear()

    def actor_of(self, request: falcon.Request, kind: str) -> Actor:
        """Return who sends `request` with a token of `kind`; NOBODY without a token.

        Raises Unauthorized for expired, revoked or unknown ones and WrongToken for malformed ones.
        """
        token = _token_of(request, kind)
        return NOBODY if token is None else self.actor_for(token, kind)

    def actor_for(self, token: str, kind: str) -> Actor:
        """Return who comes with `token`. Raises Unauthorized and WrongToken."""
        key, mark = f"{kind} {token}", self._mark()
        kept = self._kept.get(key)
        if kept and kept[0] > time.monotonic() and kept[1] == mark:
            return kept[2]
        claims = self._claims(token, kind)
        actor = self._ask(claims)
        with self._lock:
            until = min(KEPT_SECONDS, max(0.0, claims.get("exp", time.time() + KEPT_SECONDS) - time.time()))
            self._kept[key] = (time.monotonic() + until, mark, actor)
        return actor

    def _claims(self, token: str, kind: str) -> dict[str, Any]:
        try:
            claims = self._decoded(token)
        except jwt.ExpiredSignatureError:
            raise Unauthorized("Token has expired") from None
        except jwt.InvalidTokenError as problem:
            raise WrongToken(str(problem)) from None
        if claims.get("type") != kind:
            raise WrongToken(f"Only {kind} tokens are allowed")
        return claims

    def _decoded(self, token: str) -> dict[str, Any]:
        for secret in self._secrets[:-1]:
            with suppress(jwt.InvalidSignatureError):
                return dict(jwt.decode(token, secret, algorithms=["HS256"]))
        return dict(jwt.decode(token, self._secrets[-1], algorithms=["HS256"]))

    def _ask(self, claims: dict[str, Any]) -> Actor:
        path = {"person_id": str(claims.get("sub"))}
        request = Request("auth.get_identity", path, {"jti": [str(claims.get("jti"))]}, actor=THE_SYSTEM)
        try:
            found = orjson.loads(self._bus.call(request).read())
        except NotFound:
            raise Unauthorized("User not found") from None
        if found["revoked"] or not found["active"]:
            raise Unauthorized("Token has been revoked")
        identity = claims.get("identity_type", found["identity"])
        return Actor(
            found["person_id"], found["role"], identity, tuple(found["departments"]), found["email"],
            found["full_name"], claims,
        )  # fmt: skip


def seconds_left(token: str) -> int:
    """Return how long a token that this house has just made stays valid."""
    claims = jwt.decode(token, options={"verify_signature": False})
    return max(0, int(claims["exp"] - time.time()))


def _token_of(request: falcon.Request, kind: str) -> str | None:
    header = request.auth
    if header and header.lower().startswith("bearer "):
        return header[7:].strip() or None
    values = request.get_cookie_values(COOKIES[kind])
    return values[0] if values else None
