"""Tasks: creation in bulk for lists of entities, assignment, the lists people work from."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from chassis.binding import Id
from chassis.errors import Invalid, Refused
from chassis.messages import CLIENT, VENDOR
from chassis.operations import command, query
from chassis.policy import Policy, signed_in
from chassis.resources import Fields, Record
from chassis.unit import Unit
from contracts.access import my_projects, project_managers, project_of, project_team, role_in
from services.tasks.kinds import default_status

TODO = "t.assignees @> ARRAY[%s]::uuid[] AND t.task_status_id IN (SELECT s.id FROM task_status s WHERE {} s.is_done)"
team_makers = Policy(
    "project team, neither vendor nor client",
    lambda unit, path: role_in(unit, project_of(unit, path)) not in (None, VENDOR, CLIENT),
)


def before_create(unit: Unit, fields: Fields) -> Mapping[str, Any]:
    """Complete a new task: project of its entity, default name and status. Raises Invalid."""
    entity = unit.get("entity", fields.get("entity_id"))
    task_type = unit.get("task_type", fields.get("task_type_id"))
    if entity is None:
        raise Invalid("entity_id must name an existing entity.")
    if task_type is None:
        raise Invalid("task_type_id must name an existing task type.")
    if not _fits(task_type, entity):
        raise Invalid(f"Task type {task_type['name']} is not for this kind of entity.")
    given = {"name": "main", "assigner_id": unit.actor.person_id, **fields, "project_id": entity["project_id"]}
    given["task_status_id"] = fields.get("task_status_id") or default_status(
        unit, for_concept=entity["kind"] == "concept"
    )
    return given


def _fits(task_type: Record, entity: Record) -> bool:
    return str(task_type["for_entity"] or "Asset").lower() == str(entity["kind"] or "asset")


def _create_missing(unit: Unit, entities: Iterable[Record], types: Iterable[Record]) -> list[Record]:
    wanted = {e.id: e for e in entities}
    kinds = {t.id: t for t in types}
    where = "t.entity_id = ANY(%s::uuid[]) AND t.task_type_id = ANY(%s::uuid[])"
    there = {(t["entity_id"], t["task_type_id"]) for t in unit.find("task", where, (list(wanted), list(kinds)))}
    statuses = {flag: default_status(unit, for_concept=flag) for flag in (False, True)}
    made = []
    for entity in wanted.values():
        for task_type in kinds.values():
            if (entity.id, task_type.id) in there or not _fits(task_type, entity):
                continue
            fields = {"name": "main", "entity_id": entity.id, "task_type_id": task_type.id}
            fields["project_id"] = entity["project_id"]
            status = statuses[entity["kind"] == "concept"]
            more = {"task_status_id": status, "assigner_id": unit.actor.person_id}
            made.append(unit.create("task", {**fields, **more}))
    return made


@command(allow=team_makers, status=201)
def create_entity_tasks(unit: Unit, entity_id: Id, *, task_type_ids: list[Id] | None = None) -> list[Any]:
    """Create one task per task type for an entity. Source: POST /data/entities/{entity_id}/tasks."""
    entity = unit.need("entity", entity_id)
    project = unit.need("project", entity["project_id"])
    types = unit.many("task_type", task_type_ids or project["task_types"] or [])
    return rendered(unit, _create_missing(unit, [entity], types.values()))


@command(allow=project_managers, status=201)
def create_project_tasks(unit: Unit, project_id: Id, task_type_id: Id, entity_kind: str, *, body: Any) -> list[Any]:
    """Create tasks of one type for the given entities, or all of a kind: one transaction.

    Source: POST /actions/projects/{project_id}/task-types/{task_type_id}/{entity_kind}/create-tasks.
    """
    task_type = unit.need("task_type", task_type_id)
    kind = entity_kind.removesuffix("s")
    where = "t.project_id = %s AND t.kind = %s"
    args: list[Any] = [project_id, kind]
    if isinstance(body, list) and body:
        where, args = where + " AND t.id = ANY(%s::uuid[])", [*args, body]
    return rendered(unit, _create_missing(unit, unit.find("entity", where, args), [task_type]))


def rendered(unit: Unit, tasks: Iterable[Record]) -> list[dict[str, Any]]:
    """Return tasks as the wire has them, with relations."""
    resource = unit.resource("task")
    return [orjson.loads(resource.doc(task)[:-1] + resource.rel(task)) for task in tasks]


@query(allow=project_team)
def list_project_tasks(unit: Unit, project_id: Id) -> bytes:
    """List the tasks of a project. Source: GET /data/projects/{project_id}/tasks."""
    return unit.docs("task", "t.project_id = %s", (project_id,), "t.created_at, t.id", relations=True)


@query(allow=project_team)
def list_entity_tasks(unit: Unit, entity_id: Id) -> bytes:
    """List the tasks of an entity. Source: GET /data/{assets|shots|…}/{id}/tasks."""
    return unit.docs("task", "t.entity_id = %s", (entity_id,), "t.created_at, t.id", relations=True)


@query(allow=project_team)
def get_full_task(unit: Unit, task_id: Id) -> dict[str, Any]:
    """Return a task with everything around it. Source: GET /data/tasks/{task_id}/full."""
    task = unit.need("task", task_id)
    entity = unit.need("entity", task["entity_id"])
    found = rendered(unit, [task])[0]
    around = {
        "entity": entity,
        "entity_type": unit.need("entity_type", entity["entity_type_id"]),
        "project": unit.need("project", task["project_id"]),
        "task_status": unit.need("task_status", task["task_status_id"]),
        "task_type": unit.need("task_type", task["task_type_id"]),
    }
    for key, record in around.items():
        found[key] = orjson.loads(unit.resource(record.kind).doc(record))
    found["persons"] = orjson.loads(unit.docs("person", "t.id = ANY(%s::uuid[])", (task["assignees"],)))
    mine = "t.task_id = %s AND t.person_id = %s"
    found["is_subscribed"] = unit.count("subscription", mine, (task_id, unit.actor.person_id)) > 0
    return found


@query(allow=signed_in)
def list_my_tasks(unit: Unit) -> bytes:
    """List the actor's unfinished tasks. Source: GET /data/user/tasks."""
    return unit.docs("task", TODO.format("NOT"), (unit.actor.person_id,), "t.created_at, t.id", relations=True)


@query(allow=signed_in)
def list_my_done_tasks(unit: Unit) -> bytes:
    """List the actor's finished tasks. Source: GET /data/user/done-tasks."""
    return unit.docs("task", TODO.format(""), (unit.actor.person_id,), "t.created_at, t.id", relations=True)


@command(allow=project_managers)
def assign_task(unit: Unit, task_id: Id, *, person_id: Id) -> dict[str, Any]:
    """Assign a person to a task. Source: PUT /actions/tasks/{task_id}/assign."""
    return rendered(unit, [_assign(unit, unit.need("task", task_id), person_id)])[0]


def _assign(unit: Unit, task: Record, person_id: str) -> Record:
    person = unit.need("person", person_id)
    if person["is_bot"]:
        raise Refused("Bots cannot be assigned in this project.")
    known = task["assignees"] or []
    if person_id in known:
        return task
    facts = {"task_id": task.id, "person_id": person_id, "project_id": task.project_id}
    unit.announce("task:assign", facts)
    notification = {"person_id": person_id, "author_id": unit.actor.person_id, "task_id": task.id}
    unit.create("notification", {**notification, "notification_type": "assignation"})
    return unit.update(task, {"assignees": [*known, person_id]}, name="tasks.task-assigned")


@command(allow=project_managers)
def unassign_task(unit: Unit, task_id: Id, *, person_id: Id) -> dict[str, Any]:
    """Take a person off a task. Source: PUT /actions/tasks/{task_id}/unassign."""
    task = unit.need("task", task_id)
    left = [p for p in task["assignees"] or [] if p != person_id]
    if len(left) < len(task["assignees"] or []):
        facts = {"task_id": task.id, "person_id": person_id, "project_id": task.project_id}
        unit.announce("task:unassign", facts)
        task = unit.update(task, {"assignees": left}, name="tasks.task-unassigned")
    return rendered(unit, [task])[0]


def visible(unit: Unit) -> tuple[str, list[str]] | None:
    """Limit tasks to the actor's projects."""
    return my_projects(unit)


def before_delete(unit: Unit, task: Record) -> None:
    """Take along what hangs on a task: comments, time, notifications, subscriptions, news."""
    for kind, column in HANGING:
        for record in unit.find(kind, f't."{column}" = %s', (task.id,)):
            unit.delete(record)


HANGING = (("notification", "task_id"), ("news", "task_id"), ("subscription", "task_id"), ("time_spent", "task_id"),
           ("comment", "object_id"))  # fmt: skip
