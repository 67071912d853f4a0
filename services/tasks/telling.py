"""Who must hear of something: notifications."""

from collections.abc import Iterable

from chassis.resources import Record
from chassis.unit import Unit


def notify(
    unit: Unit,
    kind: str,
    people: Iterable[str],
    task: Record,
    *,
    author_id: str | None = None,
    comment_id: str | None = None,
    reply_id: str | None = None,
    change: bool = False,
) -> None:
    """Write one notification of `kind` per person, never to the author."""
    author = author_id or unit.actor.person_id
    if author is None:
        return
    for person_id in dict.fromkeys(people):
        if person_id == author:
            continue
        fields = {
            "notification_type": kind,
            "person_id": person_id,
            "author_id": author,
            "task_id": task.id,
            "comment_id": comment_id,
            "reply_id": reply_id,
            "change": change,
            "read": False,
        }
        record_id = unit.create("notification", fields, live=[], project_id=task["project_id"]).id
        payload = {"notification_id": record_id, "person_id": person_id, "project_id": task["project_id"]}
        unit.announce("notification:new", payload)


def recipients(unit: Unit, task: Record) -> list[str]:
    """Return who hears of a comment: assignees, subscribers of the task and of its sequence and task type."""
    entity = unit.get("entity", task["entity_id"])
    where = "t.task_id = %s OR (t.task_id IS NULL AND t.task_type_id = %s AND t.entity_id = %s)"
    parent = entity["parent_id"] if entity else None
    subscribed = unit.find("subscription", where, (task.id, task["task_type_id"], parent), planned=True)
    return [*(task["assignees"] or []), *(s["person_id"] for s in subscribed)]
