"""One table per URL noun; `all_routes` gathers them."""

from importlib import import_module
from pkgutil import iter_modules

from gateway.routing import Route


def all_routes() -> tuple[Route, ...]:
    """Return the rows of every table in this folder."""
    found: list[Route] = []
    for module in iter_modules(__path__):
        found.extend(import_module(f"{__name__}.{module.name}").ROUTES)
    return tuple(found)
