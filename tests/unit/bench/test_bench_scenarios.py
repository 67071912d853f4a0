"""Scenarios are data that fills itself from a loaded production."""

import json
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bench import run
from bench.client import MakeRequest, Measurement, Target
from bench.fill import filled, maker
from bench.load import KINDS, SHAPES, Api, asset_rows, chunks, sheet, shot_rows
from bench.scenarios import CHANGES, KNOWN, READS, Peer, same
from bench.world import World

TARGET = Target("127.0.0.1", 80, "", "token")
WORLD = World(
    project="p",
    tasks=[f"t{number}" for number in range(5)],
    shots=["s0", "s1"],
    assets=["a0", "a1", "a2"],
    persons=["u0"],
    statuses=["wip", "wfa", "ready"],
    asset_type="k",
    preview="f",
    assigned=[("t0", "u0"), ("t1", "u0")],
    run="r",
)


def test_every_scenario_fills_all_its_braces() -> None:
    for scenario in (*READS, *CHANGES):
        make = maker(scenario, TARGET, WORLD)
        for number in range(7):
            head, _, body = make(number).partition(b"\r\n\r\n")
            assert b"{" not in head
            if body:
                assert b"{n" not in body
                json.loads(body)


def test_names_are_unique_and_every_peer_has_a_goal() -> None:
    scenarios = (*READS, *CHANGES)
    assert len({scenario.name for scenario in scenarios}) == len(scenarios)
    assert all((scenario.peer is None) == (scenario.goal is None) for scenario in scenarios)


def test_numbers_keep_their_type_and_ids_take_turns() -> None:
    assert filled({"priority": "{n%4}", "duration": "{n+1}", "name": "x {n}"}, 6, WORLD) == {
        "priority": 2,
        "duration": 7,
        "name": "x 6",
    }
    assert [filled("{task}", number, WORLD) for number in range(6)] == ["t0", "t1", "t2", "t3", "t4", "t0"]


def test_every_round_of_comments_changes_the_status_of_each_task() -> None:
    rounds = [[filled("{status}", turn * 5 + task, WORLD) for task in range(5)] for turn in range(4)]
    for before, after in pairwise(rounds):
        assert all(old != new for old, new in zip(before, after, strict=True))


def test_time_spents_move_on_to_another_day_after_each_round() -> None:
    path = "{assigned}/{day}"
    assert [filled(path, number, WORLD) for number in range(3)] == ["t0/2031-01-01", "t1/2031-01-01", "t0/2031-01-02"]


def test_requests_without_moving_parts_are_made_once() -> None:
    by_name = {scenario.name: scenario for scenario in READS}
    still = maker(by_name["shots with tasks"], TARGET, WORLD)
    assert still(0) is still(1)
    moving = maker(by_name["one task"], TARGET, WORLD)
    assert moving(0) != moving(1)


def test_known_tasks_come_round_within_a_production_that_has_more() -> None:
    world = replace(WORLD, tasks=[f"t{number}" for number in range(KNOWN + 7)])
    asked = [filled("{known_task}", number, world) for number in range(2 * KNOWN)]
    assert asked[:KNOWN] == asked[KNOWN:] == world.tasks[:KNOWN]


def test_the_sizes_are_those_of_the_design() -> None:
    small, large = SHAPES["small"], SHAPES["large"]
    assert (small.shots, small.assets, small.tasks) == (200, 150, 2100)
    assert (large.shots, large.assets, large.tasks) == (2000, 1000, 23000)
    assert large.shots * large.links_per_shot == 10000


def test_rows_of_a_sheet_are_all_different() -> None:
    rows = shot_rows(SHAPES["small"])
    assert len({(row["Sequence"], row["Name"]) for row in rows}) == 200
    text = sheet(asset_rows(8, "New", ("Modeling",))).decode()
    assert text.splitlines()[0] == "Type;Name;Description;Modeling"
    assert all(kind in text for kind in KINDS)


def test_chunks_lose_nothing() -> None:
    assert list(chunks(range(5), 2)) == [[0, 1], [2, 3], [4]]


def test_a_range_of_the_peer_never_flatters_us() -> None:
    assert Peer((4, 14), (5, 15)).fastest_ms("small") == 4
    assert same(10, 20).fastest_ms("large") == 20
    assert same(10).fastest_ms("tiny") is None


def test_a_task_that_is_to_be_asked_for_once_is_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    def measure(target: Target, make: MakeRequest, *, clients: int, most: int = 4, **options: Any) -> Measurement:
        # As many as there is time for: more than there are tasks.
        sent = [make(number) for number in range(min(most, 4))]
        asked.extend(sent)
        return Measurement(latencies=[0.001] * len(sent), seconds=1.0)

    monkeypatch.setattr(run, "measure", measure)
    monkeypatch.setattr(run, "WARM_REQUESTS", 0)
    monkeypatch.setattr(run, "settle", lambda *pids: None)
    [scenario] = [one for one in READS if one.once]
    api = SimpleNamespace(url="http://127.0.0.1:80", token="token")
    run.run_one(run.Server("first", cast(Api, api), WORLD), scenario, 1.0)
    assert len(asked) == len(set(asked)) == len(WORLD.tasks)
