"""What the bench of tables loads."""

from collections import Counter

from bench.tables import hours_of, shots_of, tasks_of


def test_every_task_has_a_name_of_its_own_on_its_shot_and_type() -> None:
    shots = {shot["id"] for shot in shots_of("project", "type", 5)}
    tasks = list(tasks_of("project", 5, ["layout", "animation"], ["todo", "wip", "done"], 100))
    seen = Counter((task["entity_id"], task["task_type_id"], task["name"]) for task in tasks)
    assert len(tasks) == 100
    assert set(seen.values()) == {1}
    assert {task["entity_id"] for task in tasks} == shots
    assert {task["task_status_id"] for task in tasks} == {"todo", "wip", "done"}


def test_nobody_spends_time_on_a_task_twice_a_day() -> None:
    hours = list(hours_of(["a", "b", "c"], 100, 3_000))
    seen = Counter((each["person_id"], each["task_id"], each["date"]) for each in hours)
    assert set(seen.values()) == {1}
    assert {each["date"][:4] for each in hours} == {"2026"}
