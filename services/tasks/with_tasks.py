"""The big lists of the web app: entities of a production with their tasks, as objects, rows or a stream."""

from typing import Any

import orjson

from chassis.messages import VENDOR, Reply
from chassis.operations import query
from chassis.policy import signed_in
from chassis.unit import Unit
from contracts.access import my_projects
from services.tasks.policy import NIL

ASSET = {
    "id": "e.id",
    "name": "e.name",
    "preview_file_id": "e.preview_file_id",
    "description": "d.e->'description'",
    "asset_type_name": "et.name",
    "asset_type_id": "e.entity_type_id",
    "canceled": "e.canceled",
    "ready_for": "e.ready_for",
    "episode_id": "e.source_id",
    "casting_episode_ids": "(SELECT coalesce(jsonb_agg(l.entity_in_id), '[]') FROM entity_link l "
    "JOIN entity x ON x.id = l.entity_in_id AND x.kind = 'episode' WHERE l.entity_out_id = e.id)",
    "is_casting_standby": "d.e->'is_casting_standby'",
    "is_shared": "e.is_shared",
    "data": "d.e->'data'",
}
SHOT = {
    **{name: f"d.e->'{name}'" for name in ("canceled", "data", "description", "entity_type_id")},
    "episode_id": "top.id",
    "episode_name": "coalesce(top.name, '')",
    **{name: f"d.e->'data'->'{name}'" for name in ("fps", "frame_in", "frame_out")},
    **{name: f"d.e->'{name}'" for name in ("id", "name", "nb_frames", "parent_id", "preview_file_id", "project_id")},
    "project_name": "p.name",
    "sequence_id": "up.id",
    "sequence_name": "up.name",
    **{name: f"d.e->'{name}'" for name in ("source_id", "nb_entities_out", "is_casting_standby", "type")},
}
ASSET_TASK = [
    "id",
    "due_date",
    "done_date",
    "duration",
    "entity_id",
    "estimation",
    "end_date",
    "is_subscribed",
    "last_comment_date",
    "last_preview_file_id",
    "priority",
    "real_start_date",
    "retake_count",
    "start_date",
    "difficulty",
    "task_status_id",
    "task_type_id",
    "assignees",
    "data",
]
SHOT_TASK = [
    "id",
    "duration",
    "due_date",
    "end_date",
    "done_date",
    "entity_id",
    "estimation",
    "is_subscribed",
    "last_comment_date",
    "last_preview_file_id",
    "nb_assets_ready",
    "priority",
    "real_start_date",
    "retake_count",
    "start_date",
    "difficulty",
    "nb_drawings",
    "task_status_id",
    "task_type_id",
    "assignees",
    "data",
]
SPECIAL = {"is_subscribed": "s.id IS NOT NULL", "assignees": "to_jsonb(coalesce(t.assignees, '{}'))"}


def _build(fields: dict[str, str], compact: bool) -> str:
    if compact:
        return f"jsonb_build_array({', '.join(fields.values())})"
    return "jsonb_build_object(" + ", ".join(f"'{name}', {value}" for name, value in fields.items()) + ")"


def _statement(fields: dict[str, str], task_fields: list[str], compact: bool, where: str, vendor: bool) -> str:
    task = _build({name: SPECIAL.get(name, f"w.t->'{name}'") for name in task_fields}, compact)
    mine = " AND t.assignees @> ARRAY[%(me)s]::uuid[]" if vendor else ""
    tasks = f"""coalesce((SELECT jsonb_agg({task} ORDER BY t.created_at, t.id) FROM task t
        CROSS JOIN LATERAL (SELECT t.doc::jsonb AS t) w
        LEFT JOIN subscription s ON s.task_id = t.id AND s.person_id = %(me)s
        WHERE t.entity_id = e.id{mine}), '[]')"""
    return f"""SELECT {_build({**fields, "tasks": tasks}, compact)}::text FROM entity e
        CROSS JOIN LATERAL (SELECT e.doc::jsonb AS e) d
        LEFT JOIN entity_type et ON et.id = e.entity_type_id LEFT JOIN project p ON p.id = e.project_id
        LEFT JOIN entity up ON up.id = e.parent_id LEFT JOIN entity top ON top.id = up.parent_id
        WHERE {where} ORDER BY {"et.name" if "asset_type_name" in fields else "top.name, up.name"}, e.name, e.id"""


def _where(unit: Unit, kind: str, values: dict[str, Any]) -> str:
    parts = ["e.kind = %(kind)s"]
    values.update(kind=kind, me=unit.actor.person_id or NIL)
    episode = "e.source_id" if kind == "asset" else "up.parent_id"
    columns = {"project_id": "e.project_id", "asset_type_id": "e.entity_type_id", "episode_id": episode}
    for name, column in {**columns, "sequence_id": "e.parent_id", "parent_id": "e.parent_id"}.items():
        value = unit.request.one(name)
        if name == "episode_id" and value in ("main", "all"):
            if value == "main":
                parts.append(f"{column} IS NULL")
        elif value:
            parts.append(f"{column} = %({name})s::uuid")
            values[name] = value
    limits = my_projects(unit)
    if limits:
        team = "SELECT p2.id FROM project p2 WHERE p2.team @> ARRAY[%(me)s]::uuid[]"
        parts.append(f"e.project_id IN ({team})")
        if unit.actor.role == VENDOR:
            mine = "SELECT 1 FROM task v WHERE v.entity_id = e.id AND v.assignees @> ARRAY[%(me)s]::uuid[]"
            parts.append(f"EXISTS ({mine})")
    return " AND ".join(parts)


def _listing(unit: Unit, kind: str, fields: dict[str, str], task_fields: list[str]) -> Reply:
    compact, stream = unit.request.truth("compact"), unit.request.truth("stream")
    project_id = unit.request.one("project_id")
    headers = {"Cache-Control": "private, no-cache"}
    if project_id:
        scopes = unit.etag(project_id, "entity_type", "task_type", "task_status", "subscription")
        headers["ETag"] = f'"{scopes}-{unit.actor.person_id}-{int(compact)}{int(stream)}"'
        if unit.request.if_none_match == headers["ETag"]:
            return Reply(304, headers=headers)
    values: dict[str, Any] = {}
    where = _where(unit, kind, values)
    statement = _statement(fields, task_fields, compact, where, unit.actor.role == VENDOR)
    rows = [str(row[0]).encode() for row in unit.rows(statement, values)]
    head = {"compact": compact, f"{kind}_fields": [*fields, "tasks"], "task_fields": task_fields}
    if stream:
        body = b"\n".join([orjson.dumps(head), *rows]) + b"\n"
        return Reply(body=body, content_type="application/x-ndjson", headers=headers)
    array = b"[" + b",".join(rows) + b"]"
    if compact:
        array = orjson.dumps(head)[:-1] + b',"rows":' + array + b"}"
    return Reply(body=array, headers=headers)


@query(allow=signed_in)
def list_assets_with_tasks(unit: Unit) -> Reply:
    """Return assets with their tasks; compact, stream, ETag. Source: GET /data/assets/with-tasks."""
    return _listing(unit, "asset", ASSET, ASSET_TASK)


@query(allow=signed_in)
def list_shots_with_tasks(unit: Unit) -> Reply:
    """Return shots with their tasks; compact, stream, ETag. Source: GET /data/shots/with-tasks."""
    return _listing(unit, "shot", SHOT, SHOT_TASK)
