"""Comments as people read them: as far as they may, with authors, statuses, previews and files."""

from typing import Any

from chassis import filters
from chassis.binding import Id
from chassis.errors import NotFound
from chassis.messages import ADMIN, CLIENT, MANAGER, SUPERVISOR
from chassis.operations import query
from chassis.resources import Record
from chassis.unit import Unit
from contracts.access import project_staff
from services.tasks.policy import role_on, task_readers
from services.tasks.shapes import present_preview, short_person, wire


@query(allow=task_readers, kept=True)
def list_task_comments(unit: Unit, task_id: Id) -> list[dict[str, Any]]:
    """Return the comments of a task, newest first, as far as the caller may see.

    Source: GET /data/tasks/{task_id}/comments.
    """
    task = unit.need("task", task_id)
    comments = unit.find("comment", "t.object_id = %s", (task_id,), "t.created_at DESC, t.id")
    return dressed(unit, [c for c in comments if shown(unit, task, c)])


def dressed(unit: Unit, comments: list[Record]) -> list[dict[str, Any]]:
    """Return comments with author, status, previews and files in place of their ids."""
    talkers = {c["person_id"] for c in comments} | {r["person_id"] for c in comments for r in c["replies"] or []}
    people = unit.many("person", talkers)
    statuses = unit.many("task_status", [c["task_status_id"] for c in comments])
    previews = unit.many("preview_file", {id_ for c in comments for id_ in c["previews"] or []})
    files = unit.many("attachment_file", {id_ for c in comments for id_ in c["attachment_files"] or []})
    found = []
    for comment in comments:
        status = statuses.get(comment["task_status_id"])
        short = {k: status[k] for k in ("name", "short_name", "color")} | {"id": status.id} if status else None
        mine = sorted(
            (previews[id_] for id_ in comment["previews"] or [] if id_ in previews),
            key=lambda each: (each["position"] or 0, each.created_at),
        )
        shape = wire(unit, comment, relations=True)
        shape["previews"] = [present_preview(each) for each in mine]
        shape["attachment_files"] = [
            {"id": id_, **{key: files[id_][key] for key in ("name", "extension", "size")}}
            for id_ in comment["attachment_files"] or []
            if id_ in files
        ]
        shape["replies"] = [{**r, "person": short_person(people.get(r["person_id"]))} for r in comment["replies"] or []]
        found.append({**shape, "person": short_person(people.get(comment["person_id"])), "task_status": short})
    return found


def shown(unit: Unit, task: Record, comment: Record) -> bool:
    """Tell whether the actor may read a comment: clients theirs and those for them, artists none by clients."""
    role = role_on(unit, task)
    author = unit.get("person", comment["person_id"])
    by_client = author is not None and author.get("role") == CLIENT
    if role == CLIENT:
        isolated = unit.need("project", task["project_id"])["is_clients_isolated"]
        mine = comment["person_id"] == unit.actor.person_id
        return mine or bool(comment["for_client"]) or (by_client and not isolated)
    return role in (ADMIN, MANAGER, SUPERVISOR) or not by_client


def comment_of(unit: Unit, task_id: str, comment_id: str) -> Record:
    """Return the comment of a task that the actor may read. Raises NotFound."""
    comment = unit.need("comment", comment_id)
    if comment["object_id"] != task_id or not shown(unit, unit.need("task", task_id), comment):
        raise NotFound
    return comment


@query(allow=task_readers)
def get_task_comment(unit: Unit, task_id: Id, comment_id: Id) -> dict[str, Any]:
    """Return one comment. Source: GET /data/tasks/{task_id}/comments/{comment_id}."""
    return wire(unit, comment_of(unit, task_id, comment_id))


@query(allow=project_staff)
def list_project_comments(unit: Unit, project_id: Id) -> bytes:
    """List the comments of a project, paged when asked for. Source: GET /data/projects/{project_id}/comments."""
    request = unit.request
    request.query = {**{k: v for k, v in request.query.items() if k in ("page", "limit")}, "relations": ["true"]}
    return filters.listing(unit, unit.resource("comment"), ["t.project_id = %s"], [project_id], order="t.created_at")
