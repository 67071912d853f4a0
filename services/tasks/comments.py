"""What is said about a task, and what that does to it."""

from typing import Any
from uuid import uuid4

from chassis.binding import Id, is_uuid
from chassis.errors import Forbidden, Invalid, NotFound
from chassis.messages import ADMIN, CLIENT, MANAGER, SUPERVISOR, USER, VENDOR
from chassis.operations import command, query
from chassis.policy import nobody, signed_in
from chassis.resources import Record, wire_datetime
from chassis.unit import Unit
from services.tasks.definitions import default_status
from services.tasks.policy import may_see, role_on, task_actors, task_readers
from services.tasks.progress import Said, recomputed, step
from services.tasks.shapes import short_person, wire
from services.tasks.telling import notify, recipients

Payload = dict[str, Any]


def mentioned(unit: Unit, text: str, project: Record) -> tuple[list[str], list[str]]:
    """Return the ids of team members and of their departments that `text` names after an @."""
    team = unit.many("person", project["team"] or [])
    people = [
        p.id for p in team.values() if _names(text, f"{p.get('first_name') or ''} {p.get('last_name') or ''}".strip())
    ]
    departments = {d for p in team.values() for d in p.get("departments") or []}
    return people, [d.id for d in unit.many("department", departments).values() if _names(text, d["name"])]


def _names(text: str, name: str) -> bool:
    place = text.find(f"@{name}") if name else -1
    after = text[place + len(name) + 1 :]
    return place >= 0 and (not after or after[0].isspace())


@command(allow=task_actors, status=201)
def comment_task(
    unit: Unit,
    task_id: Id,
    *,
    task_status_id: str,
    comment: str = "",
    person_id: str = "",
    created_at: str = "",
    checklist: list[Any] | None = None,
    links: list[str] | None = None,
    for_client: bool = False,
) -> dict[str, Any]:
    """Comment on a task and set its status; returns the comment with status and person.

    Source: POST /actions/tasks/{id}/comment
    """
    task = unit.need("task", task_id)
    role = role_on(unit, task)
    status = _allowed_status(unit, task, task_status_id, role)
    author = unit.actor.person_id
    if role not in (ADMIN, MANAGER):
        created_at = ""
    elif is_uuid(person_id):
        author = unit.need("person", person_id).id
    project = unit.need("project", task["project_id"])
    people, departments = mentioned(unit, comment, project)
    fields: Payload = {
        "object_id": task.id,
        "object_type": "Task",
        "text": comment,
        "task_status_id": status.id,
        "person_id": author,
        "checklist": checklist or [],
        "links": links or [],
        "for_client": for_client,
        "mentions": people,
        "department_mentions": departments,
    }
    if created_at:
        fields["created_at"] = created_at
    payload = {"task_id": task.id, "task_status_id": status.id, "person_id": author, "for_client": for_client}
    found = unit.create("comment", fields, name="tasks.task-commented", live=[], project_id=task["project_id"])
    unit.announce("comment:new", {"comment_id": found.id, **payload, "project_id": task["project_id"]})
    _advance(unit, task, status, found)
    _tell(unit, task, found, change=task["task_status_id"] != status.id)
    person = unit.get("person", author)
    shape = {**wire(unit, found, relations=True), "attachment_files": [], "task_status": wire(unit, status)}
    return {**shape, "person": wire(unit, person) if person else None}


def _allowed_status(unit: Unit, task: Record, status_id: str, role: str | None) -> Record:
    status = unit.get("task_status", status_id) if is_uuid(status_id) else None
    if status is None:
        raise Invalid("Task status ID matches no task status")
    if role in (USER, VENDOR) and not status["is_artist_allowed"]:
        raise Forbidden
    if role == CLIENT and not status["is_client_allowed"]:
        raise Forbidden
    if status["is_retake"] and task["task_status_id"] != status.id:
        project, entity = unit.need("project", task["project_id"]), unit.get("entity", task["entity_id"])
        limit = ((entity["data"] or {}).get("max_retakes") if entity else None) or project.get("max_retakes") or 0
        if int(limit) and (task["retake_count"] or 0) >= int(limit):
            raise Invalid("No more retakes allowed on this task: limit reached.")
    return status


def _advance(unit: Unit, task: Record, status: Record, comment: Record) -> None:
    """Move the task on; a comment older than the last one only triggers a recompute."""
    at = wire_datetime(comment.created_at) or ""
    if task["last_comment_date"] and at < task["last_comment_date"]:
        recompute(unit, task)
        return
    changed = task["task_status_id"] != status.id
    base = {"task_id": task.id, "project_id": task["project_id"]}
    live: list[tuple[str, Payload]] = [("task:update", base)]
    if changed:
        ids = {"new_task_status_id": status.id, "previous_task_status_id": task["task_status_id"]}
        full = {**base, **ids, "person_id": comment["person_id"]}
        live.append(("task:status-changed", full))
        if status["is_feedback_request"]:
            live.append(("task:to-review", {**full, "comment_id": comment.id}))
    unit.update(task, step(task.fields, status.fields, status.id, at), name="tasks.task-progressed", live=live)


def _tell(unit: Unit, task: Record, comment: Record, *, change: bool) -> None:
    author, departments = comment["person_id"], set(comment["department_mentions"] or [])
    mentions = list(comment["mentions"] or [])
    if departments:
        where = "t.departments && %s::uuid[]"
        mentions += [p.id for p in unit.find("person", where, (sorted(departments),))]
    notify(unit, "mention", mentions, task, author_id=author, comment_id=comment.id, change=change)
    others = [p for p in recipients(unit, task) if p not in mentions]
    notify(unit, "comment", others, task, author_id=author, comment_id=comment.id, change=change)
    entity = unit.get("entity", task["entity_id"])
    if entity is None or entity["kind"] == "concept":
        return
    fields = {"change": change, "author_id": author, "comment_id": comment.id, "task_id": task.id}
    news = unit.create("news", fields, live=[], project_id=task["project_id"])
    payload = {"news_id": news.id, "task_status_id": comment["task_status_id"], "task_type_id": task["task_type_id"]}
    unit.announce("news:new", {**payload, "project_id": task["project_id"]})


def recompute(unit: Unit, task: Record) -> None:
    """Set status, dates and retakes of `task` from the comments that remain."""
    comments = unit.find("comment", "t.object_id = %s", (task.id,), "t.created_at, t.id")
    statuses = {s.id: s.fields for s in unit.many("task_status", {c["task_status_id"] for c in comments}).values()}
    default = default_status(unit)
    said = [Said(c["task_status_id"], wire_datetime(c.created_at) or "") for c in comments]
    changes = recomputed(said, statuses, default.id if default else None)
    base = {"task_id": task.id, "project_id": task["project_id"]}
    live: list[tuple[str, Payload]] = [("task:update", base)]
    if changes["task_status_id"] != task["task_status_id"]:
        ids = {
            "new_task_status_id": changes["task_status_id"],
            "previous_task_status_id": task["task_status_id"],
            "person_id": unit.actor.person_id,
        }
        live.append(("task:status-changed", {**base, **ids}))
    unit.update(task, changes, name="tasks.task-recomputed", live=live)


@query(allow=task_readers)
def list_task_comments(unit: Unit, task_id: Id) -> list[dict[str, Any]]:
    """Return the comments of a task, newest first, as far as the caller may see. Source: GET …/comments."""
    task = unit.need("task", task_id)
    role = role_on(unit, task)
    comments = unit.find("comment", "t.object_id = %s", (task_id,), "t.created_at DESC, t.id")
    people = unit.many("person", [c["person_id"] for c in comments])
    statuses = unit.many("task_status", [c["task_status_id"] for c in comments])
    found = []
    for comment in comments:
        author, status = people.get(comment["person_id"]), statuses.get(comment["task_status_id"])
        if not _shown(role, comment, author):
            continue
        short = {k: status[k] for k in ("name", "short_name", "color")} | {"id": status.id} if status else None
        shape = wire(unit, comment, relations=True)
        found.append({**shape, "person": short_person(author), "task_status": short})
    return found


def _shown(role: str | None, comment: Record, author: Record | None) -> bool:
    by_client = author is not None and author.get("role") == CLIENT
    if role == CLIENT:
        return by_client or bool(comment["for_client"])
    return role in (ADMIN, MANAGER, SUPERVISOR) or not by_client


def _comment_of(unit: Unit, task_id: str, comment_id: str) -> Record:
    comment = unit.need("comment", comment_id)
    if comment["object_id"] != task_id:
        raise NotFound
    return comment


@query(allow=task_readers)
def get_task_comment(unit: Unit, task_id: Id, comment_id: Id) -> Record:
    """Return one comment. Source: GET /data/tasks/{id}/comments/{id}."""
    return _comment_of(unit, task_id, comment_id)


def _live(name: str, comment: Record, task: Record, **more: Any) -> list[tuple[str, Payload]]:
    return [(name, {"comment_id": comment.id, "task_id": task.id, "project_id": task["project_id"], **more})]


@command(allow=task_readers)
def acknowledge_comment(unit: Unit, task_id: Id, comment_id: Id) -> Record:
    """Toggle the caller's acknowledgement. Source: POST …/comments/{id}/ack."""
    task, comment, person = unit.need("task", task_id), _comment_of(unit, task_id, comment_id), unit.actor.person_id
    held = list(comment["acknowledgements"] or [])
    back = person in held
    changes = [p for p in held if p != person] if back else [*held, person]
    name = "comment:unacknowledge" if back else "comment:acknowledge"
    payload = {"comment_id": comment.id, "person_id": person, "project_id": task["project_id"]}
    return unit.update(comment, {"acknowledgements": changes}, live=[(name, payload)])


@command(allow=task_readers)
def reply_to_comment(unit: Unit, task_id: Id, comment_id: Id, *, text: str = "") -> dict[str, Any]:
    """Reply to a comment; returns the reply with its author. Source: POST …/comments/{id}/reply."""
    task, comment, person = unit.need("task", task_id), _comment_of(unit, task_id, comment_id), unit.actor.person_id
    people, departments = mentioned(unit, text, unit.need("project", task["project_id"]))
    now = wire_datetime(unit.now)
    reply: Payload = {
        "id": str(uuid4()),
        "date": now,
        "created_at": now,
        "person_id": person,
        "text": text,
        "mentions": people,
        "department_mentions": departments,
    }
    held = list(comment["replies"] or [])
    unit.update(comment, {"replies": [*held, reply]}, live=_live("comment:reply", comment, task, reply_id=reply["id"]))
    talkers = [comment["person_id"], *(r["person_id"] for r in held), *recipients(unit, task)]
    notify(unit, "reply-mention", people, task, comment_id=comment.id, reply_id=reply["id"])
    others = [p for p in talkers if p not in people]
    notify(unit, "reply", others, task, comment_id=comment.id, reply_id=reply["id"])
    return {**reply, "person": short_person(unit.get("person", person)), "attachment_files": []}


@command(allow=task_readers)
def delete_reply(unit: Unit, task_id: Id, comment_id: Id, reply_id: Id) -> Record:
    """Remove a reply; its author or an admin only. Source: DELETE …/reply/{id}."""
    task, comment = unit.need("task", task_id), _comment_of(unit, task_id, comment_id)
    reply = next((r for r in comment["replies"] or [] if r["id"] == reply_id), None)
    if reply is None:
        raise NotFound
    if unit.actor.role != ADMIN and reply["person_id"] != unit.actor.person_id:
        raise Forbidden
    for notification in unit.find("notification", "t.reply_id = %s", (reply_id,)):
        unit.delete(notification, live=[])
    kept = [r for r in comment["replies"] if r["id"] != reply_id]
    return unit.update(comment, {"replies": kept}, live=_live("comment:delete-reply", comment, task, reply_id=reply_id))


@command(allow=task_readers, status=204)
def delete_task_comment(unit: Unit, task_id: Id, comment_id: Id) -> None:
    """Delete a comment and set the task from those that remain. Source: DELETE …/comments/{id}."""
    _delete(unit, unit.need("task", task_id), _comment_of(unit, task_id, comment_id))


@command(allow=signed_in, status=204, wrong_id="Malformed ID.")
def delete_comment(unit: Unit, instance_id: Id) -> None:
    """As delete_task_comment. Source: DELETE /data/comments/{id}."""
    comment = unit.need("comment", instance_id)
    task = unit.need("task", comment["object_id"])
    if not may_see(unit, task):
        raise Forbidden
    _delete(unit, task, comment)


def _delete(unit: Unit, task: Record, comment: Record) -> None:
    if role_on(unit, task) not in (ADMIN, MANAGER) and comment["person_id"] != unit.actor.person_id:
        raise Forbidden
    for kind in ("notification", "news"):
        for record in unit.find(kind, "t.comment_id = %s", (comment.id,)):
            unit.delete(record, live=[])
    unit.delete(comment, live=_live("comment:delete", comment, task))
    recompute(unit, task)


@command(allow=nobody)
def attach_preview(unit: Unit, comment_id: Id, *, preview_file_id: Id) -> None:
    """Note that a preview was published with a comment; asked by media."""
    comment = unit.need("comment", comment_id)
    known = comment["previews"] or []
    changes = {"previews": [*known, preview_file_id], "preview_file_id": comment["preview_file_id"] or preview_file_id}
    if preview_file_id not in known:
        unit.update(comment, changes)


@command(allow=nobody)
def detach_preview(unit: Unit, task_id: Id, *, preview_file_id: Id, newest_id: Id | None = None) -> None:
    """Take a deleted preview off its comments and its task, whose newest one is now `newest_id`; asked by media."""
    for comment in unit.find("comment", "t.previews @> ARRAY[%s]::uuid[]", (preview_file_id,)):
        left = [known for known in comment["previews"] if known != preview_file_id]
        first = left[0] if left else None
        unit.update(comment, {"previews": left, "preview_file_id": first})
    task = unit.get("task", task_id)
    if task is not None and task["last_preview_file_id"] == preview_file_id:
        unit.update(task, {"last_preview_file_id": newest_id})


@command(allow=nobody)
def mark_preview(unit: Unit, task_id: Id, *, preview_file_id: Id) -> None:
    """Note the newest preview of a task; asked by media."""
    unit.update(unit.need("task", task_id), {"last_preview_file_id": preview_file_id})
