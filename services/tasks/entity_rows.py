"""The rows of the web app's big lists, kept finished: every asset and shot with its tasks, as object and as array.

A change marks the rows that show it as unmade, in its transaction. They are made a moment later, many at once, by
background work; a reader makes for himself what he finds unmade. So reading a list is reading texts, and a change does
not wait for them to be put together.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson

from chassis.changes import Change
from chassis.events import UPDATE
from chassis.prepared import Prepared, plan_of
from chassis.service import Service
from chassis.spec import Derived
from chassis.unit import Unit
from chassis.workers import Worker

ASSET = ("id", "name", "preview_file_id", "description", "asset_type_name", "asset_type_id", "canceled", "ready_for",
         "episode_id", "casting_episode_ids", "is_casting_standby", "is_shared", "data")  # fmt: skip
SHOT = ("canceled", "data", "description", "entity_type_id", "episode_id", "episode_name", "fps", "frame_in",
        "frame_out", "id", "name", "nb_frames", "parent_id", "preview_file_id", "project_id", "project_name",
        "sequence_id", "sequence_name", "source_id", "nb_entities_out", "is_casting_standby", "type")  # fmt: skip
ASSET_TASK = ("id", "due_date", "done_date", "duration", "entity_id", "estimation", "end_date", "is_subscribed",
              "last_comment_date", "last_preview_file_id", "priority", "real_start_date", "retake_count", "start_date",
              "difficulty", "task_status_id", "task_type_id", "assignees", "data")  # fmt: skip
SHOT_TASK = ("id", "duration", "due_date", "end_date", "done_date", "entity_id", "estimation", "is_subscribed",
             "last_comment_date", "last_preview_file_id", "nb_assets_ready", "priority", "real_start_date",
             "retake_count", "start_date", "difficulty", "nb_drawings", "task_status_id", "task_type_id", "assignees",
             "data")  # fmt: skip
FIELDS = {"asset": (ASSET, ASSET_TASK), "shot": (SHOT, SHOT_TASK)}
BATCH = 500
GATHER_SECONDS = 0.1
LOCK = 7_231_006
# Texts of this size would be compressed, and unpacking them again is what takes the time.
DDL = """
CREATE TABLE entity_row (entity_id uuid PRIMARY KEY, body text, compact text);
ALTER TABLE entity_row ALTER body SET STORAGE EXTERNAL, ALTER compact SET STORAGE EXTERNAL;
CREATE INDEX entity_row_unmade ON entity_row (entity_id) WHERE body IS NULL;
"""
UNMADE = "SELECT entity_id::text FROM entity_row WHERE body IS NULL"
# What a row shows and the transaction that marked it, as one moment has both. Documents of tasks and their relations
# take turns in one array. Without an asset or shot of this id there is nothing to show.
SHOWN = """
SELECT w.entity_id::text, w.xmin::text, e.kind, e.doc, et.name, p.name, up.id::text, up.name, top.id::text, top.name,
    ARRAY(SELECT l.entity_in_id::text FROM entity_link l JOIN entity x ON x.id = l.entity_in_id AND x.kind = 'episode'
          WHERE e.kind = 'asset' AND l.entity_out_id = e.id ORDER BY l.created_at, l.id),
    (SELECT '[' || string_agg(t.doc || ',{"":0' || t.rel, ',' ORDER BY t.created_at, t.id) || ']'
     FROM task t WHERE t.entity_id = e.id)
FROM entity_row w LEFT JOIN entity e ON e.id = w.entity_id AND e.kind IN ('asset', 'shot')
    LEFT JOIN entity_type et ON et.id = e.entity_type_id LEFT JOIN project p ON p.id = e.project_id
    LEFT JOIN entity up ON up.id = e.parent_id LEFT JOIN entity top ON top.id = up.parent_id
WHERE w.entity_id = ANY(%s::uuid[])
"""
# Marked again is another transaction: `KEEP` must find the one that it has seen.
MARK = Prepared(
    "mark rows",
    ("uuid[]",),
    """
INSERT INTO entity_row (entity_id) SELECT id FROM unnest($1) AS id ORDER BY id
ON CONFLICT (entity_id) DO UPDATE SET body = NULL, compact = NULL
""",
)
# Who writes these rows waits for nobody here, and takes no lock that it would have to wait for.
KEEP = Prepared(
    "keep rows",
    ("uuid[]", "text[]", "text[]", "text[]"),
    """
WITH made AS (SELECT * FROM unnest($1, $2, $3, $4) AS m (id, seen, body, compact)),
free AS (
    SELECT w.entity_id FROM entity_row w JOIN made ON made.id = w.entity_id AND made.seen = w.xmin::text
    ORDER BY w.entity_id FOR NO KEY UPDATE OF w SKIP LOCKED),
gone AS (
    DELETE FROM entity_row w USING free, made
    WHERE w.entity_id = free.entity_id AND made.id = free.entity_id AND made.body IS NULL)
UPDATE entity_row w SET body = made.body, compact = made.compact FROM free, made
WHERE w.entity_id = free.entity_id AND made.id = free.entity_id AND made.body IS NOT NULL
""",
)
BELOW = """
SELECT s.id::text FROM entity s LEFT JOIN entity q ON q.id = s.parent_id
WHERE s.parent_id = ANY(%(ids)s::uuid[]) OR q.parent_id = ANY(%(ids)s::uuid[])
"""


def row_of(found: Sequence[Any], tasks: Iterable[dict[str, Any]]) -> tuple[str, str]:
    """Return one entity with its tasks as the texts of an object and of an array. Pure.

    `found` is what SHOWN gives, from the kind to the episodes. Nobody is subscribed in it: that depends on who reads.
    """
    kind, doc, type_name, project_name, up_id, up_name, top_id, top_name, episodes = found
    entity = orjson.loads(doc)
    if kind == "asset":
        more = {
            "asset_type_name": type_name,
            "asset_type_id": entity["entity_type_id"],
            "episode_id": entity["source_id"],
            "casting_episode_ids": episodes,
        }
    else:
        data = entity.get("data") or {}
        more = {
            "episode_id": top_id,
            "episode_name": top_name or "",
            "fps": data.get("fps"),
            "frame_in": data.get("frame_in"),
            "frame_out": data.get("frame_out"),
            "project_name": project_name,
            "sequence_id": up_id,
            "sequence_name": up_name,
        }
    entity.update(more)
    fields, task_fields = FIELDS[kind]
    cells = [[task.get(name) for name in task_fields] for task in tasks]
    values = [entity.get(name) for name in fields]
    body = dict(zip(fields, values, strict=True))
    body["tasks"] = [dict(zip(task_fields, each, strict=True)) for each in cells]
    return orjson.dumps(body).decode(), orjson.dumps([*values, cells]).decode()


def apply(cursor: Any, changes: list[Change]) -> None:
    """Mark the rows that show something that `changes` changed."""
    ids = touched(cursor, changes)
    if ids:
        MARK.later(cursor, (ids,))


def fill(cursor: Any) -> None:
    """Make all rows anew."""
    cursor.execute("TRUNCATE entity_row")
    cursor.execute("INSERT INTO entity_row (entity_id) SELECT id FROM entity WHERE kind IN ('asset', 'shot')")
    while _make(cursor):
        pass


def make(service: Service) -> bool:
    """Make some of the rows that are unmade; tell whether there were any: background work."""
    with service.database.connection() as connection, connection.cursor() as cursor:
        # One process at a time, as two would make the same rows. What a crash takes back is unmade again.
        cursor.execute("BEGIN; SET LOCAL synchronous_commit = off; SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        found = _make(cursor)
        cursor.execute("COMMIT")
    return found


def texts_of(unit: Unit, ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return the texts of rows that a reader has found unmade, by id; what is gone meanwhile is missing."""
    found = unit.rows(SHOWN, (list(ids),), planned=True)
    return {id_: (body, compact) for id_, _, body, compact in map(_made, found) if body is not None and compact}


def _make(cursor: Any) -> bool:
    cursor.execute(f"{UNMADE} ORDER BY entity_id LIMIT {BATCH}")
    ids = [id_ for (id_,) in cursor.fetchall()]
    if not ids:
        return False
    plan_of(SHOWN).run(cursor, (ids,))
    rows = [_made(found) for found in cursor.fetchall()]
    KEEP.later(cursor, [list(column) for column in zip(*rows, strict=True)])
    return True


def _made(found: Sequence[Any]) -> tuple[str, str, str | None, str | None]:
    id_, marked, kind, *_ = found
    if kind is None:
        return id_, marked, None, None
    return id_, marked, *row_of(found[2:-1], tasks_of(found[-1]))


def tasks_of(text: str | None) -> list[dict[str, Any]]:
    """Return the tasks in the last cell of SHOWN. Pure."""
    parts = orjson.loads(text) if text else []
    return [
        {**task, "assignees": relations["assignees"] or [], "is_subscribed": False}
        for task, relations in zip(parts[::2], parts[1::2], strict=True)
    ]


def touched(cursor: Any, changes: list[Change]) -> list[str]:
    """Return the entities whose rows show something that `changes` changed."""
    kinds: dict[str, list[Change]] = {}
    for change in changes:
        kinds.setdefault(change.event.kind, []).append(change)
    found = (look(cursor, kinds[kind]) for kind, look in LOOKS.items() if kind in kinds)
    return sorted(set().union(*found))


def _by_tasks(cursor: Any, changes: list[Change]) -> set[str]:
    both = (id_ for each in changes for id_ in (each.record["entity_id"], each.event.old.get("entity_id")))
    return {id_ for id_ in both if id_}


def _by_entities(cursor: Any, changes: list[Change]) -> set[str]:
    above = [
        each.event.id
        for each in changes
        if each.record["kind"] in ("sequence", "episode") and {"name", "parent_id"} & {*each.event.new, *each.event.old}
    ]
    return {each.event.id for each in changes} | (_ids(cursor, BELOW, {"ids": above}) if above else set())


def _by_links(cursor: Any, changes: list[Change]) -> set[str]:
    links = [each.record for each in changes if each.event.op != UPDATE]
    statement = "SELECT id::text FROM entity WHERE id = ANY(%s::uuid[]) AND kind = 'episode'"
    episodes = _ids(cursor, statement, ([link["entity_in_id"] for link in links],)) if links else set()
    return {link["entity_out_id"] for link in links if link["entity_in_id"] in episodes}


def _by_name(column: str) -> Callable[[Any, list[Change]], set[str]]:
    def look(cursor: Any, changes: list[Change]) -> set[str]:
        renamed = [each.event.id for each in changes if each.event.op == UPDATE and "name" in each.event.new]
        statement = f"SELECT id::text FROM entity WHERE {column} = ANY(%s::uuid[])"
        return _ids(cursor, statement, (renamed,)) if renamed else set()

    return look


LOOKS: dict[str, Callable[[Any, list[Change]], set[str]]] = {
    "task": _by_tasks,
    "entity": _by_entities,
    "entity_link": _by_links,
    "entity_type": _by_name("entity_type_id"),
    "project": _by_name("project_id"),
}


def _ids(cursor: Any, statement: str, args: Any) -> set[str]:
    cursor.execute(statement, args)
    return {id_ for (id_,) in cursor.fetchall()}


ENTITY_ROWS = Derived("entity_row", DDL, apply, fill)
MAKE = Worker("rows", make, f"SELECT count(*) FROM ({UNMADE}) x", GATHER_SECONDS, copies=True)
