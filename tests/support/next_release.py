"""`python -m tests.support.next_release …`: the command line of a release whose read models have another shape."""

import sys
from dataclasses import replace
from importlib import import_module
from typing import Any

from chassis.spec import Derived
from kiroku.cli import main
from kiroku.system import SERVICES


def _nothing(*_: Any) -> None:
    """Keep nothing."""


NEXT = Derived("next_release", "CREATE TABLE next_release (nothing int);", _nothing, _nothing)


def become_next_release() -> None:
    """Give each service one read model more."""
    for name in SERVICES:
        module = import_module(f"services.{name}.service")
        spec = getattr(module, name.upper())
        setattr(module, name.upper(), replace(spec, derived=(*spec.derived, NEXT)))


if __name__ == "__main__":
    become_next_release()
    sys.exit(main())
