"""Second factors as people switch them on and off: PUT prepares, POST confirms, DELETE ends."""

from typing import Annotated, Any

import msgspec
import orjson
import pyotp

from chassis.binding import Id
from chassis.errors import Invalid
from chassis.messages import Reply
from chassis.operations import command
from chassis.policy import admins, anyone, people
from chassis.resources import Record
from chassis.unit import Unit
from services.auth import one_time
from services.auth.factors import (
    EMAIL_OTP,
    FACTORS,
    TOTP,
    Given,
    enabled,
    fits,
    new_recovery_codes,
    switched_off,
    switched_on,
    totp_step,
)
from services.auth.lockout import count_failure, is_locked
from services.auth.mailing import mail_is_on
from services.auth.passwords import by_email, need_person
from services.auth.tokens import new_pair

Filled = Annotated[str, msgspec.Meta(min_length=1)]
FACT = "auth.two-factor-changed"
LOCKED = {"too_many_failed_login_attemps": True, "message": "Too many wrong codes: wait a minute."}
WRONG = {"wrong_OTP": True, "message": "Wrong one-time code."}
MISSING = {"missing_OTP": True, "message": "A one-time code is missing."}


@command(allow=people)
def prepare_totp(unit: Unit) -> dict[str, str]:
    """Return a new secret, and the address an authenticator application reads. Source: PUT /auth/totp."""
    person = _oneself(unit)
    if person["totp_enabled"]:
        raise Invalid("TOTP is already enabled.")
    secret = pyotp.random_base32()
    unit.update(person, {"totp_secret": secret}, name=FACT, live=[])
    organisation = unit.first("organisation", order="t.created_at")
    issuer = f"Kitsu {organisation['name']}" if organisation and organisation["name"] != "Kitsu" else "Kitsu"
    uri = pyotp.TOTP(secret).provisioning_uri(name=person["email"], issuer_name=issuer)
    return {"totp_provisionning_uri": uri, "otp_secret": secret}


@command(allow=people)
def enable_totp(unit: Unit, *, totp: Filled) -> Reply:
    """Switch TOTP on with a first code. Source: POST /auth/totp."""
    person = _oneself(unit)
    if person["totp_enabled"]:
        raise Invalid("TOTP is already enabled.")
    if is_locked(unit, person):
        return _refused(person, LOCKED)
    if totp_step(unit, person["totp_secret"], totp) is None:
        count_failure(unit, person)
        return _refused(person, WRONG)
    return _switch_on(unit, person, TOTP)


@command(allow=people)
def disable_totp(
    unit: Unit,
    *,
    totp: str | None = None,
    email_otp: str | None = None,
    recovery_code: str | None = None,
) -> Reply:
    """Switch TOTP off; takes a valid factor. Source: DELETE /auth/totp."""
    return _disable(unit, TOTP, Given(totp, email_otp, recovery_code))


@command(allow=anyone)
def mail_sign_in_code(unit: Unit, *, email: str = "") -> dict[str, bool]:
    """Mail a code to sign in with, valid five minutes, to who has that factor. Source: GET /auth/email-otp."""
    if not email.strip():
        raise Invalid("Email parameter is missing.")
    person = by_email(unit, email)
    if person is not None and person["active"] and person["email_otp_enabled"] and mail_is_on(unit):
        one_time.issue(unit, person, one_time.EMAIL_OTP)
    return {"success": True}


@command(allow=people)
def prepare_email_otp(unit: Unit) -> dict[str, bool]:
    """Mail a first code. Source: PUT /auth/email-otp."""
    person = _oneself(unit)
    if person["email_otp_enabled"]:
        raise Invalid("Email OTP is already enabled.")
    if not mail_is_on(unit):
        raise Invalid("This server sends no mails.")
    one_time.issue(unit, person, one_time.EMAIL_OTP)
    return {"success": True}


@command(allow=people)
def enable_email_otp(unit: Unit, *, email_otp: Filled) -> Reply:
    """Switch mailed codes on with a first code. Source: POST /auth/email-otp."""
    person = _oneself(unit)
    if person["email_otp_enabled"]:
        raise Invalid("Email OTP is already enabled.")
    if is_locked(unit, person):
        return _refused(person, LOCKED)
    if not one_time.spend_digits(unit, person, email_otp):
        count_failure(unit, person)
        return _refused(person, WRONG)
    return _switch_on(unit, person, EMAIL_OTP)


@command(allow=people)
def disable_email_otp(
    unit: Unit,
    *,
    totp: str | None = None,
    email_otp: str | None = None,
    recovery_code: str | None = None,
) -> Reply:
    """Switch mailed codes off; takes a valid factor. Source: DELETE /auth/email-otp."""
    return _disable(unit, EMAIL_OTP, Given(totp, email_otp, recovery_code))


@command(allow=people)
def renew_recovery_codes(
    unit: Unit,
    *,
    totp: str | None = None,
    email_otp: str | None = None,
    recovery_code: str | None = None,
) -> Reply:
    """Replace the recovery codes; takes a valid factor. Source: PUT /auth/recovery-codes."""
    person = _oneself(unit)
    if not enabled(person):
        raise Invalid("Two factor authentication is not enabled.")
    refusal = _proof_refused(unit, person, Given(totp, email_otp, recovery_code))
    if refusal is not None:
        return refusal
    codes, kept = new_recovery_codes(unit, person)
    unit.update(person, {"otp_recovery_codes": kept}, name=FACT, live=[])
    return Reply(200, orjson.dumps({"otp_recovery_codes": codes}))


@command(allow=admins)
def disable_two_factor_of(unit: Unit, person_id: Id) -> dict[str, bool]:
    """Switch off all factors of somebody who lost them.

    Source: DELETE /actions/persons/{person_id}/disable-two-factor-authentication.
    """
    person = need_person(unit, person_id)
    if not person["active"]:
        raise Invalid("User is unactive.")
    if not enabled(person):
        raise Invalid("Two factor authentication is not enabled.")
    one_time.withdraw(unit, person, (one_time.EMAIL_OTP,))
    unit.update(person, switched_off(person, *FACTORS), name=FACT)
    return {"success": True}


def _oneself(unit: Unit) -> Record:
    return unit.need("person", unit.actor.person_id)


def _switch_on(unit: Unit, person: Record, factor: str) -> Reply:
    changes, codes = switched_on(unit, person, factor)
    person = unit.update(person, changes, name=FACT)
    pair = new_pair(unit, person)
    body = {"otp_recovery_codes": codes, "access_token": pair["access"], "refresh_token": pair["refresh"]}
    return Reply(200, orjson.dumps(body), notes={"cookies": pair})


def _disable(unit: Unit, factor: str, given: Given) -> Reply:
    person = _oneself(unit)
    if not person[f"{factor}_enabled"]:
        raise Invalid(f"{'TOTP' if factor == TOTP else 'Email OTP'} is not enabled.")
    refusal = _proof_refused(unit, person, given)
    if refusal is not None:
        return refusal
    unit.update(person, switched_off(unit.need("person", person.id), factor), name=FACT)
    return Reply(200, b'{"success":true}')


def _proof_refused(unit: Unit, person: Record, given: Given) -> Reply | None:
    """Return the refusal of a missing or wrong factor; None for a good one."""
    if is_locked(unit, person):
        return _refused(person, LOCKED)
    if given.missing:
        return _refused(person, MISSING)
    if fits(unit, person, given):
        return None
    count_failure(unit, person)
    return _refused(person, WRONG)


def _refused(person: Record, facts: dict[str, Any]) -> Reply:
    """Answer instead of raising: a failure that was counted must be kept."""
    return Reply(400, orjson.dumps({"error": True, **facts, **(asked_for(person) if facts is MISSING else {})}))


def asked_for(person: Record) -> dict[str, Any]:
    """Return which factors a person may use, as a refusal for want of one tells."""
    return {
        "preferred_two_factor_authentication": person["preferred_two_factor_authentication"],
        "two_factor_authentication_enabled": enabled(person),
    }
