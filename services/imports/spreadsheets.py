"""Spreadsheets as people save them: delimiter and header found out, rows by column name. Pure."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chassis.errors import BadRequest, DomainError

DELIMITERS = (";", ",", "\t", "|")
UNKNOWN_DELIMITER = "Could not determine delimiter"
FIELD_LIMIT = 1024 * 1024
csv.field_size_limit(FIELD_LIMIT)


class RowError(Exception):
    """A row that cannot be taken in; the text says why."""


class WrongRow(DomainError):
    """400: a row was refused; the rows before it stay: {error, message, line_number, imported_rows}."""

    code = "row.refused"

    def __init__(self, message: str, line_number: int, imported_rows: int) -> None:
        """Name the line (the header is line 1) and count what was imported before it."""
        body = {"error": True, "message": message, "line_number": line_number, "imported_rows": imported_rows}
        super().__init__(message, body=body)


@dataclass(frozen=True)
class Sheet:
    """The rows of a file by column name. `columns` are as written, without blanks around them."""

    columns: tuple[str, ...]
    rows: list[dict[str, str]] = field(default_factory=list)

    def has(self, name: str) -> bool:
        """Tell whether there is a column of that name, whatever its case."""
        return name.lower() in {column.lower() for column in self.columns}


def read_sheet(content: bytes) -> Sheet:
    """Return the sheet that a CSV file holds: UTF-8, with or without BOM. Raises BadRequest."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise BadRequest(f"The file is not encoded in UTF-8: byte {problem.start} cannot be read.") from None
    head = text.lstrip("\r\n").split("\n", 1)[0].strip("\r")
    delimiter = delimiter_of(head)
    if delimiter is None:
        if head and not head.strip().count(" ") and "\n" not in text.strip():
            return Sheet((head.strip(),))
        raise BadRequest(UNKNOWN_DELIMITER)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        lines = [line for line in reader if any(cell.strip() for cell in line)]
    except csv.Error as problem:
        raise BadRequest(f"The file is no readable spreadsheet: {problem}.") from None
    if not lines:
        raise BadRequest(UNKNOWN_DELIMITER)
    columns = tuple(name.strip() for name in lines[0])
    return Sheet(columns, [_row(columns, line) for line in lines[1:]])


def _row(columns: tuple[str, ...], line: list[str]) -> dict[str, str]:
    cells = [*line, *[""] * (len(columns) - len(line))]
    return {name: cell for name, cell in zip(columns, cells, strict=False) if name}


def delimiter_of(head: str) -> str | None:
    """Return the delimiter that a header line uses most, outside of quotes; None without any."""
    counts = dict.fromkeys(DELIMITERS, 0)
    quoted = False
    for sign in head:
        if sign == '"':
            quoted = not quoted
        elif sign in counts and not quoted:
            counts[sign] += 1
    best = max(counts, key=lambda sign: counts[sign])
    return best if counts[best] else None


def cell(row: Mapping[str, str], *names: str, default: str = "") -> str:
    """Return the cell of the first column among `names` that the row has, without blanks around it."""
    for name in names:
        if name in row:
            return row[name].strip()
    return default


def need(row: Mapping[str, str], name: str) -> str:
    """Return a cell whose column must be there. Raises RowError."""
    if name not in row:
        raise RowError(f"A columns is missing: '{name}'")
    return row[name].strip()


def whole(text: str, name: str) -> int | None:
    """Return a whole number, None for an empty cell. Raises RowError."""
    if not text:
        return None
    try:
        return int(float(text.replace(",", ".")))
    except (ValueError, OverflowError):
        raise RowError(f"{name} must be a number, not {text}") from None


def numbered(sheet: Sheet) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, row); the header is line 1."""
    yield from enumerate(sheet.rows, start=2)


def plan(sheet: Sheet, make: Any) -> tuple[list[Any], WrongRow | None]:
    """Return what `make(row)` makes of the rows up to the first one that it refuses, and that refusal."""
    made: list[Any] = []
    for line, row in numbered(sheet):
        try:
            made.append(make(row))
        except RowError as refusal:
            return made, WrongRow(str(refusal), line, len(made))
    return made, None
