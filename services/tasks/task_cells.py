"""How many tasks of each type and status a production has, and how long they take: counted when they change."""

from typing import Any

from chassis.changes import Change
from chassis.service import Derived

KEY = ("project_id", "task_type_id", "task_status_id")
DDL = """
CREATE TABLE read.task_cell (project_id uuid, task_type_id uuid, task_status_id uuid, amount bigint NOT NULL,
    duration double precision NOT NULL, estimation double precision NOT NULL);
CREATE INDEX ON read.task_cell (project_id, task_type_id, task_status_id);
"""
COUNT = """
INSERT INTO read.task_cell SELECT project_id, task_type_id, task_status_id, count(*), coalesce(sum(duration), 0),
    coalesce(sum(estimation), 0) FROM task {where} GROUP BY 1, 2, 3
"""
CELLS = "(SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[]) AS k(p, y, s))"
SAME = (
    "{0}.project_id IS NOT DISTINCT FROM k.p AND {0}.task_type_id IS NOT DISTINCT FROM k.y "
    "AND {0}.task_status_id IS NOT DISTINCT FROM k.s"
)


def touched(cursor: Any, changes: list[Change]) -> list[str]:
    """Return the cells that tasks left or came to, each as its three ids with blanks between."""
    found: set[str] = set()
    for change in changes:
        if change.event.kind == "task":
            after = {name: change.record[name] for name in KEY}
            for cell in (after, {**after, **{n: v for n, v in change.event.old.items() if n in KEY}}):
                found.add(" ".join(str(cell[name] or "") for name in KEY))
    return sorted(found)


def refresh(cursor: Any, cells: list[str] | None) -> None:
    """Count these cells anew, all for None."""
    if cells is None:
        cursor.execute("TRUNCATE read.task_cell")
        cursor.execute(COUNT.format(where=""))
        return
    columns = [[id_ or None for id_ in column] for column in zip(*(cell.split(" ") for cell in cells), strict=True)]
    cursor.execute(f"DELETE FROM read.task_cell c USING {CELLS} k WHERE {SAME.format('c')}", columns)
    where = f"WHERE EXISTS (SELECT 1 FROM {CELLS} k WHERE {SAME.format('task')})"
    cursor.execute(COUNT.format(where=where), columns)


TASK_CELLS = Derived("task_cell", DDL, touched, refresh)
