"""Second factors: which ones a person has, whether a given code fits, recovery codes."""

import hmac
import secrets
import string
from dataclasses import dataclass
from typing import Any

import pyotp

from chassis.resources import Record
from chassis.unit import Unit
from services.auth.one_time import keyed, spend_digits
from services.auth.tokens import is_revoked, revoke

TOTP, EMAIL_OTP = "totp", "email_otp"
FACTORS = (TOTP, EMAIL_OTP)
STEP_SECONDS = 30
RECOVERY_CODES, RECOVERY_LENGTH = 16, 10
ALPHABET = string.ascii_uppercase + string.digits


@dataclass(frozen=True)
class Given:
    """The second factor that came with a request: one of these, or none."""

    totp: str | None = None
    email_otp: str | None = None
    recovery_code: str | None = None

    @property
    def missing(self) -> bool:
        """Tell whether nothing was given."""
        return not (self.totp or self.email_otp or self.recovery_code)


def enabled(person: Record) -> list[str]:
    """Return the factors that a person has switched on."""
    return [name for name in FACTORS if person[f"{name}_enabled"]]


def fits(unit: Unit, person: Record, given: Given, *, signs_in: bool = False) -> bool:
    """Tell whether `given` is a factor of the person. Mailed and recovery codes are used up by it.

    A code of an authenticator application signs in once.
    """
    if given.totp:
        return bool(person["totp_enabled"]) and _totp_fits(unit, person, given.totp, once=signs_in)
    if given.email_otp:
        return bool(person["email_otp_enabled"]) and spend_digits(unit, person, given.email_otp)
    return bool(given.recovery_code) and _spend_recovery(unit, person, given.recovery_code or "")


def totp_step(unit: Unit, secret: str | None, code: str) -> int | None:
    """Return the time step, at most one from now, whose code is `code`; None for a wrong one."""
    if not secret:
        return None
    now = int(unit.now.timestamp()) // STEP_SECONDS
    told = code.strip().replace(" ", "").encode()
    hotp = pyotp.HOTP(secret)
    found = [step for step in (now - 1, now, now + 1) if hmac.compare_digest(hotp.at(step).encode(), told)]
    return found[0] if found else None


def _totp_fits(unit: Unit, person: Record, code: str, *, once: bool) -> bool:
    step = totp_step(unit, person["totp_secret"], code)
    if step is None or not once:
        return step is not None
    used = f"totp {person.id} {step}"
    if is_revoked(unit, used):
        return False
    revoke(unit, used)
    return True


def new_recovery_codes(unit: Unit, person: Record) -> tuple[list[str], list[str]]:
    """Return 16 new codes, to be shown once, and what is kept of them."""
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(RECOVERY_LENGTH)) for _ in range(RECOVERY_CODES)]
    return codes, [_kept(unit, person, code) for code in codes]


def _kept(unit: Unit, person: Record, code: str) -> str:
    return keyed(unit, f"recovery {person.id} {code}")


def _spend_recovery(unit: Unit, person: Record, code: str) -> bool:
    kept = _kept(unit, person, code.strip().upper())
    known: list[str] = person["otp_recovery_codes"] or []
    if not enabled(person) or kept not in known:
        return False
    unit.update(person, {"otp_recovery_codes": [each for each in known if each != kept]}, live=[])
    return True


def switched_on(unit: Unit, person: Record, factor: str) -> tuple[dict[str, Any], list[str] | None]:
    """Return the changes that switch `factor` on, and the recovery codes to show when it is the first one."""
    changes: dict[str, Any] = {f"{factor}_enabled": True}
    if enabled(person):
        return changes, None
    codes, kept = new_recovery_codes(unit, person)
    return {**changes, "otp_recovery_codes": kept, "preferred_two_factor_authentication": factor}, codes


def switched_off(person: Record, *factors: str) -> dict[str, Any]:
    """Return the changes that switch `factors` off: the last one takes the recovery codes along."""
    changes: dict[str, Any] = {f"{name}_enabled": False for name in factors}
    changes |= {f"{name}_secret": None for name in factors}
    left = [name for name in enabled(person) if name not in factors]
    if not left:
        changes["otp_recovery_codes"] = None
    if person["preferred_two_factor_authentication"] not in left:
        changes["preferred_two_factor_authentication"] = left[0] if left else None
    return changes
