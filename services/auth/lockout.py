"""The lock of an account: five wrong tries close it for a minute, for passwords and second factors alike."""

from chassis.resources import Record, wire_datetime
from chassis.unit import Unit
from services.auth.tokens import seconds_since

FAILURES = 5
LOCK_SECONDS = 60


def is_locked(unit: Unit, person: Record) -> bool:
    """Tell whether the account is locked at this moment."""
    enough = person.get("login_failed_attemps", 0) >= FAILURES
    return enough and seconds_since(person["last_login_failed"], unit.now) < LOCK_SECONDS


def count_failure(unit: Unit, person: Record) -> None:
    """Note a wrong try. The operation must then answer and not raise, or the note is lost."""
    count = (person.get("login_failed_attemps", 0) % FAILURES) + 1
    unit.update(person, {"login_failed_attemps": count, "last_login_failed": wire_datetime(unit.now)}, live=[])


def forget_failures(unit: Unit, person: Record) -> None:
    """Start counting anew after a success."""
    unit.update(person, {"login_failed_attemps": 0}, live=[])
