"""Adding what changes add gives what counting gives."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chassis.binding import NIL
from chassis.changes import Change
from chassis.events import Event
from chassis.resources import Record
from services.tasks.cells import TASK_CELLS, TIME_CELLS, Cells
from tests.support.moments import NOON

hours = st.fixed_dictionaries(
    {
        "date": st.sampled_from(("2025-12-31", "2026-01-01", "2026-12-31")),
        "person_id": st.sampled_from(("p", "q")),
        "duration": st.sampled_from((0, 480, 7.5, 0.1, 0.2)),
    }
)
tasks = st.fixed_dictionaries(
    {
        "task_type_id": st.sampled_from(("a", "b")),
        "task_status_id": st.sampled_from(("todo", "done", None)),
        "duration": st.sampled_from((0, 480, 0.1, None)),
        "estimation": st.sampled_from((0, 60.5)),
    }
)
steps = st.sampled_from(("create", "update", "delete"))


def play(kind: str, moves: list[tuple[str, int, dict[str, Any]]]) -> tuple[list[Change], list[dict[str, Any]]]:
    """Return the changes that `moves` make to five records, and what the records are in the end."""
    now: dict[int, dict[str, Any]] = {}
    changes = []
    for step, number, fields in moves:
        if (step == "create") == (number in now):
            continue
        old = now.get(number, {})
        new = {**old, **fields} if step != "delete" else {}
        told = {name: value for name, value in old.items() if step == "delete" or new.get(name) != value}
        event = Event(f"tasks.{kind}", kind, str(number), 1, step, fields if step != "delete" else {}, told, NOON)
        changes.append(Change(event, Record(kind, str(number), 1, dict(new or old), "film", NOON, NOON)))
        if step == "delete":
            del now[number]
        else:
            now[number] = new
    return changes, list(now.values())


def counted(cells: Cells, records: list[dict[str, Any]]) -> Mapping[Any, Any]:
    found: dict[Any, list[Any]] = {}
    for fields in records:
        cell = tuple(key.of({"project_id": "film", **fields}) for key in cells.keys)
        sums = found.setdefault(cell, [0, *(Decimal() for _ in cells.sums)])
        sums[0] += 1
        for place, name in enumerate(cells.sums, start=1):
            sums[place] += Decimal(str(fields.get(name) or 0))
    return {cell: tuple(sums) for cell, sums in found.items()}


@given(st.lists(st.tuples(steps, st.integers(0, 4), hours), max_size=25))
def test_hours_by_year_person_and_project(moves: list[Any]) -> None:
    changes, left = play("time_spent", moves)
    assert TIME_CELLS.differences(changes) == counted(TIME_CELLS, left)


@given(st.lists(st.tuples(steps, st.integers(0, 4), tasks), max_size=25))
def test_tasks_by_type_and_status(moves: list[Any]) -> None:
    changes, left = play("task", moves)
    assert TASK_CELLS.differences(changes) == counted(TASK_CELLS, left)


@given(st.lists(st.tuples(steps, st.integers(0, 4), tasks), max_size=12), st.integers(0, 12))
def test_it_does_not_matter_where_a_transaction_ends(moves: list[Any], cut: int) -> None:
    changes, _ = play("task", moves)
    whole, total = TASK_CELLS.differences(changes), {}
    for part in (TASK_CELLS.differences(changes[:cut]), TASK_CELLS.differences(changes[cut:])):
        for cell, amounts in part.items():
            before = total.get(cell, (0, 0, 0))
            total[cell] = tuple(a + b for a, b in zip(before, amounts, strict=True))
    assert whole == {cell: amounts for cell, amounts in total.items() if any(amounts)}


def test_other_kinds_add_nothing_and_a_missing_status_has_a_cell() -> None:
    changes, _ = play("task", [("create", 1, {"task_type_id": "a", "task_status_id": None})])
    assert TIME_CELLS.differences(changes) == {}
    assert list(TASK_CELLS.differences(changes)) == [("film", "a", NIL)]
