"""The page of differences names every recorded failure of the reference that we answer otherwise."""

from pathlib import Path

from tests.contract.cases import UNHANDLED, load_routes

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "differences.md"


def test_every_recorded_server_error_is_listed() -> None:
    page = PAGE.read_text(encoding="utf-8")
    recorded = [
        (r.method, r.path, case.name) for r in load_routes() for case in r.cases if case.expect["status"] == UNHANDLED
    ]
    assert len(recorded) == 14
    missing = [row for row in recorded if f"| `{row[0]} {row[1]}` | {row[2]} |" not in page]
    assert not missing
