"""How many tasks of each type and status a production has, and how long they take: counted as they change."""

from decimal import Decimal
from typing import Any

from chassis.changes import Change
from chassis.events import CREATE, DELETE
from chassis.service import Derived

KEY = ("project_id", "task_type_id", "task_status_id")
SUMS = ("duration", "estimation")
# Stands for a missing id, so that cells are unique by their three ids.
NONE = "00000000-0000-0000-0000-000000000000"
# Sums are numeric: they stay exact however often something is added and taken away again.
DDL = """
CREATE TABLE read.task_cell (project_id uuid NOT NULL, task_type_id uuid NOT NULL, task_status_id uuid NOT NULL,
    amount bigint NOT NULL, duration numeric NOT NULL, estimation numeric NOT NULL,
    PRIMARY KEY (project_id, task_type_id, task_status_id));
"""
FILL = f"""
INSERT INTO read.task_cell SELECT coalesce(project_id, '{NONE}'), coalesce(task_type_id, '{NONE}'),
    coalesce(task_status_id, '{NONE}'), count(*), trim_scale(coalesce(sum(duration::numeric), 0)),
    trim_scale(coalesce(sum(estimation::numeric), 0)) FROM task GROUP BY 1, 2, 3
"""
ADD = """
INSERT INTO read.task_cell AS c
SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::bigint[], %s::numeric[], %s::numeric[])
ON CONFLICT (project_id, task_type_id, task_status_id) DO UPDATE SET amount = c.amount + EXCLUDED.amount,
    duration = trim_scale(c.duration + EXCLUDED.duration),
    estimation = trim_scale(c.estimation + EXCLUDED.estimation)
"""
SWEEP = "DELETE FROM read.task_cell WHERE amount = 0 AND project_id = ANY(%s::uuid[])"
Cell = tuple[str, ...]
Amounts = tuple[int, Decimal, Decimal]


def differences(changes: list[Change]) -> dict[Cell, Amounts]:
    """Return what `changes` add to each cell: tasks, duration, estimation. Pure."""
    found: dict[Cell, list[Any]] = {}
    for change in changes:
        event, after = change.event, change.record.fields
        if event.kind != "task":
            continue
        sides = []
        if event.op != DELETE:
            sides.append((1, after))
        if event.op != CREATE:
            sides.append((-1, {**after, **event.old}))
        for sign, fields in sides:
            cell = tuple(fields.get(name) or NONE for name in KEY)
            sums = found.setdefault(cell, [0, Decimal(), Decimal()])
            sums[0] += sign
            for place, name in enumerate(SUMS, start=1):
                sums[place] += sign * _exact(fields.get(name))
    return {cell: (n, d, e) for cell, (n, d, e) in found.items() if n or d or e}


def _exact(value: float | None) -> Decimal:
    # As PostgreSQL turns a double into a numeric.
    return Decimal(f"{value or 0:.15g}")


def apply(cursor: Any, changes: list[Change]) -> None:
    """Add what `changes` add."""
    found = differences(changes)
    if not found:
        return
    cells = sorted(found)
    ids, amounts = zip(*cells, strict=True), zip(*(found[cell] for cell in cells), strict=True)
    cursor.execute(ADD, [list(column) for column in (*ids, *amounts)])
    if any(amount < 0 for amount, _, _ in found.values()):
        cursor.execute(SWEEP, (sorted({cell[0] for cell in cells}),))


def fill(cursor: Any) -> None:
    """Count everything anew."""
    cursor.execute("TRUNCATE read.task_cell")
    cursor.execute(FILL)


TASK_CELLS = Derived("task_cell", DDL, apply, fill)
