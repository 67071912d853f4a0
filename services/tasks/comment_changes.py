"""What becomes of comments: edited, acknowledged, answered, moved and taken away."""

from typing import Any
from uuid import uuid4

from chassis.binding import Id, is_uuid
from chassis.crud import Crud, expect_version
from chassis.errors import Forbidden, Invalid, NotFound
from chassis.events import DELETE, Event
from chassis.messages import ADMIN, MANAGER, SUPERVISOR, Upload
from chassis.operations import command
from chassis.policy import managers, nobody, signed_in
from chassis.resources import Record, wire_datetime
from chassis.spec import reacts
from chassis.unit import Unit
from contracts import tasks as kinds
from services.tasks.comment_lists import comment_of, shown
from services.tasks.comments import Payload, allowed_status, keep_files, mentioned, recompute
from services.tasks.policy import may_act, may_see, role_on, supervises, task_readers
from services.tasks.shapes import short_person, wire
from services.tasks.telling import notify, recipients


def _live(name: str, comment: Record, task: Record, **more: Any) -> list[tuple[str, Payload]]:
    return [(name, {"comment_id": comment.id, "task_id": task.id, "project_id": task["project_id"], **more})]


@command(allow=task_readers)
def acknowledge_comment(unit: Unit, task_id: Id, comment_id: Id) -> Record:
    """Toggle the caller's acknowledgement. Source: POST /data/tasks/{task_id}/comments/{comment_id}/ack."""
    task, comment, person = unit.need("task", task_id), comment_of(unit, task_id, comment_id), unit.actor.person_id
    held = list(comment["acknowledgements"] or [])
    back = person in held
    changes = [p for p in held if p != person] if back else [*held, person]
    name = "comment:unacknowledge" if back else "comment:acknowledge"
    payload = {"comment_id": comment.id, "person_id": person, "project_id": task["project_id"]}
    return unit.update(comment, {"acknowledgements": changes}, live=[(name, payload)])


@command(allow=task_readers)
def reply_to_comment(
    unit: Unit, task_id: Id, comment_id: Id, *, text: str | None = "", files: list[Upload]
) -> dict[str, Any]:
    """Reply to a comment; returns the reply with its author.

    Source: POST /data/tasks/{task_id}/comments/{comment_id}/reply.
    """
    task, comment, person = unit.need("task", task_id), comment_of(unit, task_id, comment_id), unit.actor.person_id
    text = text or ""
    if comment["person_id"] != person and not may_act(unit, task) and person not in (comment["mentions"] or []):
        raise Forbidden
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
    reply["attachment_files"] = keep_files(unit, files, task, reply_id=reply["id"])
    unit.update(comment, {"replies": [*held, reply]}, live=_live("comment:reply", comment, task, reply_id=reply["id"]))
    talkers = [comment["person_id"], *(r["person_id"] for r in held), *recipients(unit, task)]
    notify(unit, "reply-mention", people, task, comment_id=comment.id, reply_id=reply["id"])
    others = [p for p in talkers if p not in people]
    notify(unit, "reply", others, task, comment_id=comment.id, reply_id=reply["id"])
    return {**reply, "person": short_person(unit.get("person", person))}


@command(allow=task_readers)
def delete_reply(unit: Unit, task_id: Id, comment_id: Id, reply_id: Id) -> Record:
    """Remove a reply; its author or an admin only.

    Source: DELETE /data/tasks/{task_id}/comments/{comment_id}/reply/{reply_id}.
    """
    task, comment = unit.need("task", task_id), comment_of(unit, task_id, comment_id)
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
    """Delete a comment and set the task from those that remain.

    Source: DELETE /data/tasks/{task_id}/comments/{comment_id}.
    """
    _delete(unit, unit.need("task", task_id), comment_of(unit, task_id, comment_id))


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


CRUD = Crud(kinds.COMMENT, only=("list", "get", "create"))
MANAGERS = (ADMIN, MANAGER)


def _allowed_changes(unit: Unit, task: Record, comment: Record, changes: dict[str, Any]) -> dict[str, Any]:
    """Return the changes that the actor may make to a comment. Raises Forbidden when it is none of theirs."""
    role, mine = role_on(unit, task), comment["person_id"] == unit.actor.person_id
    chief = role in MANAGERS or (role == SUPERVISOR and supervises(unit, task["task_type_id"]))
    assigned = unit.actor.person_id in (task["assignees"] or [])
    allowed = {"text", "checklist", "links", "data", "task_status_id"} if mine or role in MANAGERS else set()
    if chief:
        allowed |= {"pinned"}
    if assigned or chief:
        allowed |= {"checklist"}
    if role in MANAGERS:
        allowed |= {"for_client", "created_at"}
    if role is None or not allowed:
        raise Forbidden
    changed = {key: value for key, value in changes.items() if comment.fields.get(key) != value}
    if changed and not set(changed) & allowed:
        raise Forbidden
    return {key: value for key, value in changed.items() if key in allowed}


@command(allow=signed_in, wrong_id="Malformed ID.")
def update_comment(unit: Unit, instance_id: Id, *, body: Any) -> dict[str, Any]:
    """Edit a comment: text by its author or a manager, pins by supervisors, checklists also by assignees.

    Source: PUT /data/comments/{instance_id}.
    """
    comment = unit.need("comment", instance_id)
    task = unit.need("task", comment["object_id"])
    if not may_see(unit, task) or not shown(unit, task, comment):
        raise Forbidden
    expect_version(unit, comment)
    if not isinstance(body, dict):
        raise Invalid("The body must be a JSON object.")
    changes = _allowed_changes(unit, task, comment, CRUD.checked(unit, body, creating=False))
    if "checklist" in changes:
        changes["checklist"] = changes["checklist"] or []
    if changes.get("task_status_id"):
        if not may_act(unit, task):
            raise Forbidden
        allowed_status(unit, task, changes["task_status_id"], role_on(unit, task))
    if "text" in changes:
        changes["text"] = changes["text"] or ""
        people, departments = mentioned(unit, changes["text"], unit.need("project", task["project_id"]))
        new = [each for each in people if each not in (comment["mentions"] or [])]
        changes.update(mentions=people, department_mentions=departments, editor_id=unit.actor.person_id)
        notify(unit, "mention", new, task, author_id=unit.actor.person_id, comment_id=comment.id)
    more = {"person_id": comment["person_id"], "for_client": changes.get("for_client", comment["for_client"])}
    after = unit.update(comment, changes, live=_live("comment:update", comment, task, **more))
    if changes.get("task_status_id"):
        recompute(unit, task)
    return wire(unit, after)


@command(allow=managers)
def move_comment(unit: Unit, task_id: Id, comment_id: Id, *, target_task_id: str) -> dict[str, Any]:
    """Move a comment without previews to a sibling task; both tasks are set anew.

    Source: POST /actions/tasks/{task_id}/comments/{comment_id}/move.
    """
    task, comment = unit.need("task", task_id), comment_of(unit, task_id, comment_id)
    target = unit.get("task", target_task_id) if is_uuid(target_task_id) else None
    if target is None or target.id == task.id or target["entity_id"] != task["entity_id"]:
        raise Invalid("The target must be another task of the same entity.")
    if comment["previews"]:
        raise Invalid("A comment with previews cannot be moved.")
    if not may_see(unit, task) or not may_see(unit, target):
        raise Forbidden
    live = _live("comment:delete", comment, task)
    ids = {"task_status_id": comment["task_status_id"], "person_id": comment["person_id"]}
    live += _live("comment:new", comment, target, **ids, for_client=comment["for_client"])
    moved = unit.update(comment, {"object_id": target.id}, name="tasks.comment-moved", live=live)
    for kind in ("news", "notification"):
        for record in unit.find(kind, "t.comment_id = %s", (comment.id,)):
            unit.update(record, {"task_id": target.id}, live=[])
    recompute(unit, task)
    recompute(unit, target)
    return wire(unit, moved, relations=True)


@reacts("attachment_file")
def follow_files(unit: Unit, event: Event, file: Record | None) -> None:
    """Keep the files of a comment as media has them."""
    comment_id = (event.new or event.old).get("comment_id") or (file["comment_id"] if file else None)
    comment = unit.get("comment", comment_id)
    if comment is None:
        return
    held = list(comment["attachment_files"] or [])
    if event.op == DELETE and event.id in held:
        unit.update(comment, {"attachment_files": [each for each in held if each != event.id]}, live=[])
    elif event.op != DELETE and event.id not in held:
        unit.update(comment, {"attachment_files": [*held, event.id]}, live=[])


@command(allow=nobody)
def attach_preview(unit: Unit, comment_id: Id, *, preview_file_id: Id) -> None:
    """Note that a preview was published with a comment; asked by media."""
    comment = unit.need("comment", comment_id)
    known = comment["previews"] or []
    changes = {"previews": [*known, preview_file_id], "preview_file_id": comment["preview_file_id"] or preview_file_id}
    if preview_file_id in known:
        return
    unit.update(comment, changes)
    for news in unit.find("news", "t.comment_id = %s AND t.preview_file_id IS NULL", (comment.id,)):
        unit.update(news, {"preview_file_id": preview_file_id}, live=[])


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
