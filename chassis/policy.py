"""Who may: policies as named values that combine with | and &; every operation requires one."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from chassis.errors import Forbidden
from chassis.messages import ADMIN, ANONYMOUS, CLIENT, MANAGER, SUPERVISOR, SYSTEM, USER, VENDOR

if TYPE_CHECKING:
    from chassis.unit import Unit

Check = Callable[["Unit", Mapping[str, str]], bool]


class Policy:
    """A rule over the actor, the stored records and the path parameters of a request.

    `check` answers yes or no; it may raise NotFound or Invalid where the record it asks about is unknown.
    """

    def __init__(self, name: str, check: Check) -> None:
        """Keep the `name`, which documentation and the role matrix show, and the check."""
        self.name = name
        self.check = check

    def __call__(self, unit: "Unit", path: Mapping[str, str]) -> None:
        """Raise Forbidden unless the check passes; the system itself always passes."""
        if unit.actor.role != SYSTEM and not self.check(unit, path):
            raise Forbidden

    def __or__(self, other: "Policy") -> "Policy":
        """Return the rule that passes when one of both passes."""
        return Policy(f"{self.name} or {other.name}", lambda u, p: self.check(u, p) or other.check(u, p))

    def __and__(self, other: "Policy") -> "Policy":
        """Return the rule that passes when both pass."""
        return Policy(f"{self.name} and {other.name}", lambda u, p: self.check(u, p) and other.check(u, p))

    def __repr__(self) -> str:
        """Return the name."""
        return f"<policy {self.name}>"


def policy(name: str) -> Callable[[Check], Policy]:
    """Make a Policy of a function (unit, path) -> bool."""
    return lambda check: Policy(name, check)


def role(*names: str) -> Policy:
    """Return the rule that the actor's global role is one of `names`."""
    return Policy(" or ".join(names), lambda unit, path: unit.actor.role in names)


anyone = Policy("public", lambda unit, path: True)
signed_in = Policy("signed in", lambda unit, path: unit.actor.role != ANONYMOUS)
admins = role(ADMIN)
managers = Policy("manager", lambda unit, path: unit.actor.role in (ADMIN, MANAGER))
supervisors = Policy("supervisor", lambda unit, path: unit.actor.role in (ADMIN, MANAGER, SUPERVISOR))
no_clients = Policy("not client", lambda unit, path: unit.actor.role not in (CLIENT, ANONYMOUS))
no_vendors = Policy("not vendor", lambda unit, path: unit.actor.role not in (VENDOR, ANONYMOUS))
no_guests = Policy(
    "neither client nor vendor", lambda unit, path: unit.actor.role in (ADMIN, MANAGER, SUPERVISOR, USER)
)
people = Policy("person, not bot", lambda unit, path: unit.actor.identity == "person")
nobody = Policy("other services only", lambda unit, path: False)
