"""The command line says in one line what is wrong."""

from pathlib import Path

import pytest

from kiroku.cli import main


def test_a_database_that_does_not_answer_is_named_with_the_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KIROKU_HOME", str(tmp_path))
    monkeypatch.setenv("KIROKU_DATABASE_URL", "postgresql://kiroku:secret@127.0.0.1:1")
    monkeypatch.setenv("KIROKU_ADMIN_PASSWORD", "mysecretpassword")
    assert main(["migrate"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("kiroku: connection to server at")
    assert line.endswith("start PostgreSQL, or correct KIROKU_DATABASE_URL")
    assert "secret" not in line
