"""Tokens: pairs of signed access and refresh tokens, and their revocation."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt

from chassis.resources import Record, wire_datetime
from chassis.unit import Unit


def new_pair(unit: Unit, person: Record) -> dict[str, str]:
    """Return {access, refresh}: two tokens tied by `refresh_jti`."""
    refresh_jti = str(uuid4())
    return {
        "access": access_token(unit, person, refresh_jti),
        "refresh": _signed(unit, person, "refresh", refresh_jti, unit.setting("refresh_seconds", 1_296_000), {}),
    }


def access_token(unit: Unit, person: Record, refresh_jti: str | None) -> str:
    """Return a new access token of the pair `refresh_jti`."""
    more = {"refresh_jti": refresh_jti, "requires_2fa_setup": False, "skip_2fa_setup": False}
    return _signed(unit, person, "access", str(uuid4()), unit.setting("access_seconds", 604_800), more)


def _signed(unit: Unit, person: Record, kind: str, jti: str, seconds: int, more: dict[str, Any]) -> str:
    now = int(unit.now.timestamp())
    claims = {"sub": person.id, "jti": jti, "type": kind, "identity_type": "person", "iat": now, "nbf": now}
    return jwt.encode({**claims, "exp": now + seconds, **more}, unit.setting("secret"), algorithm="HS256")


def lasting_token(unit: Unit, person: Record, kind: str, jti: str) -> str:
    """Return the token of a bot or of a person's scripts: without expiry, as `jti` is checked at every use."""
    claims = {"sub": person.id, "jti": jti, "type": "access", "identity_type": kind, "iat": int(unit.now.timestamp())}
    return jwt.encode(claims, unit.setting("secret"), algorithm="HS256")


def revoke(unit: Unit, jti: str | None) -> None:
    """Refuse the token `jti` from now on, and forget revocations that have outlived their tokens."""
    if not jti or is_revoked(unit, jti):
        return
    for old in unit.find("revoked_token", "t.expires_at < %s", (unit.now,), limit=100):
        unit.delete(old)
    until = unit.now + timedelta(seconds=unit.setting("refresh_seconds", 1_296_000))
    unit.create("revoked_token", {"jti": jti, "expires_at": wire_datetime(until.astimezone(UTC))})


def is_revoked(unit: Unit, jti: str) -> bool:
    """Tell whether the token was revoked."""
    return unit.first("revoked_token", "t.jti = %s", (jti,)) is not None


def seconds_since(moment: str | None, now: datetime) -> float:
    """Return the seconds from wire datetime `moment` to `now`; infinite for none."""
    if not moment:
        return float("inf")
    return (now - datetime.fromisoformat(moment).replace(tzinfo=UTC)).total_seconds()
