"""What is measured, as data: the rows of the design's table of numbers, with what the peer was measured at.

Paths and bodies hold names in braces, filled from the loaded production for each request: {n} counts requests, {shot},
{asset}, {task}, {person} … take the next of their kind each time, {known_task} that of the first KNOWN, {same_task}
does not.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

Size = Literal["tiny", "small", "large"]


@dataclass(frozen=True)
class Peer:
    """The reference server's p50 in milliseconds for both sizes; a range holds the fastest and the slowest of a row.

    per_second: its requests a second at 16 clients, where it was measured; cpu_ms: what one of them took of the
    processors, its database counted, its cache not. It depends on the machine, too.
    """

    small_ms: tuple[float, float]
    large_ms: tuple[float, float]
    per_second: tuple[float, float] | None = None
    cpu_ms: tuple[float, float] | None = None

    def fastest_ms(self, size: Size) -> float | None:
        """Return the better end of the range, so that a ratio never flatters us; None for sizes not measured."""
        return {"small": self.small_ms, "large": self.large_ms}.get(size, (None,))[0]


@dataclass(frozen=True)
class Scenario:
    """A request to repeat. `goal` is the ratio asked of us: embedded, distributed.

    `changed`: before each request, and outside of its time, a "task" or a "shot" of the production changes.
    `warm`: so many are sent by all clients before anything is measured. `once`: no task is asked for a second time.
    """

    name: str
    method: str
    path: str
    row: str
    peer: Peer | None = None
    goal: tuple[float, float] | None = None
    body: Any = None
    wanted: int = 200
    unchanged: bool = False
    changed: str = ""
    writes: bool = False
    warm: int = 0
    once: bool = False


def same(milliseconds: float, large: float | None = None, per_second: float | None = None) -> Peer:
    """Return a peer measured at one number, or one for each size."""
    other = milliseconds if large is None else large
    rate = None if per_second is None else (per_second, per_second)
    return Peer((milliseconds, milliseconds), (other, other), rate)


# So many tasks are asked for again and again, each about once in a few seconds.
KNOWN = 5_000

LIST_PEER = Peer((4, 14), (4, 14), (210, 560))
# Recorded of one person: 6.9-10.4 ms in its own processes, 0.7 ms in PostgreSQL, in an hour with much else to do.
RECORD_PEER = replace(LIST_PEER, cpu_ms=(7.6, 11.1))
LISTS = "task, entity, person, status list, open projects"
WRITES = "task update, asset creation, time spent"
WRITE_PEER = Peer((26, 95), (26, 95), (20, 83))

READS: tuple[Scenario, ...] = (
    Scenario("one task", "GET", "/data/tasks/{task}", LISTS, RECORD_PEER, (10, 6), once=True),
    Scenario("one task of 5,000", "GET", "/data/tasks/{known_task}", LISTS, RECORD_PEER, (10, 6), warm=4 * KNOWN),
    Scenario("one task, asked again", "GET", "/data/tasks/{same_task}", LISTS, RECORD_PEER, (10, 6)),
    Scenario("one entity", "GET", "/data/entities/{shot}", LISTS, RECORD_PEER, (10, 6), warm=8_000),
    Scenario("one person", "GET", "/data/persons/{person}", LISTS, RECORD_PEER, (10, 6)),
    Scenario("status list", "GET", "/data/task-status", LISTS, LIST_PEER, (10, 6)),
    Scenario("open projects", "GET", "/data/projects/open", LISTS, LIST_PEER, (10, 6)),
    Scenario("user context", "GET", "/data/user/context", "user context", same(35, 36), (15, 10)),
    Scenario(
        "shots with tasks",
        "GET",
        "/data/shots/with-tasks?project_id={project}",
        "with-tasks of 2,000 shots (9.9 MB)",
        same(67, 740),
        (20, 10),
    ),
    Scenario(
        "shots with tasks, after a change",
        "GET",
        "/data/shots/with-tasks?project_id={project}",
        "with-tasks of 2,000 shots, after a change",
        same(67, 740),
        (20, 10),
        changed="task",
    ),
    Scenario(
        "shots with tasks, compact stream",
        "GET",
        "/data/shots/with-tasks?project_id={project}&compact=true&stream=true",
        "with-tasks as the Kitsu page asks for it",
    ),
    Scenario(
        "assets with tasks",
        "GET",
        "/data/assets/with-tasks?project_id={project}",
        "with-tasks of 1,000 assets",
    ),
    Scenario(
        "tasks of a project",
        "GET",
        "/data/projects/{project}/tasks",
        "tasks of a project (23,000, 17 MB)",
        same(133, 2123),
        (30, 15),
    ),
    Scenario(
        "tasks of a project, after a change",
        "GET",
        "/data/projects/{project}/tasks",
        "tasks of a project, after a change",
        same(133, 2123),
        (30, 15),
        changed="task",
    ),
    Scenario(
        "casting of all sequences",
        "GET",
        "/data/projects/{project}/sequences/all/casting",
        "casting of all sequences",
        same(54, 742),
        (20, 10),
    ),
    Scenario(
        "casting, after a change",
        "GET",
        "/data/projects/{project}/sequences/all/casting",
        "casting of all sequences, after a change",
        same(54, 742),
        (20, 10),
        changed="shot",
    ),
    Scenario(
        "unchanged list",
        "GET",
        "/data/shots/with-tasks?project_id={project}",
        "unchanged list (ETag, 304)",
        same(10, 19),
        (15, 8),
        wanted=304,
        unchanged=True,
    ),
    Scenario("thumbnail", "GET", "/pictures/thumbnails/preview-files/{preview}.png", "thumbnail", same(5.6), (8, 5)),
    Scenario("open-tasks stats", "GET", "/data/tasks/open-tasks/stats", "open-tasks stats", same(20, 112), (20, 15)),
    Scenario(
        "CSV export of shots",
        "GET",
        "/export/csv/projects/{project}/shots.csv",
        "CSV export of shots",
        same(88, 870),
        (15, 10),
    ),
    Scenario(
        "CSV export, after a change",
        "GET",
        "/export/csv/projects/{project}/shots.csv",
        "CSV export of shots, after a change",
        same(88, 870),
        (15, 10),
        changed="task",
    ),
)

CHANGES: tuple[Scenario, ...] = (
    Scenario(
        "comment with status change",
        "POST",
        "/actions/tasks/{task}/comment",
        "comment with status change",
        same(133, 158, 18),
        (10, 6),
        {"task_status_id": "{status}", "comment": "take {n}"},
        wanted=201,
        writes=True,
    ),
    Scenario(
        "task update",
        "PUT",
        "/data/tasks/{task}",
        WRITES,
        WRITE_PEER,
        (6, 4),
        {"priority": "{n%4}", "estimation": "{n}"},
        writes=True,
    ),
    Scenario(
        "asset creation",
        "POST",
        "/data/projects/{project}/asset-types/{asset_type}/assets/new",
        WRITES,
        WRITE_PEER,
        (6, 4),
        {"name": "Asset {run} {n}", "description": "made by the bench", "data": {}},
        wanted=201,
        writes=True,
    ),
    Scenario(
        "time spent",
        "POST",
        "/actions/tasks/{assigned}/time-spents/{day}/persons/{assignee}",
        WRITES,
        WRITE_PEER,
        (6, 4),
        {"duration": "{n+1}"},
        wanted=201,
        writes=True,
    ),
    Scenario(
        "casting of a shot replaced",
        "PUT",
        "/data/projects/{project}/entities/{shot}/casting",
        "casting of a shot replaced",
        same(250),
        (15, 10),
        [{"asset_id": "{asset}", "nb_occurences": "{n+1}"}, {"asset_id": "{other_asset}", "nb_occurences": 1}],
        writes=True,
    ),
)

# Once, not repeated: see `bench/special.py`.
IMPORT_PEER = same(96_000)
UPLOAD_PEER = same(6_400)
EVENT_PEER = same(18)
CROWD_PEER_PER_SECOND = {"small": 31.0, "large": 20.0}
MEMORY_PEER_MIB = (820.0, 970.0)
GOALS = {
    "CSV import of 1,000 assets × 3 tasks": (50.0, 40.0),
    "4K PNG uploaded until its thumbnails are there": (12.0, 10.0),
    "50 artists, 80 % reads, saturation": (12.0, 8.0),
    "write → event at a Socket.IO client, p50": (1.0, 1.0),
    "memory of the application processes, MiB": (400.0, 900.0),
}

CROWD_READS = (
    *("one task", "one entity", "status list", "open projects", "user context", "unchanged list", "thumbnail"),
    "shots with tasks, compact stream",
)
CROWD_WRITES = ("comment with status change", "time spent")
