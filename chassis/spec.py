"""What a service is: its kinds, rooms, derived read models and background work as one value."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from types import ModuleType
from typing import Any, Protocol

from chassis import sql
from chassis.changes import Change
from chassis.crud import Crud
from chassis.events import DELETE, Event, Upcasters
from chassis.messages import Reply, Request
from chassis.operations import Operation, operations_of
from chassis.resources import Resource
from chassis.unit import Unit
from chassis.workers import Worker


class Bus(Protocol):
    """Where requests to other services go: a direct call, or a message over the broker."""

    def call(self, request: Request) -> Reply:
        """Return the reply of the operation that `request` names. Raises its DomainError."""
        ...

    def begin(self, request: Request) -> Callable[[], Reply]:
        """Begin what `call` does, where somebody else does it; return what waits for the reply, to be called once."""
        ...


class NoBus:
    """A bus without other services, for who needs none of them."""

    def call(self, request: Request) -> Reply:
        """Refuse."""
        raise AssertionError(f"nobody serves {request.operation}")

    def begin(self, request: Request) -> Callable[[], Reply]:
        """Refuse."""
        return partial(self.call, request)


@dataclass(frozen=True)
class Derived:
    """A read model beside those of the kinds, kept in the transaction of what it is made of.

    `ddl` creates it; `apply` brings it up to a set of changes; `fill` makes all of it anew, with the same outcome.
    """

    name: str
    ddl: str
    apply: Callable[[Any, list[Change]], None]
    fill: Callable[[Any], None]


@dataclass(frozen=True)
class ServiceSpec:
    """What a service is: the kinds it owns and replicates, its rooms, generic operations and first records."""

    name: str
    owns: tuple[Resource, ...]
    replicates: tuple[Resource, ...] = ()
    cruds: tuple[Crud, ...] = ()
    rooms: tuple[ModuleType, ...] = ()
    derived: tuple[Derived, ...] = ()
    workers: tuple[Worker, ...] = ()
    seed: Callable[[Unit], None] | None = None
    upcasters: Upcasters = field(default_factory=Upcasters)

    @cached_property
    def shape(self) -> str:
        """Return the digest of the read models' definition; each has its own schemas, another release's beside them."""
        text = sql.definition((*self.owns, *self.replicates), [derived.ddl for derived in self.derived])
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def kinds(self) -> list[str]:
        """Return the kinds of all records that can be read here."""
        return [resource.kind for resource in (*self.owns, *self.replicates)]

    @property
    def read(self) -> str:
        """Return the schema of the read models of owned kinds."""
        return f"read_{self.shape}"

    @property
    def replica(self) -> str:
        """Return the schema of the replicas."""
        return f"replica_{self.shape}"

    def operations(self) -> dict[str, Operation]:
        """Return all operations by name; a handwritten one wins over a generic one of the same name."""
        found: dict[str, Operation] = {}
        for crud in self.cruds:
            found.update(crud.operations())
        written: dict[str, Operation] = {}
        for room in self.rooms:
            for name, operation in operations_of(room).items():
                if name in written:
                    raise ValueError(f"{self.name}.{name} is declared twice")
                written[name] = operation
        return {**found, **written}

    def reactions(self) -> dict[str, list[Any]]:
        """Return the functions of all rooms that are marked with `reacts`, by replicated kind."""
        found: dict[str, list[Any]] = {}
        for room in self.rooms:
            for value in vars(room).values():
                for kind in getattr(value, "reacts_to", ()):
                    if value.__module__ == room.__name__:
                        found.setdefault(kind, []).append(value)
        return found


def _any(event: Event) -> bool:
    return True


def is_deletion(event: Event) -> bool:
    """Tell whether a record was deleted."""
    return event.op == DELETE


def reacts(*kinds: str, when: Callable[[Event], bool] = _any) -> Callable[[Any], Any]:
    """Declare a reaction to changes of replicated `kinds`: (unit, event, record) in the replica's transaction.

    `when` tells from the event alone whether there is anything to do: most reactions concern few of the many events.
    """

    def mark(function: Any) -> Any:
        function.reacts_to, function.reacts_when = kinds, when
        return function

    return mark
