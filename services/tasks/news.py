"""News: what was said and what changed, newest first."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from chassis.binding import Id, is_uuid, wire_moment
from chassis.errors import Forbidden, Invalid, NotFound
from chassis.messages import ADMIN, CLIENT, VENDOR
from chassis.operations import query
from chassis.policy import Policy, signed_in
from chassis.unit import Unit
from contracts.access import NO_ONE, project_of, role_in
from contracts.task_access import may_see_entity

ROW = """jsonb_build_object('id', t.id, 'type', 'News', 'author_id', t.author_id, 'comment_id', t.comment_id,
 'task_id', t.task_id, 'task_type_id', w.task_type_id, 'task_status_id', c.task_status_id,
 'task_entity_id', w.entity_id, 'preview_file_id', t.preview_file_id, 'preview_file_extension', v.extension,
 'preview_file_revision', v.revision, 'project_id', t.project_id, 'project_name', p.name,
 'created_at', to_char(t.created_at, 'YYYY-MM-DD"T"HH24:MI:SS'), 'change', t.change,
 'full_entity_name', CASE WHEN e.kind IN ('shot', 'sequence', 'scene')
    THEN concat_ws(' / ', top.name, up.name, e.name) ELSE concat_ws(' / ', et.name, e.name) END,
 'episode_id', CASE e.kind WHEN 'shot' THEN top.id WHEN 'sequence' THEN up.id ELSE e.source_id END,
 'entity_preview_file_id', e.preview_file_id,
 'person', jsonb_build_object('id', a.id, 'first_name', a.first_name, 'last_name', a.last_name,
    'full_name', btrim(concat_ws(' ', a.first_name, a.last_name)), 'has_avatar', a.doc::jsonb->'has_avatar',
    'role', a.role))"""
JOINS = """news t LEFT JOIN task w ON w.id = t.task_id LEFT JOIN comment c ON c.id = t.comment_id
 LEFT JOIN preview_file v ON v.id = t.preview_file_id LEFT JOIN project p ON p.id = t.project_id
 LEFT JOIN entity e ON e.id = w.entity_id LEFT JOIN entity_type et ON et.id = e.entity_type_id
 LEFT JOIN entity up ON up.id = e.parent_id LEFT JOIN entity top ON top.id = up.parent_id
 LEFT JOIN person a ON a.id = t.author_id"""
OPEN = "p.project_status_id IN (SELECT s.id FROM project_status s WHERE s.name = 'Open')"
MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d)?")
COLUMNS = {
    "project_id": "t.project_id",
    "task_type_id": "w.task_type_id",
    "task_status_id": "c.task_status_id",
    "person_id": "t.author_id",
}
EPISODE = "(CASE e.kind WHEN 'shot' THEN top.id WHEN 'sequence' THEN up.id ELSE e.source_id END)"


def _not_for(*roles: str) -> Policy:
    def check(unit: Unit, path: Any) -> bool:
        role = role_in(unit, project_of(unit, path))
        return role is not None and role not in roles

    return Policy(f"project team, not {' or '.join(roles)}", check)


def _moment(unit: Unit, name: str) -> str | None:
    text = unit.request.one(name)
    if not text:
        return None
    try:
        if MOMENT.fullmatch(text):
            return wire_moment(text)
    except ValueError:
        pass
    raise Invalid("Wrong date format for before argument.Expected format: 2020-01-05T13:23:10 or 2020-01-05")


def _number(unit: Unit, name: str, default: int) -> int:
    text = unit.request.one(name)
    if text is None or text == "":
        return default
    if not re.fullmatch(r"-?\d{1,9}", text):
        raise Invalid(f"Wrong value for parameter {name}.")
    return int(text)


def _truth(unit: Unit, name: str) -> bool:
    text = (unit.request.one(name) or "false").lower()
    if text not in ("true", "false", "1", "0"):
        raise Invalid(f"Wrong value for parameter {name}.")
    return text in ("true", "1")


def _ids(values: list[str]) -> list[str]:
    if not all(map(is_uuid, values)):
        raise Invalid("Wrong UUID format.")
    return values


def _columns(unit: Unit) -> Iterator[tuple[str, Any]]:
    for name, column in COLUMNS.items():
        value = unit.request.one(name)
        if value:
            yield f"{column} = %s", _ids([value])[0]
    projects = [value for value in unit.request.query.get("project_ids", []) if value]
    if projects:
        yield "t.project_id = ANY(%s::uuid[])", _ids(projects)
    for name, sign in (("after", ">"), ("before", "<")):
        value = _moment(unit, name)
        if value:
            yield f"t.created_at {sign} %s::timestamptz", value


def _conditions(unit: Unit) -> tuple[list[str], list[Any]]:
    """Return the SQL of the filters in the query. Raises Invalid."""
    where: list[str] = ["true"]
    args: list[Any] = []
    for condition, value in _columns(unit):
        where.append(condition)
        args.append(value)
    episode = unit.request.one("episode_id")
    if episode == "main":
        where.append(f"{EPISODE} IS NULL")
    elif episode and episode != "all":
        where.append(f"{EPISODE} = %s")
        args += _ids([episode])
    if _truth(unit, "only_preview"):
        where.append("t.preview_file_id IS NOT NULL")
    return where, args


def _page(unit: Unit, where: Sequence[str], args: Sequence[Any]) -> bytes:
    """Return {data, total, nb_pages, limit, offset, page, stats}: one page of rows, counts over the whole filter."""
    limit, page = max(1, _number(unit, "limit", 50)), max(1, _number(unit, "page", 1))
    offset = (page - 1) * limit
    condition = " AND ".join(where)
    statement = f"""
        WITH found AS (SELECT t.id, t.created_at, t.change, c.task_status_id FROM {JOINS} WHERE {condition}),
        rows AS (SELECT {ROW} AS row, t.created_at, t.id FROM {JOINS}
            WHERE t.id IN (SELECT f.id FROM found f ORDER BY f.created_at DESC, f.id LIMIT {limit} OFFSET {offset})),
        counts AS (SELECT task_status_id, count(*) AS amount FROM found
            WHERE change AND task_status_id IS NOT NULL GROUP BY 1)
        SELECT jsonb_build_object(
            'data', coalesce((SELECT jsonb_agg(r.row ORDER BY r.created_at DESC, r.id) FROM rows r), '[]'),
            'total', (SELECT count(*) FROM found),
            'nb_pages', (SELECT (count(*) + {limit} - 1) / {limit} FROM found),
            'limit', {limit}, 'offset', {offset}, 'page', {page},
            'stats', coalesce((SELECT jsonb_object_agg(task_status_id, amount) FROM counts), '{{}}'))::text"""
    return unit.raw(statement, list(args))


@query(allow=signed_in)
def list_my_news(unit: Unit) -> bytes:
    """Return a page of news of the actor's open projects. Source: GET /data/projects/news."""
    where, args = _conditions(unit)
    where.append(OPEN)
    if unit.actor.role != ADMIN:
        where.append("p.team @> ARRAY[%s]::uuid[]")
        args.append(unit.actor.person_id or NO_ONE)
    return _page(unit, where, args)


@query(allow=_not_for(CLIENT))
def list_project_news(unit: Unit, project_id: Id) -> bytes:
    """Return a page of news of a project. Source: GET /data/projects/{project_id}/news."""
    unit.request.query.pop("project_id", None)
    where, args = _conditions(unit)
    return _page(unit, [*where, "t.project_id = %s"], [*args, project_id])


@query(allow=_not_for(VENDOR))
def get_project_news(unit: Unit, project_id: Id, news_id: Id) -> bytes:
    """Return one news. Source: GET /data/projects/{project_id}/news/{news_id}."""
    statement = f"SELECT {ROW}::text FROM {JOINS} WHERE t.id = %s AND t.project_id = %s"
    found = unit.raw(statement, (news_id, project_id))
    if not found:
        raise NotFound
    return found


@query(allow=signed_in)
def list_entity_news(unit: Unit, entity_id: Id) -> bytes:
    """Return the first 2,000 news of an entity. Source: GET /data/entities/{entity_id}/news."""
    entity = unit.need("entity", entity_id)
    if not may_see_entity(unit, entity["project_id"], entity.id):
        raise Forbidden
    unit.request.query = {"limit": ["2000"]}
    return _page(unit, ["w.entity_id = %s"], [entity_id])
