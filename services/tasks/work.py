"""Tasks: made for entities, listed, read whole."""

import zlib
from collections.abc import Mapping
from typing import Any

import orjson

from chassis import filters
from chassis.binding import Id, is_uuid
from chassis.errors import Forbidden, Invalid, NotFound, Refused
from chassis.messages import CLIENT, SUPERVISOR, SYSTEM, Reply
from chassis.operations import command, query
from chassis.policy import admins, signed_in
from chassis.resources import Record
from chassis.unit import Unit
from contracts.access import project_managers, project_staff, project_team
from services.tasks.definitions import default_status
from services.tasks.policy import may_see, role_on, task_managers, task_readers, visible_tasks
from services.tasks.shapes import NAMES, blanked, tasks_with, wire

IN_EPISODE = """t.entity_id IN (SELECT s.id FROM entity s LEFT JOIN entity q ON q.id = s.parent_id
    WHERE %s IN (s.source_id, s.parent_id, q.parent_id))"""
KINDS = {
    "concepts": "concept",
    "assets": "asset",
    "shots": "shot",
    "edits": "edit",
    "sequences": "sequence",
    "episodes": "episode",
}


def before_create_task(unit: Unit, fields: dict[str, Any]) -> Mapping[str, Any]:
    """Check type and entity; fill name, status and project. Source: POST /data/tasks."""
    task_type = unit.get("task_type", fields.get("task_type_id"))
    entity = unit.get("entity", fields.get("entity_id"))
    if task_type is None:
        raise Invalid("Task type ID matches no task type")
    if entity is None:
        raise Invalid("Entity ID matches no entity")
    if (task_type["for_entity"] or "").lower() != entity["kind"]:
        raise Invalid("Task type does not match entity type.")
    found = {**_fresh(unit, entity, task_type), **{k: v for k, v in fields.items() if v is not None}}
    found["project_id"] = entity["project_id"]
    _refuse_twin(unit, found)
    return found


def _fresh(unit: Unit, entity: Record, task_type: Record) -> dict[str, Any]:
    status = default_status(unit, for_concept=entity["kind"] == "concept")
    return {
        "name": "main",
        "project_id": entity["project_id"],
        "task_type_id": task_type.id,
        "entity_id": entity.id,
        "task_status_id": status.id if status else None,
        "assignees": [],
    }


def _refuse_twin(unit: Unit, fields: Mapping[str, Any]) -> None:
    where = "t.entity_id = %s AND t.task_type_id = %s AND t.name = %s"
    if unit.count("task", where, (fields["entity_id"], fields["task_type_id"], fields["name"])):
        raise Refused("Task already exists.")


def _make(unit: Unit, entities: list[Record], task_types: list[Record]) -> list[Record]:
    ids = [entity.id for entity in entities]
    types = [task_type.id for task_type in task_types]
    where = "t.entity_id = ANY(%s::uuid[]) AND t.task_type_id = ANY(%s::uuid[])"
    taken = {(task["entity_id"], task["task_type_id"]) for task in unit.find("task", where, (ids, types))}
    return [
        unit.create("task", _fresh(unit, entity, task_type))
        for task_type in task_types
        for entity in entities
        if (entity.id, task_type.id) not in taken
    ]


def _created(unit: Unit, tasks: list[Record]) -> list[dict[str, Any]]:
    statuses = unit.many("task_status", [t["task_status_id"] for t in tasks])
    types = unit.many("task_type", [t["task_type_id"] for t in tasks])
    entities = unit.many("entity", [t["entity_id"] for t in tasks])
    projects = unit.many("project", [t["project_id"] for t in tasks])
    entity_types = unit.many("entity_type", [e["entity_type_id"] for e in entities.values()])
    found = []
    for task in tasks:
        entity, status = entities[task["entity_id"]], statuses.get(task["task_status_id"])
        kind = entity_types.get(entity["entity_type_id"])
        names = {
            "assignees": list(task["assignees"] or []),
            "task_status_name": status["name"] if status else None,
            "task_type_name": types[task["task_type_id"]]["name"],
            "entity_name": entity["name"],
            "entity_type_name": kind["name"] if kind else None,
            "project_name": projects[task["project_id"]]["name"] if task["project_id"] in projects else None,
        }
        found.append({**wire(unit, task), **names})
    return found


@command(allow=project_staff, status=201)
def create_entity_tasks(unit: Unit, entity_id: Id, *, task_type_ids: list[str] | None = None) -> list[dict[str, Any]]:
    """Make a task of each type for one entity, skipping those it has. Source: POST /data/entities/{id}/tasks."""
    entity = unit.need("entity", entity_id)
    types = unit.many("task_type", [id_ for id_ in task_type_ids or [] if is_uuid(id_)])
    return _created(unit, _make(unit, [entity], [types[i] for i in task_type_ids or [] if i in types]))


@command(allow=project_managers, status=201)
def create_project_tasks(
    unit: Unit, project_id: Id, task_type_id: Id, entity_type: str, *, body: Any
) -> list[dict[str, Any]]:
    """Make one task per entity: the ids in the body, or all of a kind; existing ones are skipped.

    Source: POST /actions/projects/{id}/task-types/{id}/create-tasks/{entity_type}
    """
    task_type = unit.need("task_type", task_type_id)
    kind = KINDS.get(entity_type.lower().rstrip("s") + "s", entity_type.lower())
    where = "t.project_id = %s AND t.kind = %s"
    args: list[Any] = [project_id, kind]
    if isinstance(body, list) and body:
        where, args = where + " AND t.id = ANY(%s::uuid[])", [*args, [i for i in body if is_uuid(i)]]
    else:
        where += " AND NOT coalesce(t.canceled, false)"
    return _created(unit, _make(unit, unit.find("entity", where, args, "t.created_at, t.id"), [task_type]))


@command(allow=project_managers, status=201)
def create_asset_tasks(unit: Unit, project_id: Id, task_type_id: Id, *, body: Any) -> list[dict[str, Any]]:
    """Make tasks for assets. Source: POST …/task-types/{id}/assets/create-tasks."""
    return create_project_tasks(unit, project_id, task_type_id, "assets", body=body)


@command(allow=project_managers, status=201)
def create_shot_tasks(unit: Unit, project_id: Id, task_type_id: Id, *, body: Any) -> list[dict[str, Any]]:
    """Make tasks for shots. Source: POST …/task-types/{id}/shots/create-tasks."""
    return create_project_tasks(unit, project_id, task_type_id, "shots", body=body)


SUPERVISED = {"priority", "start_date", "due_date", "estimation", "difficulty", "data"}


@query(allow=signed_in, wrong_id="Malformed ID.")
def get_task(unit: Unit, instance_id: Id) -> bytes:
    """Return a task; clients get no planning. Source: GET /data/tasks/{instance_id}."""
    task = unit.need("task", instance_id)
    if not may_see(unit, task):
        raise Forbidden
    relations = unit.request.truth("relations", True)
    return blanked(unit, orjson.dumps(wire(unit, task, relations=relations)))


def before_update_task(unit: Unit, task: Record, changes: dict[str, Any]) -> Mapping[str, Any]:
    """Keep supervisors to planning, merge `data`, refuse twins. Source: PUT /data/tasks/{instance_id}."""
    if unit.actor.role != SYSTEM and role_on(unit, task) == SUPERVISOR:
        changes = {key: value for key, value in changes.items() if key in SUPERVISED}
    if isinstance(changes.get("data"), dict):
        changes["data"] = {**(task["data"] or {}), **changes["data"]}
    if changes.get("difficulty") is not None and not 1 <= changes["difficulty"] <= 5:
        raise Refused("The data conflicts with database integrity rules.")
    changes.pop("assignees", None)
    return changes


def erase_tasks(unit: Unit, where: str, *args: Any) -> None:
    """Delete tasks with all that hangs on them."""
    for task in unit.find("task", where, args):
        erase(unit, task)
        unit.delete(task, live=_gone(task))


@command(allow=admins)
def delete_tasks_of_type(unit: Unit, project_id: Id, task_type_id: Id) -> None:
    """Delete a project's tasks of a type.

    Source: DELETE /actions/projects/{project_id}/task-types/{task_type_id}/delete-tasks.
    """
    unit.need("project", project_id)
    erase_tasks(unit, "t.project_id = %s AND t.task_type_id = %s", project_id, task_type_id)


@command(allow=project_managers, status=201)
def create_edit_tasks(unit: Unit, project_id: Id, task_type_id: Id, *, body: Any) -> list[dict[str, Any]]:
    """Make tasks for edits.

    Source: POST /actions/projects/{project_id}/task-types/{task_type_id}/edits/create-tasks.
    """
    return create_project_tasks(unit, project_id, task_type_id, "edits", body=body)


@command(allow=project_staff, status=201)
def create_concept_tasks(unit: Unit, project_id: Id, task_type_id: Id, *, body: Any) -> list[dict[str, Any]]:
    """Make tasks for concepts.

    Source: POST /actions/projects/{project_id}/task-types/{task_type_id}/concepts/create-tasks.
    """
    return create_project_tasks(unit, project_id, task_type_id, "concepts", body=body)


def erase(unit: Unit, task: Record) -> None:
    """Delete what hangs on a task; the caller deletes the task itself."""
    for kind, key in (("notification", "task_id"), ("news", "task_id"), ("subscription", "task_id")):
        for record in unit.find(kind, f"t.{key} = %s", (task.id,)):
            unit.delete(record, live=[])
    for record in unit.find("time_spent", "t.task_id = %s", (task.id,)):
        unit.delete(record, live=[])
    for record in unit.find("comment", "t.object_id = %s", (task.id,)):
        unit.delete(record, live=[])


def _gone(task: Record) -> list[tuple[str, dict[str, Any]]]:
    payload = {"task_id": task.id, "entity_id": task["entity_id"], "task_type_id": task["task_type_id"]}
    return [("task:delete", {**payload, "project_id": task["project_id"]})]


@command(allow=task_managers, status=204, wrong_id="Malformed ID.")
def delete_task(unit: Unit, instance_id: Id) -> None:
    """Delete a task with its comments, time, news and subscriptions; `force` takes its working files along.

    Raises Refused while it has working files. Source: DELETE /data/tasks/{id}.
    """
    task = unit.need("task", instance_id)
    if not unit.request.truth("force"):
        found = unit.ask("media.count_working_files", {"task_id": task.id})
        if orjson.loads(found.read())["count"]:
            raise Refused("The task has working files: delete it with force=true to delete them too.")
    erase(unit, task)
    unit.delete(task, live=_gone(task))


@command(allow=project_managers)
def delete_tasks(unit: Unit, project_id: Id, *, body: list[str]) -> list[str]:
    """Delete tasks of a project; returns the ids sent. Source: POST /actions/projects/{id}/delete-tasks."""
    for task in unit.many("task", [i for i in body if is_uuid(i)]).values():
        if task["project_id"] == project_id:
            erase(unit, task)
            unit.delete(task, live=_gone(task))
    return body


@query(allow=task_readers)
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
    tag = f'"{unit.etag(project_id)}-{unit.actor.person_id}-{zlib.crc32(shown.encode()):x}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if unit.request.if_none_match == tag:
        return Reply(304, headers=headers)
    seen = visible_tasks(unit)
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
    body = unit.docs("task", where, args, "t.created_at, t.id", relations=True)
    return Reply(body=blanked(unit, body), headers=headers)


def _blank_page(unit: Unit, body: bytes) -> bytes:
    page = orjson.loads(body)
    page["data"] = orjson.loads(blanked(unit, orjson.dumps(page["data"])))
    return orjson.dumps(page)


@query(allow=project_team)
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


@query(allow=project_team)
def list_entity_task_types(unit: Unit, entity_id: Id) -> bytes:
    """Return the types of an entity's tasks. Source: GET /data/shots/{id}/task-types."""
    where = "t.id IN (SELECT w.task_type_id FROM task w WHERE w.entity_id = %s)"
    return unit.docs("task_type", where, (entity_id,), "t.priority, t.name")


@query(allow=signed_in)
def get_open_tasks_stats(unit: Unit) -> bytes:
    """Return amounts per open project of the actor. Source: GET /data/tasks/open-tasks/stats."""
    seen = visible_tasks(unit)
    limit = f"AND {seen[0]}" if seen else ""
    statement = f"""
        WITH cells AS (SELECT t.project_id, t.task_type_id, t.task_status_id, count(*) AS amount,
            count(*) FILTER (WHERE ts.is_done) AS done, sum(coalesce(t.duration, 0)) AS duration,
            sum(coalesce(t.estimation, 0)) AS estimation
            FROM task t LEFT JOIN task_status ts ON ts.id = t.task_status_id JOIN project p ON p.id = t.project_id
            JOIN project_status o ON o.id = p.project_status_id AND o.name = 'Open'
            WHERE true {limit} GROUP BY 1, 2, 3),
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
