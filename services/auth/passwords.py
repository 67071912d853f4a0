"""Passwords beyond signing in: forgotten ones, invitations, those that admins set."""

from typing import Annotated

import msgspec

from chassis.binding import Id
from chassis.errors import Forbidden, Invalid
from chassis.operations import command
from chassis.passwords import hashed
from chassis.policy import admins, anyone
from chassis.resources import Record
from chassis.unit import Unit
from services.auth.lockout import forget_failures
from services.auth.mailing import link_of, mail_is_on
from services.auth.one_time import INVITATION, RESET, issue, spend_token, withdraw

SHORTEST = 8
Filled = Annotated[str, msgspec.Meta(min_length=1)]
WRONG_TOKEN = "Wrong or expired token."


def check_new_password(password: str, again: str) -> None:
    """Raise Invalid unless both are equal and long enough."""
    if password != again:
        raise Invalid("Passwords do not match.")
    if len(password) < SHORTEST:
        raise Invalid(f"Password is too short: use at least {SHORTEST} characters.")


def by_email(unit: Unit, email: str) -> Record | None:
    """Return the person, not a bot, who signs in with `email`."""
    return unit.first("person", "lower(t.email) = lower(%s) AND t.is_bot IS NOT TRUE", (email.strip(),))


def need_person(unit: Unit, person_id: Id) -> Record:
    """Return a person who can sign in. Raises NotFound, and Forbidden for bots."""
    person = unit.need("person", person_id)
    if person["is_bot"]:
        raise Forbidden
    return person


def set_new(unit: Unit, person: Record, password: str) -> None:
    """Store a new password; links to set another one are void from now on."""
    unit.update(person, {"password": hashed(password)}, name="auth.password-changed", live=[])
    withdraw(unit, person, (RESET, INVITATION))
    forget_failures(unit, person)


@command(allow=anyone)
def request_reset(unit: Unit, *, email: Filled) -> dict[str, str]:
    """Mail a link that sets a new password; the answer does not tell who exists. Source: POST /auth/reset-password."""
    person = by_email(unit, email)
    if person is not None and person["active"] and mail_is_on(unit):
        issue(unit, person, RESET)
    return {"success": "Reset token sent"}


@command(allow=anyone)
def reset_password(unit: Unit, *, email: Filled, token: Filled, password: Filled, password2: Filled) -> dict[str, bool]:
    """Set a new password with the token of a link, which works once. Source: PUT /auth/reset-password."""
    check_new_password(password, password2)
    person = by_email(unit, email)
    if person is None or not spend_token(unit, person, token):
        raise Invalid(WRONG_TOKEN)
    if not person["active"]:
        raise Invalid("User is unactive.")
    set_new(unit, person, password)
    return {"success": True}


@command(allow=admins)
def invite(unit: Unit, person_id: Id) -> dict[str, bool | str]:
    """Mail a person a link to choose a password, valid seven days. Source: GET /actions/persons/{person_id}/invite."""
    person = need_person(unit, person_id)
    if not mail_is_on(unit):
        return {"success": False, "message": "This server sends no mails: set KIROKU_MAIL_ENABLED=1."}
    if issue(unit, person, INVITATION) is None:
        return {"success": False, "message": "Five invitations were sent just now: wait ten minutes."}
    return {"success": True, "message": "Email sent"}


@command(allow=admins)
def make_reset_link(unit: Unit, person_id: Id) -> dict[str, str]:
    """Return a link to hand over. Source: POST /actions/persons/{person_id}/reset-password-link."""
    person = need_person(unit, person_id)
    code = issue(unit, person, RESET, mail=False)
    return {"reset_password_link": link_of(unit, person, code) if code else ""}


@command(allow=admins)
def change_password_of(unit: Unit, person_id: Id, *, password: Filled, password_2: Filled) -> dict[str, bool]:
    """Set somebody's password as admin. Source: POST /actions/persons/{person_id}/change-password."""
    person = need_person(unit, person_id)
    check_new_password(password, password_2)
    if not person["active"]:
        raise Invalid("User is unactive.")
    set_new(unit, person, password)
    return {"success": True}
