"""The big lists of the web app: entities of a production with their tasks, as objects, rows or a stream."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import orjson

from chassis.binding import is_uuid
from chassis.held import unless_held
from chassis.listing import Listing
from chassis.messages import VENDOR, Reply
from chassis.operations import query
from chassis.pieces import Texts, id_in
from chassis.policy import signed_in
from chassis.resources import array_of
from chassis.unit import Unit
from contracts.access import NO_ONE, my_projects, role_in
from services.tasks.entity_rows import FIELDS, texts_of

SOURCE = """FROM entity_row w JOIN entity e ON e.id = w.entity_id LEFT JOIN entity_type et ON et.id = e.entity_type_id
    LEFT JOIN entity up ON up.id = e.parent_id LEFT JOIN entity top ON top.id = up.parent_id"""


def _where(unit: Unit, kind: str, values: dict[str, Any]) -> str:
    parts = ["e.kind = %(kind)s"]
    me = unit.actor.person_id or NO_ONE
    values["kind"] = kind
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
    if my_projects(unit):
        project_id = values.get("project_id")
        # What a member of the team sees is what all of them see.
        if not project_id or not _is_in_team(unit, project_id):
            values["me"] = me
            parts.append("e.project_id IN (SELECT p2.id FROM project p2 WHERE p2.team @> ARRAY[%(me)s]::uuid[])")
        if unit.actor.role == VENDOR:
            values["me"] = me
            mine = "SELECT 1 FROM task v WHERE v.entity_id = e.id AND v.assignees @> ARRAY[%(me)s]::uuid[]"
            parts.append(f"EXISTS ({mine})")
    return " AND ".join(parts)


def _is_in_team(unit: Unit, project_id: str) -> bool:
    project = unit.get("project", project_id) if is_uuid(project_id) else None
    return project is not None and role_in(unit, project) is not None


def _listing(unit: Unit, kind: str) -> Reply:
    fields, task_fields = FIELDS[kind]
    compact, stream = unit.request.truth("compact"), unit.request.truth("stream")
    project_id, scopes = unit.request.one("project_id"), ""
    headers = {"Cache-Control": "private, no-cache"}
    if project_id:
        scopes = unit.etag(project_id, "entity_type", "task_type", "task_status", "subscription")
        headers["ETag"] = f'"{scopes}-{unit.actor.person_id}-{int(compact)}{int(stream)}"'
        if unit.request.if_none_match == headers["ETag"]:
            return Reply(304, headers=headers)
    values: dict[str, Any] = {}
    where = _where(unit, kind, values)
    order = "et.name" if kind == "asset" else "top.name, up.name"
    column = "compact" if compact else "body"
    listing = Listing(
        "w.entity_id", f"w.{column}", f"{SOURCE} WHERE {where}", f"{order}, e.name, e.id", values,
        partial(_made, unit, compact),
    )  # fmt: skip
    what = ("with tasks", kind, column, where, *sorted(values.items()))
    marked = _marked(unit, project_id)
    content_type = "application/x-ndjson" if stream else "application/json"

    def read() -> bytes:
        found = listing.read(unit, what, scopes)
        rows = _personal(unit, found, marked, None if not compact else task_fields)
        head = {"compact": compact, f"{kind}_fields": [*fields, "tasks"], "task_fields": task_fields}
        if stream:
            return b"\n".join([orjson.dumps(head), *rows, b""])
        if compact:
            return b"".join([orjson.dumps(head)[:-1], b',"rows":[', b",".join(rows), b"]}"])
        return array_of(rows)

    if scopes and not marked and unit.actor.role != VENDOR:
        return unless_held(unit, (*what, stream), scopes, read, content_type=content_type, headers=headers)
    return Reply(body=read(), content_type=content_type, headers=headers)


def _marked(unit: Unit, project_id: str | None) -> dict[bytes, set[str]]:
    """Return by entity the tasks that the actor has subscribed to, of one production or of all."""
    where, args = "s.person_id = %s", [unit.actor.person_id or NO_ONE]
    if project_id:
        where, args = f"{where} AND e.project_id::text = %s", [*args, project_id]
    mine = f"""SELECT t.entity_id::text, t.id::text FROM subscription s JOIN task t ON t.id = s.task_id
        JOIN entity e ON e.id = t.entity_id WHERE {where}"""
    marked: dict[bytes, set[str]] = {}
    for entity_id, task_id in unit.rows(mine, args):
        marked.setdefault(entity_id.encode(), set()).add(task_id)
    return marked


def _made(unit: Unit, compact: bool, rows: list[tuple[Any, ...]]) -> Texts:
    """Return the texts of rows by their names; those that are not made yet are made here."""
    unmade = [id_in(name).decode() for name, text in rows if text is None]
    if not unmade:
        return dict(rows)
    texts = {id_.encode(): both[compact].encode() for id_, both in texts_of(unit, unmade).items()}
    found = ((name, texts.get(id_in(name)) if text is None else text) for name, text in rows)
    return {name: text for name, text in found if text is not None}


def _personal(unit: Unit, found: Texts, marked: dict[bytes, set[str]], columns: Sequence[str] | None) -> list[Any]:
    """Return the texts of rows as the actor sees them: his subscriptions marked, and a vendor's own tasks alone."""
    me, vendor = unit.actor.person_id or NO_ONE, unit.actor.role == VENDOR
    if not marked and not vendor:
        return list(found.values())
    id_, subscribed, assignees = (
        map(columns.index, ("id", "is_subscribed", "assignees")) if columns else ("id", "is_subscribed", "assignees")
    )

    def personal(text: Any, tasks: set[str]) -> bytes:
        row = orjson.loads(text)
        key: Any = -1 if columns else "tasks"
        row[key] = [task for task in row[key] if not vendor or me in task[assignees]]
        for task in row[key]:
            task[subscribed] = task[id_] in tasks
        return orjson.dumps(row)

    nothing: set[str] = set()
    return [
        personal(text, marked.get(id_in(name), nothing)) if vendor or id_in(name) in marked else text
        for name, text in found.items()
    ]


@query(allow=signed_in)
def list_assets_with_tasks(unit: Unit) -> Reply:
    """Return assets with their tasks; compact, stream, ETag. Source: GET /data/assets/with-tasks."""
    return _listing(unit, "asset")


@query(allow=signed_in)
def list_shots_with_tasks(unit: Unit) -> Reply:
    """Return shots with their tasks; compact, stream, ETag. Source: GET /data/shots/with-tasks."""
    return _listing(unit, "shot")
