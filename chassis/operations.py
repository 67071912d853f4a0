"""Operations as data: a function with a policy, bound to requests by its signature."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_type_hints

from chassis.binding import Parameter, bind_path, bind_values, parameter_of
from chassis.messages import Request
from chassis.policy import Policy

Function = TypeVar("Function", bound=Callable[..., Any])
WHOLE = ("body", "files", "request")


@dataclass(frozen=True)
class Operation:
    """One thing a service can do. `writes` tells commands from queries; `status` is that of success.

    `path` are positional parameters after the unit, `values` the keyword-only ones: JSON body, form or query of a
    command, query parameters of a query. The answers of a query that is `kept` may be used again (`chassis.answers`):
    they are made of records alone, not of the time, of settings, of other services or of headers of the request.
    """

    name: str
    run: Callable[..., Any]
    allow: Policy
    writes: bool
    status: int
    doc: str
    path: tuple[Parameter, ...]
    values: tuple[Parameter, ...]
    whole: tuple[str, ...] = ()
    wrong_id: str = "Wrong UUID format."
    kind: str | None = None
    kept: bool = False
    notes: Mapping[str, Any] = field(default_factory=dict)

    def arguments(self, request: Request) -> tuple[list[str], dict[str, Any]]:
        """Return positional and keyword arguments; raises Invalid and InvalidBody."""
        return bind_path(self.path, request, self.wrong_id), self._keywords(request)

    def positional(self, request: Request) -> list[str]:
        """Return the path arguments, checked."""
        return bind_path(self.path, request, self.wrong_id)

    def keywords(self, request: Request) -> dict[str, Any]:
        """Return the keyword arguments, checked."""
        return self._keywords(request)

    def _keywords(self, request: Request) -> dict[str, Any]:
        found = bind_values(self.values, request, writes=self.writes) if self.values else {}
        for name in self.whole:
            found[name] = request if name == "request" else getattr(request, name)
        return found


def _declare(function: Callable[..., Any], allow: Policy, writes: bool, status: int, **more: Any) -> Operation:
    hints = get_type_hints(function, include_extras=True)
    parameters = list(inspect.signature(function).parameters.values())[1:]
    path = [parameter_of(p, hints) for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    named = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    return Operation(
        name=more.pop("name", None) or function.__name__,
        run=function,
        allow=allow,
        writes=writes,
        status=status,
        doc=inspect.getdoc(function) or "",
        path=tuple(path),
        values=tuple(parameter_of(p, hints) for p in named if p.name not in WHOLE),
        whole=tuple(p.name for p in named if p.name in WHOLE),
        **more,
    )


def command(*, allow: Policy, status: int = 200, **more: Any) -> Callable[[Function], Function]:
    """Declare an operation that writes: (unit, path parameters, *, body fields). Runs in one transaction."""

    def mark(function: Function) -> Function:
        function.operation = _declare(function, allow, True, status, **more)  # type: ignore[attr-defined]
        return function

    return mark


def query(*, allow: Policy, status: int = 200, **more: Any) -> Callable[[Function], Function]:
    """Declare an operation that only reads: (unit, path parameters, *, query parameters)."""

    def mark(function: Function) -> Function:
        function.operation = _declare(function, allow, False, status, **more)  # type: ignore[attr-defined]
        return function

    return mark


def operations_of(module: Any) -> dict[str, Operation]:
    """Return the operations that a room (a module) declares, by name."""
    found = [getattr(value, "operation", None) for value in vars(module).values()]
    return {op.name: op for op in found if isinstance(op, Operation) and op.run.__module__ == module.__name__}
