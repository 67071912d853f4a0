"""What concerns one person: the to-do list, notifications, subscriptions."""

from typing import Any

from chassis.binding import Id, is_uuid
from chassis.errors import NotFound
from chassis.operations import command, query
from chassis.policy import signed_in
from chassis.resources import Record
from chassis.unit import Unit
from contracts.access import NO_ONE, project_team
from services.tasks.policy import may_see, task_readers, visible_tasks
from services.tasks.shapes import WIDE, tasks_with, wire


def _tasks_of(unit: Unit, person_id: str | None, *, done: bool) -> bytes:
    seen = visible_tasks(unit)
    where = "t.assignees @> ARRAY[%s]::uuid[] AND coalesce(ts.is_done, false) = %s"
    if seen:
        where += f" AND {seen[0]}"
    return tasks_with(unit, WIDE, where, [person_id, done, *(seen[1] if seen else [])])


@query(allow=signed_in)
def list_my_tasks(unit: Unit) -> bytes:
    """Return the caller's tasks to do. Source: GET /data/user/tasks."""
    return _tasks_of(unit, unit.actor.person_id, done=False)


@query(allow=signed_in)
def list_my_done_tasks(unit: Unit) -> bytes:
    """Return the caller's done tasks. Source: GET /data/user/done-tasks."""
    return _tasks_of(unit, unit.actor.person_id, done=True)


@query(allow=signed_in)
def list_person_tasks(unit: Unit, person_id: Id) -> bytes:
    """Return a person's tasks in the caller's projects. Source: GET /data/persons/{id}/tasks."""
    return _tasks_of(unit, unit.need("person", person_id).id, done=False)


@query(allow=signed_in)
def list_person_done_tasks(unit: Unit, person_id: Id) -> bytes:
    """Return a person's done tasks in the caller's projects. Source: GET /data/persons/{id}/done-tasks."""
    return _tasks_of(unit, unit.need("person", person_id).id, done=True)


def _mine(unit: Unit, task_id: str) -> Record | None:
    return unit.first("subscription", "t.person_id = %s AND t.task_id = %s", (unit.actor.person_id, task_id))


@query(allow=signed_in)
def is_subscribed(unit: Unit, task_id: str) -> bool:
    """Tell whether the caller subscribed to a task; false for unknown ids.

    Source: GET /data/user/tasks/{task_id}/subscribed.
    """
    return is_uuid(task_id) and _mine(unit, task_id) is not None


def _sequence(unit: Unit, sequence_id: str, task_type_id: str) -> Record | None:
    where = "t.person_id = %s AND t.entity_id = %s AND t.task_type_id = %s AND t.task_id IS NULL"
    return unit.first("subscription", where, (unit.actor.person_id, sequence_id, task_type_id))


@query(allow=signed_in)
def is_sequence_subscribed(unit: Unit, sequence_id: str, task_type_id: str) -> bool:
    """Tell whether the caller follows a sequence for a task type.

    Source: GET /data/user/sequences/{sequence_id}/task-types/{task_type_id}/subscribed.
    """
    return is_uuid(sequence_id) and is_uuid(task_type_id) and _sequence(unit, sequence_id, task_type_id) is not None


@command(allow=project_team, status=201)
def subscribe_to_sequence(unit: Unit, sequence_id: Id, task_type_id: Id) -> Record:
    """Follow all tasks of a type in a sequence.

    Source: POST /actions/user/sequences/{sequence_id}/task-types/{task_type_id}/subscribe.
    """
    sequence = unit.need("entity", sequence_id)
    unit.need("task_type", task_type_id)
    fields = {"person_id": unit.actor.person_id, "entity_id": sequence_id, "task_type_id": task_type_id}
    known = _sequence(unit, sequence_id, task_type_id)
    return known or unit.create("subscription", fields, live=[], project_id=sequence["project_id"])


@command(allow=signed_in, status=204)
def unsubscribe_from_sequence(unit: Unit, sequence_id: Id, task_type_id: Id) -> None:
    """Follow it no more. Source: DELETE /actions/user/sequences/{sequence_id}/task-types/{task_type_id}/unsubscribe."""
    held = _sequence(unit, sequence_id, task_type_id)
    if held is not None:
        unit.delete(held, live=[])


@command(allow=task_readers, status=201)
def subscribe_to_task(unit: Unit, task_id: Id) -> Record:
    """Subscribe the caller to a task. Source: POST /actions/user/tasks/{id}/subscribe."""
    task = unit.need("task", task_id)
    fields = {"person_id": unit.actor.person_id, "task_id": task_id, "task_type_id": task["task_type_id"]}
    return _mine(unit, task_id) or unit.create("subscription", fields, live=[], project_id=task["project_id"])


@command(allow=signed_in, status=204)
def unsubscribe_from_task(unit: Unit, task_id: Id) -> None:
    """Withdraw the caller's subscription. Source: DELETE /actions/user/tasks/{id}/unsubscribe."""
    held = _mine(unit, task_id)
    if held is not None:
        unit.delete(held, live=[])


def _shape(unit: Unit, record: Record) -> dict[str, Any]:
    task, comment = unit.get("task", record["task_id"]), unit.get("comment", record["comment_id"])
    project = unit.get("project", task["project_id"]) if task else None
    entity = unit.get("entity", task["entity_id"]) if task else None
    reply = next((r for r in (comment["replies"] or []) if r["id"] == record["reply_id"]), None) if comment else None
    subscribed = task is not None and _mine(unit, task.id) is not None
    return {
        **wire(unit, record),
        "notification_type": record["notification_type"],
        "comment_text": comment["text"] if comment else "",
        "reply_text": reply["text"] if reply else "",
        "mentions": (comment["mentions"] or []) if comment else [],
        "department_mentions": (comment["department_mentions"] or []) if comment else [],
        "task_status_id": comment["task_status_id"] if comment else None,
        "task_type_id": task["task_type_id"] if task else None,
        "project_id": project.id if project else None,
        "project_name": project["name"] if project else "",
        "entity_preview_file_id": entity["preview_file_id"] if entity else None,
        "full_entity_name": entity["name"] if entity else "",
        "subscription_id": None,
        "is_subscribed": subscribed,
    }


@query(allow=signed_in)
def list_my_notifications(
    unit: Unit,
    *,
    after: str | None = None,
    before: str | None = None,
    type: str | None = None,
    read: bool | None = None,
) -> list[dict[str, Any]]:
    """Return the caller's newest hundred notifications. Source: GET /data/user/notifications."""
    where, args = "t.person_id = %s", [unit.actor.person_id]
    limits: tuple[tuple[str, Any], ...] = (
        ("t.created_at > %s", after),
        ("t.created_at < %s", before),
        ("t.notification_type = %s", type),
        ("t.read = %s", read),
    )
    for condition, value in limits:
        if value is not None:
            where, args = f"{where} AND {condition}", [*args, value]
    found = unit.find("notification", where, args, "t.created_at DESC, t.id", 100)
    return [_shape(unit, record) for record in found]


def _my_notification(unit: Unit, notification_id: str) -> Record:
    record = unit.need("notification", notification_id)
    if record["person_id"] != unit.actor.person_id:
        raise NotFound
    return record


@query(allow=signed_in)
def get_my_notification(unit: Unit, notification_id: Id) -> dict[str, Any]:
    """Return one notification. Source: GET /data/user/notifications/{id}."""
    return _shape(unit, _my_notification(unit, notification_id))


@command(allow=signed_in)
def mark_notification(unit: Unit, notification_id: Id, *, read: bool = True) -> Record:
    """Mark one notification. Source: PUT /data/user/notifications/{notification_id}."""
    found = _my_notification(unit, notification_id)
    payload = {"person_id": unit.actor.person_id, "notification_id": found.id}
    live = [(f"notification:{'read' if read else 'unread'}", payload)]
    return unit.update(found, {"read": read}, live=live)


@command(allow=signed_in)
def mark_all_notifications(unit: Unit) -> dict[str, bool]:
    """Mark all the caller's notifications as read. Source: POST …/mark-all-as-read."""
    for record in unit.find("notification", "t.person_id = %s AND NOT t.read", (unit.actor.person_id,)):
        unit.update(record, {"read": True}, live=[])
    if unit.changes:
        unit.announce("notification:all-read", {"person_id": unit.actor.person_id})
    return {"success": True}


@command(allow=signed_in, status=201)
def subscribe_to_tasks(unit: Unit, *, task_ids: list[str]) -> list[Record]:
    """Subscribe the caller to tasks he may see. Source: POST /actions/user/tasks/subscribe."""
    known = unit.many("task", [i for i in task_ids if is_uuid(i)])
    return [subscribe_to_task(unit, Id(task.id)) for task in known.values() if may_see(unit, task)]


@command(allow=signed_in)
def unsubscribe_from_tasks(unit: Unit, *, task_ids: list[str]) -> list[str]:
    """Withdraw subscriptions; returns the ids sent. Source: POST /actions/user/tasks/unsubscribe."""
    for task_id in task_ids:
        if is_uuid(task_id):
            unsubscribe_from_task(unit, Id(task_id))
    return task_ids


@query(allow=signed_in, kept=True)
def count_my_unread(unit: Unit) -> dict[str, int]:
    """Return {notification_count} of the actor's unread notifications. Source: GET /data/user/context."""
    where = "t.person_id = %s AND NOT t.read"
    return {"notification_count": unit.count("notification", where, (unit.actor.person_id or NO_ONE,), planned=True)}
