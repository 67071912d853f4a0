"""`make docs`: the reference pages that are data elsewhere, routes, events and settings, written from that data."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from chassis.operations import Operation
from contracts.events import FACTS
from gateway.routes import all_routes
from gateway.routing import Route
from kiroku.settings import Settings
from kiroku.system import specs

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
NOTE = "<!-- Written by `make docs`; change the data, not this page. -->\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [" | ".join(heads), " | ".join("---" for _ in heads), *(" | ".join(map(_cell, row)) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines) + "\n"


def routes_page() -> str:
    """Return every route: method, path, the operation behind it, who may call it, what it does."""
    operations = {f"{name}.{o.name}": o for name, spec in specs().items() for o in spec.operations().values()}
    routes = sorted(all_routes(), key=lambda route: (route.path, route.method))
    rows = [_route(route, operations.get(route.name)) for route in routes]
    text = f"# Routes\n\n{len(rows)} routes, with and without the prefix `/api`.\n\n"
    return NOTE + text + _table(("method", "path", "operation", "who", "what"), rows)


def _route(route: Route, operation: Operation | None) -> tuple[str, ...]:
    doc = operation.doc if operation else (getattr(route.operation, "__doc__", "") or "")
    said = doc.partition("\n")[0].partition(" Source:")[0]
    who = operation.allow.name if operation else "everybody"
    return route.method, f"`{route.path}`", f"`{route.name}`", who, said


def events_page() -> str:
    """Return every event: its type at the broker, the kind of record it is about, and how it changes it."""
    rows = [(f"`{type_}`", f"`{fact.kind}`", fact.op, fact.service) for type_, fact in sorted(FACTS.items())]
    text = (
        f"# Events\n\n{len(rows)} events stand in the logs and go to the exchange `kiroku.events` as CloudEvents; "
        "[how to subscribe](../how-to/subscribe.md). A running server serves their JSON Schemas at `/docs/events`.\n\n"
    )
    return NOTE + text + _table(("type", "kind", "operation", "service"), rows)


def settings_page() -> str:
    """Return every setting: its variable, its default and what it is."""
    rows = []
    for name, field in Settings.__dataclass_fields__.items():
        default = "" if field.default in ("", False) else f"`{field.default}`"
        rows.append((f"`KIROKU_{name.upper()}`", default, str(field.metadata["doc"])))
    text = (
        "# Settings\n\nEnvironment variables; `KIROKU_<NAME>_FILE` names a file that holds the value. A setting that "
        "cannot be used, or is misspelt, is refused at start in one line that says what to do.\n\n"
    )
    more = [
        ("`REPLICAS_<SERVICE>`", "`1`", "Processes of a service under `make run-distributed`: `REPLICAS_TASKS=2`"),
        ("`KIROKU_BCRYPT_COST`", "`12`", "Rounds of password hashes; lower only in tests"),
    ]
    return NOTE + text + _table(("variable", "default", "what"), [*rows, *more])


PAGES: dict[str, Callable[[], str]] = {
    "routes.md": routes_page,
    "events.md": events_page,
    "settings.md": settings_page,
}


def main() -> int:
    """Write the pages."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
