"""Tasks read: one, whole, and in lists."""

import zlib
from typing import Any

import orjson

from chassis import filters
from chassis.binding import NIL, Id, is_uuid
from chassis.errors import Forbidden, Invalid, NotFound
from chassis.held import unless_held
from chassis.listing import Listing
from chassis.messages import CLIENT, VENDOR, Reply
from chassis.operations import query
from chassis.pieces import Texts
from chassis.policy import signed_in
from chassis.resources import array_of
from chassis.unit import Unit
from contracts.access import project_staff, project_team
from services.tasks.policy import may_see, task_readers, visible_tasks
from services.tasks.shapes import NAMES, blanked, tasks_with, wire

IN_EPISODE = """t.entity_id IN (SELECT s.id FROM entity s LEFT JOIN entity q ON q.id = s.parent_id
    WHERE %s IN (s.source_id, s.parent_id, q.parent_id))"""


@query(allow=signed_in, wrong_id="Malformed ID.", kept=True)
def get_task(unit: Unit, instance_id: Id) -> bytes:
    """Return a task; clients get no planning. Source: GET /data/tasks/{instance_id}."""
    task = unit.need("task", instance_id)
    if not may_see(unit, task):
        raise Forbidden
    resource = unit.resource("task")
    text = resource.doc(task)
    if unit.request.truth("relations", True):
        text = text[:-1] + resource.rel(task)
    return blanked(unit, text.encode())


@query(allow=task_readers, kept=True)
def get_task_full(unit: Unit, task_id: Id) -> dict[str, Any]:
    """Return a task with its entity, project, people, type and status. Source: GET /data/tasks/{id}/full."""
    task = unit.need("task", task_id)
    entity = unit.get("entity", task["entity_id"])
    kind = unit.get("entity_type", entity["entity_type_id"]) if entity else None
    people = unit.many("person", task["assignees"] or [])
    around = {
        "entity": entity,
        "entity_type": kind,
        "project": unit.get("project", task["project_id"]),
        "task_status": unit.get("task_status", task["task_status_id"]),
        "task_type": unit.get("task_type", task["task_type_id"]),
        "assigner": unit.get("person", task["assigner_id"]),
    }
    found: dict[str, Any] = orjson.loads(blanked(unit, orjson.dumps(wire(unit, task, relations=True))))
    found.update({key: wire(unit, record) if record else None for key, record in around.items()})
    found["persons"] = [wire(unit, person) for person in people.values()]
    where = "t.person_id = %s AND t.task_id = %s"
    found["is_subscribed"] = bool(unit.actor.person_id) and bool(
        unit.count("subscription", where, (unit.actor.person_id, task_id))
    )
    return found


@query(allow=project_team)
def list_project_tasks(unit: Unit, project_id: Id) -> Reply:
    """Return the tasks of a project, with ETag. Source: GET /data/projects/{id}/tasks."""
    shown = "&".join(f"{k}={v}" for k, v in sorted(unit.request.query.items()))
    revision = unit.etag(project_id)
    tag = f'"{revision}-{unit.actor.person_id}-{zlib.crc32(shown.encode()):x}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if unit.request.if_none_match == tag:
        return Reply(304, headers=headers)
    # The policy lets nobody in from outside of the team, and all of the team but vendors see the same.
    seen = visible_tasks(unit) if unit.actor.role == VENDOR else None
    where = "t.project_id = %s" + (f" AND {seen[0]}" if seen else "")
    args = [project_id, *(seen[1] if seen else [])]
    for name in ("task_type_id", "episode_id"):
        value = unit.request.one(name)
        if value:
            if not is_uuid(value):
                raise Invalid("Wrong UUID format.")
            column = "t.task_type_id = %s" if name == "task_type_id" else IN_EPISODE
            where, args = f"{where} AND {column}", [*args, value]
    if "page" in unit.request.query:
        unit.request.query = {k: v for k, v in unit.request.query.items() if k in ("page", "limit")}
        unit.request.query["relations"] = ["true"]
        body = filters.listing(unit, unit.resource("task"), [where], args)
        return Reply(body=body if unit.actor.role != CLIENT else _blank_page(unit, body), headers=headers)
    listing = Listing("t.id", "t.doc, t.rel", f"FROM task t WHERE {where}", "t.created_at, t.id", args, _whole)
    key = (where, *args)

    def read() -> bytes:
        return array_of(list(listing.read(unit, ("rows", *key), revision).values()))

    def finished() -> bytes:
        # Joining so many texts takes three times as long as sending them, so that is kept, too.
        return blanked(unit, unit.finished(("tasks", *key), revision, read))

    return unless_held(unit, (*key, unit.actor.role == CLIENT), revision, finished, headers=headers)


def _whole(rows: list[tuple[Any, ...]]) -> Texts:
    # PostgreSQL would count the characters of each text to cut its last one; here that is a slice.
    return {name: b"%b%b" % (doc[:-1], rel) for name, doc, rel in rows}


def _blank_page(unit: Unit, body: bytes) -> bytes:
    page = orjson.loads(body)
    page["data"] = orjson.loads(blanked(unit, orjson.dumps(page["data"])))
    return orjson.dumps(page)


@query(allow=project_team, kept=True)
def list_entity_tasks(unit: Unit, entity_id: Id) -> bytes:
    """Return the tasks of an asset, shot or other entity with names. Source: GET /data/shots/{id}/tasks."""
    seen = visible_tasks(unit)
    where = "t.entity_id = %s" + (f" AND {seen[0]}" if seen else "")
    return tasks_with(unit, NAMES, where, [entity_id, *(seen[1] if seen else [])])


@query(allow=project_team)
def list_entity_tasks_of_type(unit: Unit, entity_id: Id, task_type_id: Id) -> bytes:
    """Return the tasks of one type. Source: GET /data/entities/{id}/task-types/{id}/tasks."""
    unit.need("task_type", task_type_id)
    where = "t.entity_id = %s AND t.task_type_id = %s"
    return blanked(unit, unit.docs("task", where, (entity_id, task_type_id), "t.created_at"))


@query(allow=project_team, kept=True)
def list_entity_task_types(unit: Unit, entity_id: Id) -> bytes:
    """Return the types of an entity's tasks. Source: GET /data/shots/{id}/task-types."""
    where = "t.id IN (SELECT w.task_type_id FROM task w WHERE w.entity_id = %s)"
    return unit.docs("task_type", where, (entity_id,), "t.priority, t.name")


@query(allow=signed_in, kept=True)
def get_open_tasks_stats(unit: Unit) -> bytes:
    """Return amounts per open project of the actor. Source: GET /data/tasks/open-tasks/stats."""
    seen = visible_tasks(unit)
    limit = f" AND {seen[0]}" if seen else ""
    # Vendors see their own tasks alone, so theirs are counted; for all others that is done.
    counted = """(SELECT t.project_id, t.task_type_id, t.task_status_id, count(*) AS amount,
        sum(coalesce(t.duration, 0)) AS duration, sum(coalesce(t.estimation, 0)) AS estimation
        FROM task t WHERE true{limit} GROUP BY 1, 2, 3)"""
    own = unit.actor.role == VENDOR
    source, where = (counted.format(limit=limit), "") if own else ("task_cell", limit)
    statement = f"""
        WITH cells AS (SELECT t.project_id, nullif(t.task_type_id, '{NIL}') AS task_type_id,
            nullif(t.task_status_id, '{NIL}') AS task_status_id, t.amount, t.duration, t.estimation,
            CASE WHEN ts.is_done THEN t.amount ELSE 0 END AS done
            FROM {source} t LEFT JOIN task_status ts ON ts.id = t.task_status_id
            JOIN project p ON p.id = t.project_id
            JOIN project_status o ON o.id = p.project_status_id AND o.name = 'Open' WHERE true{where}),
        projects AS (SELECT project_id, jsonb_build_object('amount', sum(amount), 'amount_done', sum(done),
            'total_duration', sum(duration), 'total_estimation', sum(estimation),
            'task_types', jsonb_agg(jsonb_build_object('task_status_id', task_status_id, 'task_type_id', task_type_id,
                'project_id', project_id, 'amount', amount, 'amount_done', done, 'total_duration', duration,
                'total_estimation', estimation) ORDER BY task_type_id, task_status_id)) AS stats
            FROM cells GROUP BY 1)
        SELECT jsonb_object_agg(project_id, stats)::text FROM projects"""
    return unit.raw(statement, list(seen[1]) if seen else None) or b"{}"


@query(allow=project_staff)
def list_sequence_shot_tasks(unit: Unit, sequence_id: Id) -> bytes:
    """Return the tasks of a sequence's shots. Source: GET /data/sequences/{sequence_id}/shot-tasks."""
    _need_kind(unit, sequence_id, "sequence")
    where = "t.entity_id IN (SELECT s.id FROM entity s WHERE s.parent_id = %s AND s.kind = 'shot')"
    return _named(unit, where, [sequence_id])


@query(allow=project_staff)
def list_episode_shot_tasks(unit: Unit, episode_id: Id) -> bytes:
    """Return the tasks of an episode's shots. Source: GET /data/episodes/{episode_id}/shot-tasks."""
    _need_kind(unit, episode_id, "episode")
    inner = "SELECT s.id FROM entity s JOIN entity q ON q.id = s.parent_id WHERE q.parent_id = %s AND s.kind = 'shot'"
    return _named(unit, f"t.entity_id IN ({inner})", [episode_id])


@query(allow=project_staff)
def list_episode_asset_tasks(unit: Unit, episode_id: Id) -> bytes:
    """Return the tasks of an episode's assets. Source: GET /data/episodes/{episode_id}/asset-tasks."""
    _need_kind(unit, episode_id, "episode")
    inner = "SELECT s.id FROM entity s WHERE s.source_id = %s AND s.kind = 'asset'"
    return _named(unit, f"t.entity_id IN ({inner})", [episode_id])


@query(allow=project_staff)
def list_episode_edit_tasks(unit: Unit, episode_id: Id) -> bytes:
    """Return the tasks of an episode's edits. Source: GET /data/episodes/{episode_id}/edit-tasks."""
    _need_kind(unit, episode_id, "episode")
    inner = "SELECT s.id FROM entity s WHERE s.parent_id = %s AND s.kind = 'edit'"
    return _named(unit, f"t.entity_id IN ({inner})", [episode_id])


def _need_kind(unit: Unit, entity_id: str, kind: str) -> None:
    if unit.need("entity", entity_id)["kind"] != kind:
        raise NotFound


def _named(unit: Unit, where: str, args: list[Any]) -> bytes:
    seen = visible_tasks(unit)
    where, args = (f"{where} AND {seen[0]}", [*args, *seen[1]]) if seen else (where, args)
    return tasks_with(unit, NAMES, where, args, "e.name, t.created_at", relations=unit.request.truth("relations"))
