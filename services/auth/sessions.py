"""Signing in and out: passwords, lock-out, token pairs, who is signed in."""

from typing import Annotated, Any

import msgspec
import orjson

from chassis.binding import Id
from chassis.errors import Invalid, NotFound
from chassis.messages import Reply, Request
from chassis.operations import command, query
from chassis.passwords import hashed, matches
from chassis.policy import anyone, nobody, people, signed_in
from chassis.resources import Record, wire_datetime
from chassis.unit import Unit
from services.auth.organisation import organisation_for
from services.auth.tokens import access_token, is_revoked, new_pair, revoke, seconds_since

FAILURES = 5
LOCK_SECONDS = 60
SHORTEST = 8
Filled = Annotated[str, msgspec.Meta(min_length=1)]


@command(allow=anyone)
def login(unit: Unit, *, email: Filled, password: str = "default", request: Request) -> Reply:
    """Sign a person in and return both tokens.

    A wrong pair counts as failure; after five the account is locked for a minute. Failures are kept, so they are
    answered and not raised. Source: POST /auth/login.
    """
    person = unit.first("person", "lower(t.email) = lower(%s) OR t.desktop_login = %s", (email, email), "t.created_at")
    if person is not None and _locked(unit, person):
        return _refused({"too_many_failed_login_attemps": True})
    if not matches(password, person["password"] if person and not person["is_bot"] else None) or person is None:
        if person is not None:
            count = (person.get("login_failed_attemps", 0) % FAILURES) + 1
            now = wire_datetime(unit.now)
            unit.update(person, {"login_failed_attemps": count, "last_login_failed": now}, live=[])
        return _refused({"message": "Wrong email or password."})
    if not person["active"]:
        return _refused({"unactive": True, "message": "User is unactive."}, 401)
    unit.update(person, {"login_failed_attemps": 0}, live=[])
    headers = request.headers
    log = {"person_id": person.id, "ip_address": headers.get("ip"), "origin": headers.get("origin", "script")}
    unit.create("login_log", log)
    pair = new_pair(unit, person)
    body = {
        "user": _whole(unit, person),
        "organisation": organisation_for(unit, person["role"]),
        "login": True,
        "access_token": pair["access"],
        "refresh_token": pair["refresh"],
    }
    return Reply(200, orjson.dumps(body), notes={"cookies": pair})


def _locked(unit: Unit, person: Record) -> bool:
    enough = person.get("login_failed_attemps", 0) >= FAILURES
    return enough and seconds_since(person["last_login_failed"], unit.now) < LOCK_SECONDS


def _refused(facts: dict[str, Any], status: int = 400) -> Reply:
    return Reply(status, orjson.dumps({"login": False, **facts}))


def _whole(unit: Unit, person: Record) -> dict[str, Any]:
    resource = unit.resource("person")
    found: dict[str, Any] = orjson.loads(resource.doc(person)[:-1] + resource.rel(person))
    return {**found, "fido_devices": []}


@query(allow=people)
def refresh(unit: Unit, *, request: Request) -> Reply:
    """Return a new access token for a refresh token. Source: GET /auth/refresh-token."""
    person = unit.need("person", request.actor.person_id)
    token = access_token(unit, person, request.actor.claims.get("jti"))
    browser = request.headers.get("origin") == "web"
    body = {"refresh": True} if browser else {"access_token": token}
    return Reply(200, orjson.dumps(body), notes={"cookies": {"access": token}})


@command(allow=people)
def logout(unit: Unit, *, request: Request) -> Reply:
    """Revoke the token and its pair. Source: GET /auth/logout."""
    claims = request.actor.claims
    revoke(unit, claims.get("jti"))
    revoke(unit, claims.get("refresh_jti"))
    return Reply(200, b'{"logout":true}', notes={"clear_cookies": True})


@query(allow=signed_in)
def get_authenticated(unit: Unit) -> dict[str, Any]:
    """Tell who is signed in. Source: GET /auth/authenticated."""
    person = unit.need("person", unit.actor.person_id)
    organisation = organisation_for(unit, unit.actor.role)
    return {"authenticated": True, "user": _whole(unit, person), "organisation": organisation}


@command(allow=people)
def change_password(unit: Unit, *, old_password: Filled, password: Filled, password_2: Filled) -> dict[str, bool]:
    """Change one's own password; tokens stay valid. Source: POST /auth/change-password."""
    person = unit.need("person", unit.actor.person_id)
    if not matches(old_password, person["password"]):
        raise Invalid("Wrong password.")
    if password != password_2:
        raise Invalid("Passwords do not match.")
    if len(password) < SHORTEST:
        raise Invalid(f"Password is too short: use at least {SHORTEST} characters.")
    unit.update(person, {"password": hashed(password)}, name="auth.password-changed", live=[])
    return {"success": True}


@command(allow=nobody)
def set_password(unit: Unit, person_id: Id, *, password: Filled) -> None:
    """Set a person's password, for other services and the command line."""
    unit.update(unit.need("person", person_id), {"password": hashed(password)}, live=[])


@query(allow=nobody)
def get_identity(unit: Unit, person_id: Id, *, jti: str) -> dict[str, Any]:
    """Return who stands behind a token, for the gateway. Raises NotFound."""
    person = unit.get("person", person_id)
    if person is None:
        raise NotFound
    lasting = person["is_bot"] or (person["jti"] is not None and person["jti"] == jti)
    return {
        "person_id": person.id,
        "role": person["role"],
        "identity": "bot" if person["is_bot"] else "person_api" if lasting else "person",
        "departments": person["departments"] or [],
        "email": person["email"],
        "full_name": f"{person['first_name']} {person['last_name']}".strip(),
        "active": bool(person["active"]),
        "revoked": is_revoked(unit, jti) or (lasting and _outworn(unit, person, jti)),
    }


def _outworn(unit: Unit, person: Record, jti: str) -> bool:
    """Tell whether a lasting token is not the newest one, or past the person's expiration date."""
    until = person["expiration_date"]
    return person["jti"] != jti or (until is not None and until < unit.now.date().isoformat())


@query(allow=nobody)
def count_people(unit: Unit) -> int:
    """Return how many people there are: a sign of life of auth and its database."""
    return unit.count("person")
