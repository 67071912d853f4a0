"""Spreadsheets of 1,000 rows as Kitsu's users write them, and broken ones with what the API answers to each.

UTF-8 with BOM, semicolons, CRLF, quoted line breaks, accents, empty cells, and columns of task statuses given by name
or short name in any case.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROWS = 1000
KINDS = ("Character", "Prop", "Environment", "FX")
STATUSES = ("todo", "Todo", "wip", "Work In Progress", "WFA", "Retake", "done", "")
NAMES = ("Élodie", "Chaise à bascule", "Forêt", "Fumée", "Größe", "Niño", "Łódź", "Œuf", "Été", "Straße")
TEXTS = (
    "Première ligne\nseconde ligne",
    'dit « le "grand" »; puis rien',
    "",
    "plain",
    "tabs\tand, commas; and semicolons",
    "日本語のメモ",
)
ASSET_TASKS = ("Concept", "Modeling", "Shading")
SHOT_TASKS = ("Layout", "Animation", "Compositing")


@dataclass(frozen=True)
class BrokenCsv:
    """A file with a fault, and the API's answer. `message` is None where the text is not fixed."""

    name: str
    content: bytes
    status: int
    message: str | None = None
    line_number: int | None = None
    imported_rows: int | None = None


def assets_csv(
    path: Path, rows: int = ROWS, *, tasks: Sequence[str] = ASSET_TASKS, suffix: str = "", mood: bool = False
) -> Path:
    """Write assets: Type, Name, Description and a status column for each task type; `mood` adds a metadata column."""
    return save(path, (_asset(number, tasks, suffix, mood) for number in range(rows)))


def shots_csv(
    path: Path, rows: int = ROWS, *, tasks: Sequence[str] = SHOT_TASKS, suffix: str = "", episodes: int = 0
) -> Path:
    """Write shots of 20 to a sequence, with frames; `episodes` spreads them over that many (TV shows only)."""
    return save(path, (_shot(number, tasks, suffix, episodes) for number in range(rows)))


def save(path: Path, rows: Iterable[dict[str, str]]) -> Path:
    """Write rows with BOM, semicolons and CRLF and return the path."""
    path.write_bytes(encoded(list(rows)))
    return path


def encoded(rows: Sequence[dict[str, str]], *, bom: bool = True, delimiter: str = ";") -> bytes:
    """Return rows as the bytes of a file."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig" if bom else "utf-8")


def read(path: Path) -> list[dict[str, str]]:
    """Read a file back as its rows."""
    text = path.read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))


def broken_asset_files() -> tuple[BrokenCsv, ...]:
    """Return files of assets with one fault each. Source: POST /import/csv/projects/{project_id}/assets."""
    good = {"Type": "Prop", "Name": "Lampe", "Description": "d", "Modeling": "todo"}
    bogus = {**good, "Name": "Bouteille", "Modeling": "bogus"}
    ship = {**good, "Type": "Spaceship"}
    return (
        BrokenCsv("empty", b"", 400, "Could not determine delimiter"),
        BrokenCsv("no delimiter", b"abc def\nghi jkl\n", 400, "Could not determine delimiter"),
        BrokenCsv("single word", b"word", 201),
        BrokenCsv("no name column", encoded([_without(good, "Name")]), 400, "A columns is missing: 'Name'", 2, 0),
        BrokenCsv("no type column", encoded([_without(good, "Type")]), 400, "A columns is missing: 'Type'", 2, 0),
        BrokenCsv(
            "empty type", encoded([{**good, "Type": ""}]), 400, "An asset type is required in the Type column", 2, 0
        ),
        BrokenCsv(
            "unknown type", encoded([ship]), 400, "Asset type Spaceship is not configured for this project", 2, 0
        ),
        BrokenCsv("unknown status", encoded([bogus]), 400, "Task status not found for bogus", 2, 0),
        BrokenCsv("second row bad", encoded([good, bogus]), 400, "Task status not found for bogus", 3, 1),
        BrokenCsv(
            "episode column in a short",
            encoded([{"Episode": "E01", **good}]),
            400,
            "An episode column is present for a production that isn't a TV Show",
            2,
            0,
        ),
        # The reference answers 500 to such a file.
        BrokenCsv("two encodings in one", encoded([good], bom=False) + "Prop;Lamé".encode("utf-16"), 400),
    )


def broken_shot_files() -> tuple[BrokenCsv, ...]:
    """Return files of shots with one fault each. Source: POST /import/csv/projects/{project_id}/shots."""
    good = {"Sequence": "SQ01", "Name": "SH0010", "Description": "d", "Animation": "todo"}
    return (
        BrokenCsv("empty", b"", 400, "Could not determine delimiter"),
        BrokenCsv("no name column", encoded([_without(good, "Name")]), 400, None, 2, 0),
        BrokenCsv("no sequence column", encoded([_without(good, "Sequence")]), 400, None, 2, 0),
        BrokenCsv("unknown status", encoded([{**good, "Animation": "bogus"}]), 400, None, 2, 0),
    )


def _without(row: dict[str, str], column: str) -> dict[str, str]:
    return {key: value for key, value in row.items() if key != column}


def _asset(number: int, tasks: Sequence[str], suffix: str, mood: bool) -> dict[str, str]:
    row = {
        "Type": KINDS[number % len(KINDS)],
        "Name": f"{NAMES[number % len(NAMES)]} {number:04d} {suffix}".strip(),
        "Description": TEXTS[number % len(TEXTS)],
    }
    if mood:
        row["Mood Level"] = ("low", "high", "")[number % 3]
    return {**row, **_statuses(number, tasks)}


def _shot(number: int, tasks: Sequence[str], suffix: str, episodes: int) -> dict[str, str]:
    row = {"Episode": f"E{number * episodes // ROWS + 1:02d}"} if episodes else {}
    first = 1001
    return {
        **row,
        "Sequence": f"SQ{number // 20:03d} {suffix}".strip(),
        "Name": f"SH{number % 20 * 10 + 10:04d}",
        "Description": TEXTS[number % len(TEXTS)],
        "Frames": str(24 + number % 100),
        "In": str(first),
        "Out": str(first + 23 + number % 100),
        **_statuses(number, tasks),
    }


def _statuses(number: int, tasks: Sequence[str]) -> dict[str, str]:
    return {name: STATUSES[(number + offset) % len(STATUSES)] for offset, name in enumerate(tasks)}
