"""Spreadsheets come out as people meant them, whichever program saved them."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import BadRequest
from services.imports.spreadsheets import (
    Row,
    RowError,
    WrongRow,
    cell,
    delimiter_of,
    need,
    number_of,
    plan,
    plan_until,
    read_sheet,
    whole,
)

texts = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\n;,\t|\"'é"), max_size=12)


def saved(rows: list[list[str]], delimiter: str, encoding: str) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode(encoding)


@given(
    st.lists(st.tuples(texts, texts, texts), max_size=6),
    st.sampled_from(";,\t|"),
    st.sampled_from(("utf-8", "utf-8-sig", "utf-16")),
)
def test_what_was_saved_is_read_back(rows: list[tuple[str, ...]], delimiter: str, encoding: str) -> None:
    header = ["Type", 'The "Name"\nof it', "Description"]
    sheet = read_sheet(saved([header, *map(list, rows)], delimiter, encoding))
    assert sheet.columns == tuple(header)
    kept = [row for row in rows if any(text.strip() for text in row)]
    assert [tuple(row[name] for name in header) for row in sheet.rows] == kept


def test_the_code_page_of_western_windows_is_understood() -> None:
    sheet = read_sheet("Type;Name\r\nProp;Chaise à bascule – « œuf » 3 €\r\n".encode("cp1252"))
    assert sheet.rows[0]["Name"] == "Chaise à bascule – « œuf » 3 €"


@pytest.mark.parametrize(
    "content",
    [b"Type,Name\nProp,\xff\xfeL\xe9\n", b"\xff\xfeT", b"Type,Name\nProp,\x81\n", b"Type,Name\nProp,\xe9\x00\n",
     bytes(range(256)), b"\x89PNG\r\n\x1a\n,\x00"],
    ids=["two encodings", "half a sign", "no sign of any", "a zero", "all bytes", "a picture"],
)  # fmt: skip
def test_what_is_no_text_is_refused_with_its_first_bad_byte(content: bytes) -> None:
    with pytest.raises(BadRequest, match=r"not encoded in UTF-8: byte \d+"):
        read_sheet(content)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"a\nbb\nccc\n", b"abc def\n"])
def test_without_a_delimiter_there_is_no_sheet(content: bytes) -> None:
    with pytest.raises(BadRequest, match="Could not determine delimiter"):
        read_sheet(content)


def test_a_single_word_is_a_header_without_rows() -> None:
    assert (read_sheet(b"Lamp\n").columns, read_sheet(b"Lamp").rows) == (("Lamp",), [])


def test_a_delimiter_inside_quotes_does_not_count() -> None:
    assert delimiter_of('"a;b;c;\n;",d\n;;;;') == ","
    assert delimiter_of("a\tb,c\td") == "\t"


def test_lines_are_counted_as_a_spreadsheet_shows_them() -> None:
    sheet = read_sheet(b'Type,Name\n\nProp,"two\nlines"\n,\nProp,Box\n')
    assert [row.line for row in sheet.rows] == [3, 5]


def test_columns_are_found_whatever_their_case() -> None:
    row = read_sheet(b"TYPE, name \nProp, Box \n").rows[0]
    assert (cell(row, "Type"), need(row, "Name"), row["NAME"]) == ("Prop", "Box", " Box ")
    assert "Name" in row
    assert list(row) == ["TYPE", "name"]
    assert cell(row, "Missing", default="-") == "-"
    with pytest.raises(RowError, match="A columns is missing: 'Missing'"):
        need(row, "Missing")


def test_short_lines_are_filled_and_long_ones_cut() -> None:
    short, long = read_sheet(b"a,b,c\n1\n1,2,3,4\n").rows
    assert [dict(short), dict(long)] == [{"a": "1", "b": "", "c": ""}, {"a": "1", "b": "2", "c": "3"}]


@pytest.mark.parametrize(("text", "number"), [("", None), ("24", 24), ("24,9", 24), ("1e2", 100), ("-3", -3)])
def test_whole_numbers_may_have_a_comma(text: str, number: int | None) -> None:
    assert whole(text, "Frames") == number


@pytest.mark.parametrize("text", ["many", "nan", "inf", "1,2,3"])
def test_what_is_no_number_is_refused_by_its_column(text: str) -> None:
    with pytest.raises(RowError, match=f"Frames must be a number, not {text}"):
        number_of(text, "Frames")


def refuse_b(row: Row) -> str:
    if row["a"] == "b":
        raise RowError("no b")
    return row["a"]


def test_one_bad_row_keeps_the_whole_file_out() -> None:
    sheet = read_sheet(b"a,x\na,\n\nb,\nc,\n")
    with pytest.raises(WrongRow) as refused:
        plan(sheet, refuse_b)
    assert refused.value.body() == {"error": True, "message": "no b", "line_number": 4, "imported_rows": 0}


def test_assets_above_a_bad_row_are_planned() -> None:
    made, refusal = plan_until(read_sheet(b"a,x\na,\n\nb,\nc,\n"), refuse_b)
    assert made == ["a"]
    assert refusal is not None
    assert refusal.body() == {"error": True, "message": "no b", "line_number": 4, "imported_rows": 1}
