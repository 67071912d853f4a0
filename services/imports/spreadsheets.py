"""Spreadsheets as people save them: encoding, delimiter and header found out, rows by column name. Pure."""

import codecs
import csv
import io
import math
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chassis.errors import BadRequest, DomainError

DELIMITERS = (";", ",", "\t", "|")
UNKNOWN_DELIMITER = "Could not determine delimiter"
FIELD_LIMIT = 1024 * 1024
csv.field_size_limit(FIELD_LIMIT)
WIDE = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


class RowError(Exception):
    """A row that cannot be taken in; the text says why and names the column or the value in it."""


class WrongRow(DomainError):
    """400: a row was refused: {error, message, line_number, imported_rows}."""

    code = "row.refused"

    def __init__(self, message: str, line_number: int, imported_rows: int) -> None:
        """Name the line (the header is line 1) and count what was imported before it."""
        body = {"error": True, "message": message, "line_number": line_number, "imported_rows": imported_rows}
        super().__init__(message, body=body)


class Row(Mapping[str, str]):
    """The cells of one line by column, whatever the case of its name; iterates names as they are written."""

    __slots__ = ("_cells", "_names", "line")

    def __init__(self, cells: Mapping[str, str], line: int = 2) -> None:
        """Keep `cells`. `line` counts as spreadsheets do: the header is 1, a break inside quotes makes no new line."""
        self._cells = {name.lower(): text for name, text in cells.items()}
        self._names, self.line = tuple(cells), line

    def __getitem__(self, name: str) -> str:
        """Return a cell as written. Raises KeyError."""
        return self._cells[name.lower()]

    def __contains__(self, name: object) -> bool:
        """Tell whether there is a column of that name."""
        return isinstance(name, str) and name.lower() in self._cells

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the columns."""
        return iter(self._names)

    def __len__(self) -> int:
        """Return the number of columns."""
        return len(self._names)


@dataclass(frozen=True)
class Sheet:
    """The rows of a file. `columns` are as written, without blanks around them."""

    columns: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)

    def has(self, name: str) -> bool:
        """Tell whether there is a column of that name, whatever its case."""
        return name.lower() in {column.lower() for column in self.columns}


def read_sheet(content: bytes) -> Sheet:
    """Return the sheet that a CSV file holds: UTF-8, UTF-16 or Windows-1252. Raises BadRequest."""
    text = decoded(content).lstrip("\r\n")
    delimiter = delimiter_of(text)
    if delimiter is None:
        word = text.strip()
        if word and not any(sign.isspace() for sign in word):
            return Sheet((word,))
        raise BadRequest(UNKNOWN_DELIMITER)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        lines = [(number, line) for number, line in enumerate(reader, start=1) if any(map(str.strip, line))]
    except csv.Error as problem:
        raise BadRequest(f"The file is no readable spreadsheet: {problem}.") from None
    if not lines:
        raise BadRequest(UNKNOWN_DELIMITER)
    columns = tuple(name.strip() for name in lines[0][1])
    return Sheet(columns, [_row(columns, line, number) for number, line in lines[1:]])


def decoded(content: bytes) -> str:
    """Return the text of a file. Raises BadRequest.

    What is no UTF-8 comes from a spreadsheet program that still saves in the code page of western Windows. That fits
    nearly any bytes, so a text is only taken for it when all signs in it are ones that people write.
    """
    try:
        return content.decode(WIDE.get(content[:2], "utf-8-sig"))
    except UnicodeDecodeError as problem:
        refusal = BadRequest(f"The file is not encoded in UTF-8: byte {problem.start} cannot be read.")
    if content[:2] in WIDE:
        raise refusal
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        raise refusal from None
    if any(unicodedata.category(sign) in ("Cc", "Cf") and sign not in "\r\n\t" for sign in text):
        raise refusal
    # The mark that opens a file in UTF-16, in the middle of one: files of two encodings were joined.
    if "ÿþ" in text or "þÿ" in text:
        raise refusal
    return text


def _row(columns: tuple[str, ...], line: list[str], number: int) -> Row:
    cells = [*line, *[""] * (len(columns) - len(line))]
    return Row({name: cell for name, cell in zip(columns, cells, strict=False) if name}, number)


def delimiter_of(text: str) -> str | None:
    """Return the delimiter that a header uses most, outside of quotes; None without any. The header opens `text`."""
    counts = dict.fromkeys(DELIMITERS, 0)
    quoted = False
    for sign in text:
        if sign == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif sign in "\r\n":
            break
        elif sign in counts:
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


def number_of(text: str, name: str) -> float | None:
    """Return a number, with a point or a comma; None for an empty cell. Raises RowError."""
    if not text:
        return None
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        raise RowError(f"{name} must be a number, not {text}") from None
    if not math.isfinite(number):
        raise RowError(f"{name} must be a number, not {text}")
    return number


def whole(text: str, name: str) -> int | None:
    """Return a whole number, None for an empty cell. Raises RowError."""
    number = number_of(text, name)
    return None if number is None else int(number)


def plan(sheet: Sheet, make: Callable[[Row], Any]) -> list[Any]:
    """Return what `make` makes of every row. Raises WrongRow for the first row that it refuses: nothing is imported."""
    made, refusal = plan_until(sheet, make)
    if refusal is not None:
        raise WrongRow(refusal.message, refusal.body()["line_number"], 0)
    return made


def plan_until(sheet: Sheet, make: Callable[[Row], Any]) -> tuple[list[Any], WrongRow | None]:
    """Return what `make` makes of the rows up to the first one that it refuses, and that refusal."""
    made: list[Any] = []
    for row in sheet.rows:
        try:
            made.append(make(row))
        except RowError as refusal:
            return made, WrongRow(str(refusal), row.line, len(made))
    return made, None
