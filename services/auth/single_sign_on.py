"""Signing in at an identity provider: out by a redirect, back with an assertion, once each.

`services.auth.saml` is imported where it is used, as pysaml2 is large and most houses do without.
"""

import hashlib
import html
import logging
from typing import Any

from chassis.errors import DomainError
from chassis.messages import Reply, Request
from chassis.operations import command, query
from chassis.policy import anyone, nobody
from chassis.resources import Record, wire_datetime
from chassis.unit import Unit
from services.auth.passwords import by_email
from services.auth.sessions import signed_in_reply
from services.auth.tokens import is_revoked

logger = logging.getLogger(__name__)
NO_CACHE = {"Cache-Control": "no-cache, no-store", "Pragma": "no-cache"}
REDIRECTING = '<!doctype html>\n<title>Redirecting...</title>\n<p>Redirecting… <a href="{0}">Go on</a></p>\n'
HOME = "/"


@query(allow=nobody)
def get_ways_to_sign_in(unit: Unit) -> dict[str, Any]:
    """Return {saml_enabled, saml_idp_name} for the public configuration."""
    told = unit.setting("saml")
    return {"saml_enabled": bool(told), "saml_idp_name": told["idp_name"] if told else ""}


@query(allow=anyone)
def start_saml(unit: Unit, *, request: Request) -> Reply:
    """Redirect the browser to the identity provider. Source: GET /auth/saml/login.

    `relay_state`, a path of the web application, says where to go afterwards.
    """
    from services.auth.saml import sign_in_url

    told = _told(unit)
    wanted = local_path(request.one("relay_state"))
    return _redirect(sign_in_url(told, unit.setting("secret"), "" if wanted == HOME else wanted))


@query(allow=anyone)
def get_saml_metadata(unit: Unit) -> Reply:
    """Return our metadata, to be given to the identity provider."""
    from services.auth.saml import metadata_of

    return Reply(200, metadata_of(_told(unit)), "application/samlmetadata+xml")


@command(allow=anyone)
def finish_saml(unit: Unit, *, request: Request) -> Reply:
    """Sign in whom an assertion names, made on first sight, and go to the web application.

    Source: POST /auth/saml/sso.
    """
    from services.auth.saml import Identity, SamlRefused, read_answer

    told = _told(unit)
    text = request.form.get("SAMLResponse")
    if not text:
        raise _refusal("SAMLResponse is missing.")
    try:
        identity: Identity = read_answer(told, unit.setting("secret"), text)
    except SamlRefused as refused:
        logger.warning("a SAML answer was refused: %s", refused)
        raise _refusal("The answer of the identity provider was refused.") from None
    _take_once(unit, identity)
    person = _person(unit, identity)
    signed = signed_in_reply(unit, person, request)
    reply = _redirect(f"{unit.setting('domain', '')}{local_path(request.form.get('RelayState'))}")
    # The answer has no body for tokens, so whoever comes gets them as cookies.
    reply.notes = {**signed.notes, "cookies_alone": True}
    return reply


def local_path(wanted: str | None) -> str:
    """Return `wanted` where it is a path of our own web application, else its first page. Never another host."""
    if not wanted or not wanted.startswith("/") or wanted.startswith("//"):
        return HOME
    # Browsers read a backslash as a slash and skip control characters.
    if "\\" in wanted or not wanted.isascii() or not wanted.isprintable() or " " in wanted:
        return HOME
    return wanted[:1000]


def _told(unit: Unit) -> dict[str, Any]:
    told: dict[str, Any] = unit.setting("saml") or {}
    if not told:
        raise _refusal("SAML is not enabled.")
    return told


def _refusal(text: str) -> DomainError:
    return DomainError(text, code="saml.refused", body={"error": text})


def _redirect(address: str) -> Reply:
    page = REDIRECTING.format(html.escape(address, quote=True))
    return Reply(302, page.encode(), "text/html; charset=utf-8", {"Location": address, **NO_CACHE})


def _take_once(unit: Unit, identity: Any) -> None:
    """Refuse an assertion that was taken before; remember this one while it is valid."""
    known = hashlib.sha256(f"{identity.issuer} {identity.assertion_id}".encode()).hexdigest()
    used = f"saml {known[:50]}"
    if is_revoked(unit, used):
        logger.warning("a SAML assertion of %s was sent a second time", identity.issuer)
        raise _refusal("The answer of the identity provider was refused.")
    unit.create("revoked_token", {"jti": used, "expires_at": wire_datetime(identity.until)}, live=[])


def _person(unit: Unit, identity: Any) -> Record:
    """Return the person behind an identity: known by subject, else by e-mail, else new. Raises DomainError."""
    pair = {"saml_issuer": identity.issuer, "saml_subject": identity.subject}
    person = None
    if identity.subject:
        person = unit.first("person", "t.saml_issuer = %s AND t.saml_subject = %s", tuple(pair.values()))
    if person is None and identity.email:
        person = by_email(unit, identity.email)
        if person is not None and identity.subject:
            if person["saml_subject"] and person["saml_issuer"] == identity.issuer:
                raise _refusal("This e-mail belongs to somebody else at the identity provider.")
            person = unit.update(person, pair)
    if person is None:
        return _new_person(unit, identity, pair)
    if not person["active"] or person["is_bot"] or person["is_guest"]:
        raise _refusal("User is unactive.")
    return person


def _new_person(unit: Unit, identity: Any, pair: dict[str, str | None]) -> Record:
    if not identity.email:
        raise _refusal("The identity provider did not tell an e-mail.")
    names = {"first_name": identity.first_name or identity.email.partition("@")[0], "last_name": identity.last_name}
    known = pair if identity.subject else {}
    return unit.create("person", {**names, "email": identity.email, "role": "user", "active": True, **known})
