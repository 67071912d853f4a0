"""What is said about a task, and what that does to it: posting."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import msgspec
import orjson

from chassis.binding import Id, is_uuid
from chassis.errors import Forbidden, Invalid
from chassis.messages import ADMIN, CLIENT, MANAGER, USER, VENDOR, Upload
from chassis.operations import command
from chassis.policy import Policy
from chassis.resources import Record, wire_datetime
from chassis.unit import Unit
from services.tasks.automations import run_automations
from services.tasks.definitions import default_status
from services.tasks.policy import may_act, role_on
from services.tasks.progress import Said, recomputed, step
from services.tasks.shapes import wire
from services.tasks.telling import notify, recipients

Payload = dict[str, Any]


def mentioned(unit: Unit, text: str, project: Record) -> tuple[list[str], list[str]]:
    """Return the ids of team members and of their departments that `text` names after an @."""
    team = unit.many("person", project["team"] or [])
    people = [
        p.id for p in team.values() if named_in(text, f"{p.get('first_name') or ''} {p.get('last_name') or ''}".strip())
    ]
    departments = {d for p in team.values() for d in p.get("departments") or []}
    return people, [d.id for d in unit.many("department", departments).values() if named_in(text, d["name"])]


def named_in(text: str, name: str, sign: str = "@") -> bool:
    """Tell whether `text` holds `name` after `sign`, followed by a blank or the end. Pure."""
    return bool(name) and re.search(rf"{sign}{re.escape(name)}(?=\s|$)", text, re.IGNORECASE) is not None


def _may_comment(unit: Unit, path: Mapping[str, str]) -> bool:
    """Tell whether the actor may comment: who may act, or who was mentioned on the task (no vendors)."""
    task = unit.need("task", path["task_id"])
    if may_act(unit, task):
        return True
    mentioned_here = "t.object_id = %s AND (left(t.doc, -1) || t.rel)::jsonb->'mentions' @> to_jsonb(%s::text)"
    role, me = role_on(unit, task), unit.actor.person_id
    return role not in (None, VENDOR) and bool(me) and unit.count("comment", mentioned_here, (task.id, me)) > 0


commenters = Policy("may act on the task, or mentioned on it", _may_comment)


@command(allow=commenters, status=201)
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
    files: list[Upload],
) -> dict[str, Any]:
    """Comment on a task and set its status; returns the comment with status and person.

    Source: POST /actions/tasks/{id}/comment
    """
    task = unit.need("task", task_id)
    role = role_on(unit, task)
    status = allowed_status(unit, task, task_status_id, role)
    if not may_act(unit, task) and status.id != task["task_status_id"]:
        raise Forbidden
    author = unit.actor.person_id
    if role not in (ADMIN, MANAGER):
        created_at = ""
    elif is_uuid(person_id):
        author = unit.need("person", person_id).id
    said = {"comment": comment, "checklist": checklist, "links": links, "for_client": for_client}
    found = post(unit, task, status, author, {**said, "created_at": created_at}, files)
    _copy_to_siblings(unit, task, comment, author)
    return created(unit, found)


def post(
    unit: Unit, task: Record, status: Record, author: str | None, said: Payload, files: list[Upload] | None = None
) -> Record:
    """Write a comment with its files and do what it does to the task."""
    project = unit.need("project", task["project_id"])
    people, departments = mentioned(unit, said.get("comment") or "", project)
    fields: Payload = {
        "object_id": task.id,
        "object_type": "Task",
        "text": said.get("comment") or "",
        "task_status_id": status.id,
        "person_id": author,
        "checklist": said.get("checklist") or [],
        "links": said.get("links") or [],
        "for_client": bool(said.get("for_client")),
        "mentions": people,
        "department_mentions": departments,
    }
    if said.get("created_at"):
        fields["created_at"] = said["created_at"]
    comment_id = str(uuid4())
    fields["attachment_files"] = [row["id"] for row in keep_files(unit, files, task, comment_id=comment_id)]
    payload = {"task_id": task.id, "task_status_id": status.id, "person_id": author, "for_client": fields["for_client"]}
    comment = unit.create(
        "comment", fields, id=comment_id, name="tasks.task-commented", live=[], project_id=task["project_id"]
    )
    unit.announce("comment:new", {"comment_id": comment.id, **payload, "project_id": task["project_id"]})
    before = task["task_status_id"]
    _advance(unit, task, status, comment)
    _tell(unit, task, comment, change=before != status.id)
    if before != status.id:
        run_automations(unit, unit.need("task", task.id), status, post)
    return comment


def keep_files(unit: Unit, files: list[Upload] | None, task: Record, **owner: str) -> list[Payload]:
    """Hand uploads to media as attachments of `owner`; return [{id, name, extension, size}]."""
    if not files:
        return []
    uploads = [msgspec.to_builtins(each) for each in files]
    body = {"uploads": uploads, "project_id": task["project_id"], **owner}
    found: list[Payload] = orjson.loads(unit.ask("media.attach_files", body=body).read())
    unit.notes.setdefault("attached", []).extend(found)
    return found


def created(unit: Unit, comment: Record) -> Payload:
    """Return a new comment with its status, author and files."""
    attached = [row for row in unit.notes.get("attached", []) if row["id"] in (comment["attachment_files"] or [])]
    person, status = unit.get("person", comment["person_id"]), unit.get("task_status", comment["task_status_id"])
    shape = {**wire(unit, comment, relations=True), "attachment_files": attached}
    shape["task_status"] = wire(unit, status) if status else None
    return {**shape, "person": wire(unit, person) if person else None}


def _copy_to_siblings(unit: Unit, task: Record, text: str, author: str | None) -> None:
    """Copy a comment to the sibling tasks that it names by `#tasktype` or `#all`, each keeping its status."""
    if "#" not in text:
        return
    source = unit.get("task_type", task["task_type_id"])
    siblings = unit.find("task", "t.entity_id = %s AND t.id <> %s", (task["entity_id"], task.id), "t.created_at")
    types = unit.many("task_type", {each["task_type_id"] for each in siblings})
    for sibling in siblings:
        kind, status = types.get(sibling["task_type_id"]), unit.get("task_status", sibling["task_status_id"])
        named = kind is not None and named_in(text, kind["name"], "#")
        if status is not None and (named or named_in(text, "all", "#")):
            suffix = f"\n\n_From {source['name']}_" if source else ""
            post(unit, sibling, status, author, {"comment": text + suffix})


def allowed_status(unit: Unit, task: Record, status_id: str, role: str | None) -> Record:
    """Return the status that `role` may set on `task`. Raises Invalid and Forbidden."""
    status = unit.get("task_status", status_id) if is_uuid(status_id) else None
    if status is None:
        raise Invalid("Task status ID matches no task status")
    if role in (USER, VENDOR) and not status["is_artist_allowed"]:
        raise Forbidden
    link = (unit.need("project", task["project_id"])["task_status_links"] or {}).get(status.id, {})
    allowed = link.get("is_client_allowed")
    if role == CLIENT and not (status["is_client_allowed"] if allowed is None else allowed):
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
