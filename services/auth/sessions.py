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
from chassis.resources import Record
from chassis.unit import Unit
from services.auth.factors import Given, enabled, fits
from services.auth.lockout import count_failure, forget_failures, is_locked
from services.auth.one_time import RESET, issue, token_of
from services.auth.organisation import organisation_for
from services.auth.passwords import check_new_password, set_new
from services.auth.tokens import access_token, is_revoked, new_pair, revoke
from services.auth.two_factor import asked_for

# Who was given this word as password has to choose a real one first.
UNSET = "default"
Filled = Annotated[str, msgspec.Meta(min_length=1)]


@command(allow=anyone)
def login(
    unit: Unit,
    *,
    email: Filled,
    password: str = "default",
    totp: str | None = None,
    email_otp: str | None = None,
    recovery_code: str | None = None,
    request: Request,
) -> Reply:
    """Sign a person in and return both tokens; who has a second factor brings one of its codes.

    A wrong pair or code counts as failure; after five the account is locked for a minute. Failures are kept, so they
    are answered and not raised. Source: POST /auth/login.
    """
    person = unit.first("person", "lower(t.email) = lower(%s) OR t.desktop_login = %s", (email, email), "t.created_at")
    if person is not None and is_locked(unit, person):
        return _refused({"too_many_failed_login_attemps": True})
    if not matches(password, person["password"] if person and not person["is_bot"] else None) or person is None:
        if person is not None:
            count_failure(unit, person)
        return _refused({"message": "Wrong email or password."})
    if not person["active"]:
        return _refused({"unactive": True, "message": "User is unactive."}, 401)
    if password == UNSET:
        code = issue(unit, person, RESET, mail=False)
        return _refused({"default_password": True, "token": token_of(unit, code) if code else None})
    refusal = _second_factor(unit, person, Given(totp, email_otp, recovery_code))
    return refusal or signed_in_reply(unit, person, request)


def _second_factor(unit: Unit, person: Record, given: Given) -> Reply | None:
    if not enabled(person):
        return None
    if given.missing:
        return _refused({"missing_OTP": True, **asked_for(person)})
    if fits(unit, person, given, signs_in=True):
        return None
    count_failure(unit, person)
    return _refused({"wrong_OTP": True})


def signed_in_reply(unit: Unit, person: Record, request: Request) -> Reply:
    """Note the sign-in of `person` and return the body and both tokens."""
    forget_failures(unit, person)
    headers = request.headers
    log = {"person_id": person.id, "ip_address": headers.get("ip"), "origin": headers.get("origin", "script")}
    unit.create("login_log", log)
    person = unit.need("person", person.id)
    pair = new_pair(unit, person)
    body = {
        "user": _whole(unit, person),
        "organisation": organisation_for(unit, person["role"]),
        "login": True,
        "access_token": pair["access"],
        "refresh_token": pair["refresh"],
    }
    return Reply(200, orjson.dumps(body), notes={"cookies": pair})


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
    check_new_password(password, password_2)
    set_new(unit, person, password)
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
