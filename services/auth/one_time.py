"""Tokens and codes for one use: of resets and invitations, and those that are sent to sign in with.

Only their record is stored. What a person must bring is derived from its id with the secret of the house, so that
neither the database nor its log can be used to take an account.
"""

import hashlib
import hmac
from datetime import timedelta

from chassis.binding import is_uuid, normal_id
from chassis.resources import Record, wire_datetime
from chassis.unit import Unit

RESET, INVITATION, EMAIL_OTP = "reset", "invitation", "email_otp"
SECONDS = {RESET: 2 * 3600, INVITATION: 7 * 86_400, EMAIL_OTP: 300}
OPEN = 5
OPEN_SECONDS = 600
DIGITS = 6


def issue(unit: Unit, person: Record, purpose: str, *, mail: bool = True) -> Record | None:
    """Make a code for `person`, which is mailed unless `mail` is off.

    None when five of the kind were made within ten minutes: nobody's mailbox is to be flooded.
    """
    for old in unit.find("one_time_code", "t.expires_at < %s", (_naive(unit),), limit=20):
        unit.delete(old, live=[])
    since = unit.now - timedelta(seconds=OPEN_SECONDS)
    recent = "t.person_id = %s AND t.purpose = %s AND t.created_at > %s"
    if mail and unit.count("one_time_code", recent, (person.id, purpose, since)) >= OPEN:
        return None
    until = unit.now + timedelta(seconds=SECONDS[purpose])
    fields = {
        "person_id": person.id,
        "purpose": purpose,
        "expires_at": wire_datetime(until),
        "mailed_at": None if mail else wire_datetime(unit.now),
    }
    return unit.create("one_time_code", fields, live=[])


def token_of(unit: Unit, code: Record) -> str:
    """Return the long token of a reset or invitation: 64 hexadecimal digits."""
    plain = code.id.replace("-", "")
    return plain + keyed(unit, f"token {code.id}")[:32]


def digits_of(unit: Unit, code: Record) -> str:
    """Return the six digits of a mailed code."""
    return str(int(keyed(unit, f"digits {code.id}"), 16) % 10**DIGITS).zfill(DIGITS)


def keyed(unit: Unit, text: str) -> str:
    """Return the hexadecimal HMAC of `text` under the secret of the house."""
    secret: str = unit.setting("secret")
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def spend_token(unit: Unit, person: Record, token: str) -> bool:
    """Use up the reset or invitation that `token` stands for. False for a wrong one."""
    text = token.strip().lower()
    id_ = normal_id(text[:32]) if len(text) == 64 and is_uuid(text[:32]) else None
    code = unit.get("one_time_code", id_)
    if code is None or code["person_id"] != person.id or code["purpose"] not in (RESET, INVITATION):
        return False
    if not hmac.compare_digest(token_of(unit, code), text) or code["expires_at"] <= str(wire_datetime(unit.now)):
        return False
    unit.delete(code, live=[])
    return True


def spend_digits(unit: Unit, person: Record, given: str) -> bool:
    """Use up the mailed code that `given` is, and all others of the person. False for a wrong one."""
    told = given.strip().encode()
    known = [code for code in _of(unit, person, (EMAIL_OTP,)) if code["expires_at"] > str(wire_datetime(unit.now))]
    if not [code for code in known if hmac.compare_digest(digits_of(unit, code).encode(), told)]:
        return False
    withdraw(unit, person, (EMAIL_OTP,))
    return True


def withdraw(unit: Unit, person: Record, purposes: tuple[str, ...]) -> None:
    """Make the open codes of a person worthless."""
    for code in _of(unit, person, purposes):
        unit.delete(code, live=[])


def _of(unit: Unit, person: Record, purposes: tuple[str, ...]) -> list[Record]:
    return unit.find("one_time_code", "t.person_id = %s AND t.purpose = ANY(%s)", (person.id, list(purposes)))


def _naive(unit: Unit) -> str | None:
    return wire_datetime(unit.now)
