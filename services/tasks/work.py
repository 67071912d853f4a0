"""Tasks: made for entities, changed, deleted."""

from collections.abc import Mapping
from typing import Any

import orjson

from chassis.binding import Id, is_uuid
from chassis.errors import Invalid, Refused
from chassis.messages import SUPERVISOR, SYSTEM
from chassis.operations import command
from chassis.policy import admins
from chassis.resources import Record
from chassis.unit import Unit
from contracts.access import project_managers, project_staff
from services.tasks.definitions import default_status
from services.tasks.policy import role_on, task_managers
from services.tasks.shapes import wire

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
