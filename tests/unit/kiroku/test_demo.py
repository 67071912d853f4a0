"""The demo's story and pictures hold together without a server."""

import argparse
import io
import json
from datetime import date
from pathlib import Path

import pytest
from PIL import Image

from kiroku.demo import _sign_in, _workday, main
from kiroku.demo_client import RefusedError
from kiroku.demo_pictures import FACE_SIZE, SHOT_SIZE, asset_picture, face, png, shot_picture
from kiroku.demo_story import ASSETS, NOTES, PEOPLE, SEQUENCES, STAGES, cast_of, stage_of

NOTHING = argparse.Namespace(host=None, email=None, password=None)


def test_the_cast_is_made_of_assets_that_exist() -> None:
    names = {asset.name for asset in ASSETS}
    for sequence in SEQUENCES:
        for number in range(1, len(sequence.shots) + 1):
            cast = cast_of(f"{sequence.name} SH{number * 10:04d}")
            assert cast
            assert set(cast) <= names


def test_every_status_of_a_stage_has_something_to_say() -> None:
    assert {status for stage in STAGES.values() for status in stage} <= set(NOTES)
    assert {stage_of(number) for number in range(200)} <= set(STAGES)


def test_the_crew_has_artists_and_different_addresses() -> None:
    assert len({person.email for person in PEOPLE}) == len(PEOPLE)
    assert sum(person.role == "user" for person in PEOPLE) > 2


def test_pictures_depend_on_their_names_alone() -> None:
    assert png(shot_picture("SQ010 SH0010", 0)) == png(shot_picture("SQ010 SH0010", 0))
    assert png(asset_picture("Keeper", 0)) != png(asset_picture("Gull", 0))
    with Image.open(io.BytesIO(png(shot_picture("SQ020 SH0020", 1)))) as picture:
        assert picture.size == SHOT_SIZE
    assert face("Ada", "Lo").size == FACE_SIZE


def test_hours_are_not_logged_on_weekends() -> None:
    assert _workday(date(2026, 11, 22)) == date(2026, 11, 20)
    assert _workday(date(2026, 11, 20)) == date(2026, 11, 20)


def test_the_sign_in_comes_from_the_home_of_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIROKU_HOME", str(tmp_path))
    with pytest.raises(RefusedError, match="start the server first"):
        _sign_in(NOTHING)
    stored = {"url": "http://127.0.0.1:8080/", "email": "admin@example.com", "password": "secret"}
    (tmp_path / "admin.json").write_text(json.dumps(stored), encoding="utf-8")
    assert _sign_in(NOTHING) == ("http://127.0.0.1:8080", "admin@example.com", "secret")
    given = argparse.Namespace(host="http://other", email=None, password="word")
    assert _sign_in(given) == ("http://other", "admin@example.com", "word")


def test_a_server_that_is_not_there_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--host", "http://127.0.0.1:9", "--email", "a", "--password", "b"]) == 1
    assert "The demo stopped" in capsys.readouterr().err
