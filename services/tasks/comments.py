"""Comments: what is said about a task, and how that moves its status and dates."""

from typing import Any

import orjson

from chassis.binding import Id
from chassis.errors import Forbidden, Invalid
from chassis.messages import ADMIN, CLIENT, MANAGER, SUPERVISOR, VENDOR
from chassis.operations import command, query
from chassis.policy import Policy, nobody
from chassis.resources import Fields, Record, wire_datetime
from chassis.unit import Unit
from contracts.access import project_of, project_team, role_in

FACE = ("first_name", "last_name", "full_name", "has_avatar", "role", "id")


def _may_comment(unit: Unit, path: Any) -> bool:
    role = role_in(unit, project_of(unit, path))
    task = unit.need("task", path["task_id"])
    if role in (ADMIN, MANAGER, CLIENT) or (role and unit.actor.person_id in (task["assignees"] or [])):
        return True
    if role == SUPERVISOR:
        task_type = unit.need("task_type", task["task_type_id"])
        return not unit.actor.departments or task_type["department_id"] in unit.actor.departments
    return role is not None and unit.need("entity", task["entity_id"])["created_by"] == unit.actor.person_id


commenters = Policy("assignee, supervisor of the department, manager or client of the project", _may_comment)


@command(allow=commenters, status=201)
def comment_task(
    unit: Unit,
    task_id: Id,
    *,
    task_status_id: Id,
    comment: str = "",
    checklist: list[Any] | None = None,
    links: list[str] | None = None,
    for_client: bool = False,
) -> dict[str, Any]:
    """Comment on a task, moving it to the given status. Source: POST /actions/tasks/{task_id}/comment.

    Raises Forbidden where artists or clients may not choose the status, Invalid beyond the project's retakes.
    """
    task = unit.need("task", task_id)
    status = unit.need("task_status", task_status_id)
    _check_status(unit, task, status)
    changes = moved(task, status, wire_datetime(unit.now) or "")
    _check_retakes(unit, task, changes)
    fields = {
        "object_id": task.id,
        "object_type": "Task",
        "text": comment,
        "task_status_id": status.id,
        "person_id": unit.actor.person_id,
        "checklist": checklist or [],
        "links": links or [],
        "for_client": for_client,
    }
    facts = {"task_id": task.id, "task_status_id": status.id, "project_id": task.project_id}
    made = unit.create(
        "comment", fields, name="tasks.task-commented", project_id=task.project_id,
        live=[("comment:new", {"comment_id": "", **facts})],
    )  # fmt: skip
    unit.changes[-1].event.live[0][1]["comment_id"] = made.id
    if task["task_status_id"] != status.id:
        before = {"previous_task_status_id": task["task_status_id"], "new_task_status_id": status.id}
        unit.announce("task:status-changed", {**facts, **before, "person_id": unit.actor.person_id})
    changed = "task_status_id" in changes and task["task_status_id"] != status.id
    unit.update(task, changes)
    _tell(unit, task, made, changed)
    return with_faces(unit, [made])[0]


def moved(task: Record, status: Record, now: str) -> Fields:
    """Return what a comment with `status` at `now` changes of `task`: status and dates. Pure."""
    changes: Fields = {"task_status_id": status.id, "last_comment_date": now}
    if status["is_wip"] and not task["real_start_date"]:
        changes["real_start_date"] = now
    if status["is_feedback_request"]:
        changes["end_date"] = now
    changes["done_date"] = now if status["is_done"] else None
    if status["is_retake"] and task["task_status_id"] != status.id:
        changes["retake_count"] = (task["retake_count"] or 0) + 1
    return changes


def _check_status(unit: Unit, task: Record, status: Record) -> None:
    role = role_in(unit, unit.need("project", task["project_id"]))
    if role in ("user", VENDOR) and not status["is_artist_allowed"]:
        raise Forbidden
    if role == CLIENT and not status["is_client_allowed"]:
        raise Forbidden


def _check_retakes(unit: Unit, task: Record, changes: Fields) -> None:
    if "retake_count" not in changes:
        return
    project = unit.need("project", task["project_id"])
    data = unit.need("entity", task["entity_id"])["data"] or {}
    most = data.get("max_retakes") or project.get("max_retakes", 0)
    if most and changes["retake_count"] > int(most):
        raise Invalid(f"No more retakes: the limit of {most} is reached.")


def _tell(unit: Unit, task: Record, comment: Record, changed: bool) -> None:
    """Write the news and notify assignees and subscribers, but not the author."""
    author = unit.actor.person_id
    unit.create("news", {"task_id": task.id, "comment_id": comment.id, "author_id": author, "change": changed},
                project_id=task.project_id)  # fmt: skip
    subscribers = {s["person_id"] for s in unit.find("subscription", "t.task_id = %s", (task.id,))}
    for person_id in sorted({*(task["assignees"] or []), *subscribers} - {author}):
        unit.create("notification", {
            "person_id": person_id, "author_id": author, "task_id": task.id, "comment_id": comment.id,
            "notification_type": "comment", "change": changed,
        })  # fmt: skip


def with_faces(unit: Unit, comments: list[Record]) -> list[dict[str, Any]]:
    """Return comments as the wire has them: with the person and the status."""
    people = {p["id"]: p for p in _docs(unit, "person", {c["person_id"] for c in comments})}
    statuses = {s["id"]: s for s in _docs(unit, "task_status", {c["task_status_id"] for c in comments})}
    resource = unit.resource("comment")
    found = []
    for comment in comments:
        row: dict[str, Any] = orjson.loads(resource.doc(comment)[:-1] + resource.rel(comment))
        person = people.get(comment["person_id"], {})
        row["person"] = {key: person.get(key) for key in FACE}
        row["task_status"] = statuses.get(comment["task_status_id"])
        found.append(row)
    return found


def _docs(unit: Unit, kind: str, ids: set[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = orjson.loads(unit.docs(kind, "t.id = ANY(%s::uuid[])", ([i for i in ids if i],)))
    return found


@query(allow=project_team)
def list_task_comments(unit: Unit, task_id: Id) -> list[dict[str, Any]]:
    """List the comments of a task, newest first, as the actor's role may see them.

    Source: GET /data/tasks/{task_id}/comments.
    """
    role = role_in(unit, project_of(unit, {"task_id": task_id}))
    found = unit.find("comment", "t.object_id = %s", (task_id,), "t.created_at DESC, t.id")
    if role in (CLIENT, "user", VENDOR):
        people = unit.many("person", [c["person_id"] for c in found])
        clients = {id_ for id_, person in people.items() if person["role"] == CLIENT}
        if role == CLIENT:
            found = [c for c in found if c["for_client"] or c["person_id"] in clients]
        else:
            found = [c for c in found if c["person_id"] not in clients]
    return with_faces(unit, found)


@command(allow=nobody)
def attach_preview(unit: Unit, comment_id: Id, *, preview_file_id: Id) -> None:
    """Note that a preview was published with a comment; asked by media."""
    comment = unit.need("comment", comment_id)
    known = comment["previews"] or []
    changes = {"previews": [*known, preview_file_id], "preview_file_id": comment["preview_file_id"] or preview_file_id}
    if preview_file_id not in known:
        unit.update(comment, changes)


@command(allow=nobody)
def mark_preview(unit: Unit, task_id: Id, *, preview_file_id: Id) -> None:
    """Note the newest preview of a task; asked by media."""
    unit.update(unit.need("task", task_id), {"last_preview_file_id": preview_file_id})
