"""Sliding windows of tries, counted by one process or by several together."""

import os
from pathlib import Path
from unittest.mock import patch

from gateway.tries import Tries


def test_the_window_slides() -> None:
    tries = Tries()
    with patch("gateway.tries.time.time") as now:
        for moment in (1000, 1020, 1040):
            now.return_value = moment
            assert tries.hit("key", 3) == 0
        assert tries.hit("key", 3) == 21
        assert tries.seconds_left("other", 3) == 0
        now.return_value = 1061
        assert tries.seconds_left("key", 3) == 0
        assert tries.hit("key", 3) == 0
        assert tries.seconds_left("key", 3) == 20


def test_refused_tries_do_not_count() -> None:
    tries = Tries()
    with patch("gateway.tries.time.time") as now:
        now.return_value = 1000
        assert [tries.hit("key", 1) for _ in range(3)] == [0, 61, 61]
        now.return_value = 1061
        assert tries.hit("key", 1) == 0


def test_processes_count_together_and_a_new_start_forgets(tmp_path: Path) -> None:
    file = tmp_path / "tries.db"
    tries = Tries(file)
    for _ in range(4):
        child = os.fork()
        if child == 0:
            Tries(file).hit("key", 10)
            os._exit(0)
        os.waitpid(child, 0)
    assert tries.seconds_left("key", 5) == 0
    assert tries.seconds_left("key", 4) > 0
    tries.clear()
    assert Tries(file).seconds_left("key", 1) == 0
