"""The parts of the production day that need no server."""

import csv
import io
from pathlib import Path

import pytest
from PIL import Image

from examples.day import STEPS
from examples.day.live import PAYLOADS, Ears
from examples.day.materials import draw_pictures, write_spreadsheet
from examples.day.previews import picture_size
from examples.day.spreadsheets import read_rows, unfold, write_rows
from examples.day.studio import Day, WrongAnswerError, expect_equal, expect_keys, expect_values, refused
from examples.production_day import main, run
from tests.support import csv_files


def a_day(tmp_path: Path) -> Day:
    return Day("http://127.0.0.1:9/", "a@example.com", "password", [], tmp_path / "assets.csv", folder=tmp_path)


def test_expectations_say_what_was_wrong() -> None:
    with pytest.raises(WrongAnswerError, match="status: expected 'ready', got 'broken'"):
        expect_equal("broken", "ready", "status")
    with pytest.raises(WrongAnswerError, match=r"a task lacks \['id'\]"):
        expect_keys({"name": "x"}, ("id", "name"), "a task")
    with pytest.raises(WrongAnswerError, match="a task, field name"):
        expect_values({"name": "x"}, "a task", name="y")


def test_what_is_not_refused_is_wrong() -> None:
    with refused(KeyError, "a key"):
        raise KeyError
    with pytest.raises(WrongAnswerError, match="a key: it should have been refused"), refused(KeyError, "a key"):
        pass


def test_two_days_never_share_a_name(tmp_path: Path) -> None:
    assert a_day(tmp_path).named("Hero") != a_day(tmp_path).named("Hero")


def test_a_step_that_needs_an_earlier_one_says_so(tmp_path: Path) -> None:
    with pytest.raises(WrongAnswerError, match="'hero' was made"):
        a_day(tmp_path)["hero"]


def test_every_step_has_a_name_and_says_what_it_does() -> None:
    assert len({step.__name__ for step in STEPS}) == len(STEPS)
    assert all(step.__doc__ for step in STEPS)


def test_a_failing_step_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def walk(day: Day) -> str:
        return "walked"

    def fall_over(day: Day) -> str:
        raise ValueError("a stone")

    with pytest.raises(WrongAnswerError, match="fall over: ValueError: a stone"):
        run("http://127.0.0.1:9", "a", "b", pictures=[], movie=None, csv=tmp_path, steps=(walk, fall_over))
    assert "walked" in capsys.readouterr().out


def test_the_command_line_reports_a_server_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--host", "http://127.0.0.1:9", "--email", "a", "--password", "b", "--movie", "none.mp4"]) == 1
    assert "STOPPED in sign in and out" in capsys.readouterr().err


def test_spreadsheets_survive_being_written_and_read(tmp_path: Path) -> None:
    rows = [{"Name": "Élodie; dite « É »", "Description": 'two\nlines "quoted"'}]
    path = write_rows(tmp_path / "a.csv", rows)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert read_rows(path) == rows


def test_drawn_material_is_what_it_claims(tmp_path: Path) -> None:
    for path in draw_pictures(tmp_path):
        with Image.open(path) as picture:
            assert (picture.format == "JPEG") == (path.suffix == ".jpg")
    assert len(read_rows(write_spreadsheet(tmp_path, "x", 30))) == 30


def test_the_size_of_a_png_is_read_and_other_formats_are_refused() -> None:
    for kind, good in (("PNG", True), ("JPEG", False)):
        data = io.BytesIO()
        Image.new("RGB", (15, 10)).save(data, kind)
        if good:
            assert picture_size(data.getvalue(), "it") == (15, 10)
        else:
            with pytest.raises(WrongAnswerError, match="format of it"):
                picture_size(data.getvalue(), "it")


def test_positional_rows_become_records() -> None:
    head = {"shot_fields": ["id", "name", "tasks"], "task_fields": ["id", "priority"]}
    row = ["1", "SH01", [["2", 0]]]
    assert unfold(head, "shot_fields", row) == {"id": "1", "name": "SH01", "tasks": [{"id": "2", "priority": 0}]}


def test_heard_events_are_found_by_name_and_values() -> None:
    ears = Ears.__new__(Ears)
    ears.heard = [("task:new", {"task_id": "1"}), ("task:new", {"task_id": "2"})]
    assert ears.find("task:new", task_id="2") == {"task_id": "2"}
    assert ears.find("task:update") is None
    assert all(keys for keys in PAYLOADS.values())


def test_the_large_spreadsheets_are_as_people_write_them(tmp_path: Path) -> None:
    assets = csv_files.assets_csv(tmp_path / "assets.csv", mood=True)
    rows = csv_files.read(assets)
    assert len(rows) == csv_files.ROWS
    assert len({(row["Type"], row["Name"]) for row in rows}) == csv_files.ROWS
    assert any("\n" in row["Description"] for row in rows)
    assert assets.read_bytes().startswith(b"\xef\xbb\xbf")
    assert assets.read_bytes().count(b"\r\n") >= csv_files.ROWS
    shots = csv_files.read(csv_files.shots_csv(tmp_path / "shots.csv", episodes=4))
    assert len({(row["Sequence"], row["Name"]) for row in shots}) == csv_files.ROWS
    assert {row["Episode"] for row in shots} == {"E01", "E02", "E03", "E04"}
    assert csv.Sniffer().sniff(assets.read_text(encoding="utf-8-sig")).delimiter == ";"


def test_broken_files_are_broken_in_one_way_each() -> None:
    files = (*csv_files.broken_asset_files(), *csv_files.broken_shot_files())
    for file in csv_files.broken_asset_files():
        if file.name == "two encodings in one":
            with pytest.raises(UnicodeDecodeError):
                file.content.decode("utf-8-sig")
        else:
            file.content.decode("utf-8-sig")
    assert {file.status for file in files} == {201, 400}
