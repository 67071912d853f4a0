"""Wire shapes that join a task with its neighbours."""

from collections.abc import Sequence
from typing import Any

import orjson

from chassis.messages import CLIENT
from chassis.resources import Record
from chassis.unit import Unit

JOINS = """
 LEFT JOIN entity e ON e.id = t.entity_id
 LEFT JOIN entity_type et ON et.id = e.entity_type_id
 LEFT JOIN project p ON p.id = t.project_id
 LEFT JOIN task_type tt ON tt.id = t.task_type_id
 LEFT JOIN task_status ts ON ts.id = t.task_status_id
 LEFT JOIN entity up ON up.id = e.parent_id
 LEFT JOIN entity top ON top.id = up.parent_id
"""
NAMES = """
 'entity_name', e.name, 'entity_type_name', et.name, 'project_name', p.name,
 'task_status_name', ts.name, 'task_type_name', tt.name"""
# Names for the lists of one person: all that a row of the to-do page shows.
WIDE = (
    NAMES
    + """,
 'entity_canceled', e.canceled, 'entity_data', e.doc::jsonb->'data', 'entity_description', e.doc::jsonb->'description',
 'entity_preview_file_id', e.preview_file_id, 'entity_source_id', e.source_id,
 'episode_id', CASE e.kind WHEN 'shot' THEN top.id WHEN 'sequence' THEN up.id ELSE e.source_id END,
 'episode_name', CASE e.kind WHEN 'shot' THEN top.name WHEN 'sequence' THEN up.name ELSE
   (SELECT s.name FROM entity s WHERE s.id = e.source_id) END,
 'sequence_name', CASE e.kind WHEN 'shot' THEN up.name END,
 'project_has_avatar', p.doc::jsonb->'has_avatar',
 'task_type_color', tt.doc::jsonb->'color', 'task_type_for_entity', tt.for_entity,
 'task_status_short_name', ts.short_name, 'task_status_color', ts.doc::jsonb->'color',
 'task_due_date', t.doc::jsonb->'due_date', 'task_start_date', t.doc::jsonb->'start_date',
 'task_duration', t.duration, 'task_estimation', t.estimation,
 'last_comment', coalesce((SELECT jsonb_build_object('text', c.doc::jsonb->'text', 'date', c.doc::jsonb->'created_at',
   'person_id', c.person_id) FROM comment c WHERE c.object_id = t.id ORDER BY c.created_at DESC LIMIT 1), '{}')"""
)


def tasks_with(
    unit: Unit,
    names: str,
    where: str,
    args: Sequence[Any],
    order: str = "t.created_at, t.id",
    limit: str = "",
    *,
    relations: bool = True,
) -> bytes:
    """Return the JSON array of tasks enlarged by `names`; one statement, nothing decoded but for clients."""
    tail = "left(t.rel, -1) ||" if relations else ""
    cell = f"left(t.doc, -1) || {tail} ',' || substr(jsonb_build_object({names})::text, 2)"
    rows = f"SELECT {cell} AS cell, row_number() OVER (ORDER BY {order}) AS place FROM task t {JOINS} WHERE {where}"
    found = unit.raw(f"SELECT string_agg(x.cell, ',' ORDER BY x.place) FROM ({rows} {limit}) x", list(args))
    return blanked(unit, b"[" + found + b"]")


def wire(unit: Unit, record: Record, *, relations: bool = False) -> dict[str, Any]:
    """Return the wire document of a record, decoded, for shapes that add to it."""
    resource = unit.resource(record.kind)
    text = resource.doc(record)
    found: dict[str, Any] = orjson.loads(text[:-1] + resource.rel(record) if relations else text)
    return found


def short_person(person: Record | None) -> dict[str, Any] | None:
    """Return {id, first_name, last_name, full_name, has_avatar, role}."""
    if person is None:
        return None
    first, last = person.get("first_name") or "", person.get("last_name") or ""
    return {
        "id": person.id,
        "first_name": first,
        "last_name": last,
        "full_name": f"{first} {last}".strip(),
        "has_avatar": person.get("has_avatar"),
        "role": person.get("role"),
    }


PRESENT = ("name", "original_name", "extension", "revision", "position", "file_size", "status", "validation_status",
           "task_id", "person_id", "token_in", "token_out")  # fmt: skip


def present_preview(preview: Record) -> dict[str, Any]:
    """Return a preview as comments show it."""
    created = preview.created_at.strftime("%Y-%m-%dT%H:%M:%S")
    return {"id": preview.id, **{key: preview.fields.get(key) for key in PRESENT}, "created_at": created}


NOTHING = ("assigner_id", "difficulty", "done_date", "due_date", "end_date", "last_comment_date", "real_start_date",
           "start_date")  # fmt: skip
ZERO = ("completion_rate", "duration", "estimation", "nb_assets_ready", "nb_drawings", "priority", "retake_count")
BLANK: dict[str, Any] = {"assignees": [], **dict.fromkeys(NOTHING), **dict.fromkeys(ZERO, 0)}


def blanked(unit: Unit, documents: bytes) -> bytes:
    """Return task documents, an array or one, without the planning where a client reads them."""
    if unit.actor.role != CLIENT:
        return documents
    found = orjson.loads(documents)
    rows = found if isinstance(found, list) else [found]
    for row in rows:
        row.update({key: value for key, value in BLANK.items() if key in row})
    return orjson.dumps(found)
