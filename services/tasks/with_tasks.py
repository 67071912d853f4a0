"""The lists that screens open with: entities of a project, each with its tasks."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from chassis.binding import Id
from chassis.errors import Invalid
from chassis.messages import Reply
from chassis.operations import query
from chassis.policy import Policy, signed_in
from chassis.unit import Unit
from contracts.access import my_projects, role_in

COMMON = ("id", "due_date", "done_date", "duration", "entity_id", "estimation", "end_date", "is_subscribed",
          "last_comment_date", "last_preview_file_id", "priority", "real_start_date", "retake_count", "start_date",
          "difficulty", "task_status_id", "task_type_id", "assignees", "data")  # fmt: skip
SHOT_TASK = (*COMMON, "nb_assets_ready", "nb_drawings")
ASSET = ("id", "name", "preview_file_id", "description", "asset_type_name", "asset_type_id", "canceled", "ready_for",
         "episode_id", "casting_episode_ids", "is_casting_standby", "is_shared", "data", "tasks")  # fmt: skip
SHOT = ("id", "name", "description", "canceled", "nb_frames", "nb_entities_out", "is_casting_standby", "project_id",
        "entity_type_id", "parent_id", "source_id", "preview_file_id", "data", "type", "episode_id", "episode_name",
        "fps", "frame_in", "frame_out", "project_name", "sequence_id", "sequence_name", "tasks")  # fmt: skip
SCOPED = ("entity_type", "task_type", "task_status")
Row = dict[str, Any]


def _in_named_project(unit: Unit, path: Any) -> bool:
    named = unit.request.one("project_id")
    if not named:
        return True
    project = unit.get("project", named)
    return project is None or role_in(unit, project) is not None


team_of_named_project = Policy("project team when a project is named", _in_named_project) & signed_in


@query(allow=team_of_named_project)
def list_assets_with_tasks(
    unit: Unit,
    *,
    project_id: Id | None = None,
    asset_type_id: Id | None = None,
    episode_id: Id | None = None,
    compact: bool = False,
    stream: bool = False,
) -> Reply:
    """List assets with their tasks; plain, compact or as a stream. Source: GET /data/assets/with-tasks."""
    where, args = _where(unit, "asset", project_id)
    for column, value in (("entity_type_id", asset_type_id), ("source_id", episode_id)):
        if value:
            where, args = f"{where} AND t.{column} = %s", [*args, value]

    def complete(unit: Unit, rows: list[Row]) -> None:
        names = dict(unit.rows("SELECT id::text, name FROM entity_type"))
        for row in rows:
            row["asset_type_id"] = row["entity_type_id"]
            row["asset_type_name"] = names.get(row["entity_type_id"])
            row["episode_id"], row["casting_episode_ids"] = row["source_id"] or "", []

    return _answer(unit, "asset", (where, args), (ASSET, COMMON), complete, compact=compact, stream=stream)


@query(allow=team_of_named_project)
def list_shots_with_tasks(
    unit: Unit, *, project_id: Id | None = None, compact: bool = False, stream: bool = False
) -> Reply:
    """List shots with their tasks; plain, compact or as a stream. Source: GET /data/shots/with-tasks."""

    def complete(unit: Unit, rows: list[Row]) -> None:
        parents = _parents(unit, rows)
        for row in rows:
            sequence = parents.get(row["parent_id"], (None, None, None, None))
            row["sequence_id"], row["sequence_name"] = row["parent_id"], sequence[0]
            row["episode_id"], row["episode_name"], row["project_name"] = sequence[1:]
            row.update({key: (row["data"] or {}).get(key) for key in ("fps", "frame_in", "frame_out")})

    where = _where(unit, "shot", project_id)
    return _answer(unit, "shot", where, (SHOT, SHOT_TASK), complete, compact=compact, stream=stream)


def _parents(unit: Unit, rows: list[Row]) -> dict[str, tuple[Any, ...]]:
    found = unit.rows(
        "SELECT s.id::text, s.name, e.id::text, e.name, p.name FROM entity s LEFT JOIN entity e ON e.id = s.parent_id "
        "LEFT JOIN project p ON p.id = s.project_id WHERE s.id = ANY(%s::uuid[])",
        ([id_ for id_ in {row["parent_id"] for row in rows} if id_],),
    )
    return {id_: tuple(rest) for id_, *rest in found}


def _where(unit: Unit, kind: str, project_id: str | None) -> tuple[str, list[Any]]:
    where, args = "t.kind = %s", [kind]
    mine = my_projects(unit)
    if project_id:
        return f"{where} AND t.project_id = %s", [*args, project_id]
    return (f"{where} AND {mine[0]}", [*args, *mine[1]]) if mine else (where, args)


def _answer(
    unit: Unit,
    noun: str,
    where: tuple[str, list[Any]],
    fields: tuple[tuple[str, ...], tuple[str, ...]],
    complete: Callable[[Unit, list[Row]], None],
    *,
    compact: bool,
    stream: bool,
) -> Reply:
    request = unit.request
    project = request.one("project_id")
    scopes = (project, *SCOPED) if project else SCOPED
    etag = f'"{unit.etag(*scopes)}-{unit.actor.person_id}-{int(compact)}{int(stream)}"' if project else ""
    headers = {"Cache-Control": "private, no-cache", **({"ETag": etag} if etag else {})}
    if etag and request.if_none_match and etag in request.if_none_match:
        return Reply(304, headers=headers)
    rows = _rows(unit, where, fields, complete)
    shape = {"compact": compact, f"{noun}_fields": fields[0], "task_fields": fields[1]}
    if stream:
        body = _lines(shape, rows, fields, compact=compact)
        return Reply(200, body, "application/x-ndjson", headers)
    if compact:
        return Reply(200, orjson.dumps({**shape, "rows": [_positional(r, fields) for r in rows]}), headers=headers)
    return Reply(200, orjson.dumps(rows), headers=headers)


def _rows(
    unit: Unit,
    where: tuple[str, list[Any]],
    fields: tuple[tuple[str, ...], tuple[str, ...]],
    complete: Callable[[Unit, list[Row]], None],
) -> list[Row]:
    condition, args = where
    entities: list[Row] = orjson.loads(unit.docs("entity", condition, args, "t.name, t.id"))
    complete(unit, entities)
    inside = f"t.entity_id IN (SELECT t.id FROM entity t WHERE {condition})"
    tasks = orjson.loads(unit.docs("task", inside, args, "t.created_at, t.id", relations=True))
    subscribed = unit.rows("SELECT task_id::text FROM subscription WHERE person_id = %s", (unit.actor.person_id,))
    mine = {task_id for (task_id,) in subscribed}
    by_entity: dict[str, list[Row]] = {}
    for task in tasks:
        task["is_subscribed"] = task["id"] in mine
        by_entity.setdefault(task["entity_id"], []).append({key: task.get(key) for key in fields[1]})
    for entity in entities:
        entity["tasks"] = by_entity.get(entity["id"], [])
    return [{key: entity.get(key) for key in fields[0]} for entity in entities]


def _positional(row: Row, fields: tuple[tuple[str, ...], tuple[str, ...]]) -> list[Any]:
    tasks = [[task[key] for key in fields[1]] for task in row["tasks"]]
    return [tasks if key == "tasks" else row[key] for key in fields[0]]


def _lines(shape: Row, rows: list[Row], fields: Any, *, compact: bool) -> Iterator[bytes]:
    yield orjson.dumps(shape) + b"\n"
    for start in range(0, len(rows), 200):
        part = rows[start : start + 200]
        yield b"".join(orjson.dumps(_positional(r, fields) if compact else r) + b"\n" for r in part)


@query(allow=signed_in)
def count_unread(unit: Unit, *, person_id: Id) -> dict[str, int]:
    """Return {count} of a person's unread notifications. Raises Invalid for somebody else's."""
    if unit.actor.role != "system" and unit.actor.person_id != person_id:
        raise Invalid("Only one's own notifications can be counted.")
    return {"count": unit.count("notification", "t.person_id = %s AND NOT t.read", (person_id,))}
