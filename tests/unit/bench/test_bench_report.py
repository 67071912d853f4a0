"""Results become a table, ratios and JSON."""

import itertools
import json
import os
from pathlib import Path

import pytest

from bench import processes
from bench.client import Measurement
from bench.processes import Usage, family, settle, usage
from bench.report import aligned, cpu_ratio, peer_ratio, save, server_ratio, table
from bench.run import Result
from bench.special import Figure


def result(server: str, milliseconds: float, *, scenario: str = "user context") -> Result:
    made = Result(scenario, server, "row")
    for clients in (1, 16):
        made.runs[clients] = Measurement(1.0, [milliseconds / 1000] * int(1000 / milliseconds * clients))
        made.cpu[clients] = (0.5, 0.25)
    return made


def test_the_ratio_to_the_recorded_peer_is_that_of_the_medians() -> None:
    assert peer_ratio(result("ours", 3.5), "small") == pytest.approx(10)
    assert peer_ratio(result("ours", 3.5), "tiny") is None
    assert peer_ratio(result("ours", 3.5, scenario="assets with tasks"), "small") is None


def test_cpu_is_compared_at_sixteen_clients_with_all_processes_counted() -> None:
    made = result("ours", 10, scenario="one task")
    made.cpu[16] = (0.8, 0.16)
    assert made.cpu_ms(16) == pytest.approx(0.6)
    assert cpu_ratio(made) == pytest.approx(7.6 / 0.6)
    assert cpu_ratio(result("ours", 10)) is None
    made.cpu[16] = (0.0, 0.0)
    assert cpu_ratio(made) is None


def test_the_ratio_to_another_server_is_that_of_requests_a_second() -> None:
    both = [result("ours", 2), result("theirs", 20)]
    assert server_ratio(both, both[0], 16) == pytest.approx(10)
    assert server_ratio(both[:1], both[0], 16) is None


def test_the_table_names_every_scenario_and_figure() -> None:
    figure = Figure("memory of the application processes, MiB", "ours", 200, "MiB", peer=820)
    text = table([result("ours", 2), result("theirs", 20)], [figure], "small")
    assert "user context" in text
    assert "15/10" in text
    assert "memory" in text
    assert "4.1" in text


def test_a_scenario_without_answers_shows_its_errors() -> None:
    broken = Result("one task", "ours", "row", {1: Measurement(1.0, [], {"404": 3})}, {1: (0.0, 0.0)})
    assert "404:3" in table([broken], [], "small")


def test_a_figure_that_was_not_measured_has_no_ratio() -> None:
    assert Figure("x", "ours", float("nan"), "ms", peer=10).ratio is None
    assert Figure("x", "ours", 20, "req/s", "more", 10).ratio == 2


def test_columns_are_aligned() -> None:
    lines = aligned([("name", "s", "n"), ("a", "b", "10")]).splitlines()
    assert lines == ["name  s   n", "----  -  --", "a     b  10"]


def test_json_holds_null_where_there_is_no_number(tmp_path: Path) -> None:
    save(tmp_path / "out.json", {"p50": float("nan"), "list": (1, 2)})
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8")) == {"p50": None, "list": [1, 2]}


def test_usage_counts_processes_that_are_there() -> None:
    now = usage([os.getpid(), 2**22 + 1])
    assert now.cpu[os.getpid()] > 0
    assert now.rss > 1


def test_a_measurement_begins_when_the_processes_are_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    spent = iter([0.0, 0.4, 0.9, 0.91])
    monkeypatch.setattr(processes, "usage", lambda pids, brokers: Usage(cpu={1: next(spent)}))
    monkeypatch.setattr(processes, "QUIET_SECONDS", 0.01)
    monkeypatch.setattr(processes, "QUIET_SHARE", 2.0)
    assert settle([1])
    assert list(spent) == []


def test_it_begins_all_the_same_when_they_never_are(monkeypatch: pytest.MonkeyPatch) -> None:
    spent = itertools.count()
    monkeypatch.setattr(processes, "usage", lambda pids, brokers: Usage(cpu={1: float(next(spent))}))
    monkeypatch.setattr(processes, "QUIET_SECONDS", 0.01)
    assert not settle([1], seconds=0.05)


def test_processes_that_are_not_known_are_not_waited_for() -> None:
    assert settle([])


def test_what_was_spent_counts_processes_that_have_begun_and_not_those_that_have_ended() -> None:
    before = Usage(cpu={1: 5.0, 2: 70.0}, others_cpu={3: 40.0})
    after = Usage(cpu={1: 6.0, 4: 0.5}, others_cpu={5: 0.25})
    assert after.since(before) == (1.5, 0.25)


def test_a_family_never_holds_the_one_who_measures() -> None:
    assert family([2**22 + 1]) == []
