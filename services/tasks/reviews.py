"""What waits for a look: tasks to check, open tasks, and the announcement that something is ready for review."""

from typing import Annotated, Any

import msgspec
import orjson

from chassis.binding import Id, is_uuid
from chassis.errors import BadRequest, Invalid
from chassis.messages import ADMIN, MANAGER, SUPERVISOR
from chassis.operations import command, query
from chassis.policy import signed_in
from chassis.resources import Record
from chassis.unit import Unit
from contracts.access import NO_ONE
from services.tasks.policy import may_direct, task_readers
from services.tasks.shapes import WIDE, tasks_with, wire

NotNegative = Annotated[int, msgspec.Meta(ge=0)]
OPEN = "p.project_status_id IN (SELECT s.id FROM project_status s WHERE s.name = 'Open')"
COLUMNS = {"project_id": "t.project_id", "task_type_id": "t.task_type_id", "task_status_id": "t.task_status_id"}
ORDERS = {
    "due_date": "t.due_date NULLS LAST",
    "priority": "t.priority DESC",
    "last_comment_date": "t.last_comment_date DESC NULLS LAST",
    "entity_name": "e.name",
}
EPISODE = "(CASE e.kind WHEN 'shot' THEN top.id WHEN 'sequence' THEN up.id ELSE e.source_id END)"


def _filters(unit: Unit) -> tuple[list[str], list[Any]]:
    where: list[str] = [OPEN]
    args: list[Any] = []
    for name, column in COLUMNS.items():
        value = unit.request.one(name)
        if value:
            where.append(f"{column} = %s")
            args.append(_id(value))
    person = unit.request.one("person_id")
    if person:
        where.append("t.assignees @> ARRAY[%s]::uuid[]")
        args.append(_id(person))
    episode = unit.request.one("episode_id")
    if episode and episode not in ("all", "main"):
        where.append(f"{EPISODE} = %s")
        args.append(_id(episode))
    for name, sign in (("due_date_since", ">="), ("due_date_until", "<=")):
        if unit.request.one(name):
            where.append(f"t.due_date {sign} %s")
            args.append(unit.request.one(name))
    if unit.actor.role != ADMIN:
        where.append("p.team @> ARRAY[%s]::uuid[]")
        args.append(unit.actor.person_id or NO_ONE)
    return where, args


def _id(text: str) -> str:
    if not is_uuid(text):
        raise Invalid("Wrong UUID format.")
    return text


def _to_check(unit: Unit) -> tuple[list[str], list[Any]]:
    """Return the SQL of tasks that wait for the actor's review: managers' projects, supervisors' departments."""
    where, args = _filters(unit)
    where.append("ts.is_feedback_request")
    if unit.actor.role not in (ADMIN, MANAGER, SUPERVISOR):
        where.append("false")
    if unit.actor.role == SUPERVISOR and unit.actor.departments:
        where.append("tt.department_id = ANY(%s::uuid[])")
        args.append(list(unit.actor.departments))
    return where, args


@query(allow=signed_in)
def list_tasks_to_check(unit: Unit) -> bytes:
    """List the tasks whose status asks for feedback. Source: GET /data/user/tasks-to-check."""
    where, args = _to_check(unit)
    order = ORDERS.get(unit.request.one("order_by") or "", "t.last_comment_date DESC NULLS LAST")
    return tasks_with(unit, WIDE, " AND ".join(where), args, f"{order}, t.id", _paging(unit))


def _paging(unit: Unit) -> str:
    page, limit = unit.request.one("page"), unit.request.one("limit") or "100"
    if not page:
        return ""
    if not page.isdigit() or not limit.isdigit() or int(page) < 1:
        raise Invalid("Wrong value for parameter page.")
    return f"ORDER BY place LIMIT {int(limit)} OFFSET {(int(page) - 1) * int(limit)}"


@query(allow=signed_in)
def list_check_values(unit: Unit) -> dict[str, list[str]]:
    """Return the values that tasks to check can be filtered by. Source: GET /data/user/tasks-to-check/filter-values."""
    from services.tasks.shapes import JOINS

    where, args = _to_check(unit)
    statement = f"""SELECT t.project_id::text, t.task_type_id::text, t.task_status_id::text, {EPISODE}::text,
        t.assignees::text[] FROM task t {JOINS} WHERE {" AND ".join(where)}"""
    rows = unit.rows(statement, args)
    names = ("project_ids", "task_type_ids", "task_status_ids", "episode_ids")
    found = {name: sorted({row[place] for row in rows if row[place]}) for place, name in enumerate(names)}
    found["person_ids"] = sorted({person for row in rows for person in row[4] or []})
    return found


@query(allow=signed_in)
def list_open_tasks(unit: Unit) -> bytes:
    """Return {data, stats, limit, offset, is_more}: a page of open tasks. Source: GET /data/tasks/open-tasks."""
    from services.tasks.shapes import JOINS

    where, args = _filters(unit)
    for name, column in (
        ("priority", "t.priority"),
        ("start_date", "t.start_date::date"),
        ("due_date", "t.due_date::date"),
    ):
        if unit.request.one(name):
            where.append(f"{column} = %s")
            args.append(unit.request.one(name))
    limit, page = _positive(unit, "limit", 100), _positive(unit, "page", 1)
    offset = (page - 1) * limit
    condition = " AND ".join(where)
    tail = f"ORDER BY place LIMIT {limit + 1} OFFSET {offset}"
    found = orjson.loads(tasks_with(unit, WIDE, condition, args, "p.name, tt.name, e.name, t.id", tail))
    statement = f"""SELECT count(*), count(*) FILTER (WHERE ts.is_done), coalesce(sum(t.duration), 0),
        coalesce(sum(t.estimation), 0) FROM task t {JOINS} WHERE {condition}"""
    total, done, duration, estimation = unit.rows(statement, args)[0]
    stats = {"total": total, "total_done": done, "total_duration": duration, "total_estimation": estimation}
    body = {"data": found[:limit], "stats": stats, "limit": limit, "offset": offset, "is_more": len(found) > limit}
    return orjson.dumps(body)


def _positive(unit: Unit, name: str, default: int) -> int:
    text = unit.request.one(name)
    if not text:
        return default
    if not text.isdigit() or not 1 <= int(text) <= 100_000:
        raise Invalid(f"Wrong value for parameter {name}.")
    return int(text)


@command(allow=signed_in)
def set_priority(unit: Unit, *, task_ids: list[str], priority: int) -> list[dict[str, Any]]:
    """Set the priority of tasks, leaving out those the actor may not direct.

    Source: PUT /actions/tasks/set-priority.
    """
    known = unit.many("task", [id_ for id_ in task_ids if is_uuid(id_)])
    mine = [task for task in known.values() if may_direct(unit, task)]
    return [wire(unit, unit.update(task, {"priority": priority})) for task in mine]


# Kept from older releases


def _review_status(unit: Unit) -> Record:
    """Return the status "To review", made on first use."""
    found = unit.first("task_status", "t.short_name = 'pndng'")
    fields = {"name": "To review", "short_name": "pndng", "color": "#f5f5f5", "is_feedback_request": True}
    return found or unit.create("task_status", fields)


@command(allow=task_readers)
def announce_review(
    unit: Unit,
    task_id: Id,
    *,
    person_id: str | None = None,
    comment: str | None = "",
    name: str | None = "main",
    revision: NotNegative = 1,
    change_status: bool | None = True,
) -> dict[str, Any]:
    """Set the status "To review" and tell everybody; no comment is written.

    Source: PUT /actions/tasks/{task_id}/to-review.
    """
    task = unit.need("task", task_id)
    person = unit.get("person", unit.actor.person_id)
    if person_id:
        person = unit.get("person", person_id) if is_uuid(person_id) else None
        if person is None:
            raise BadRequest("Cannot find given person.")
    project, entity = unit.need("project", task["project_id"]), unit.need("entity", task["entity_id"])
    kind, before = unit.need("entity_type", entity["entity_type_id"]), task["task_status_id"]
    path = _preview_path(unit, task, name or "main", revision)
    status = _review_status(unit)
    changes = {"task_status_id": status.id} if change_status else {}
    payload = {
        "task_id": task.id,
        "task_shotgun_id": task["shotgun_id"],
        "entity_type_name": kind["name"],
        "previous_task_status_id": before,
        "entity_shotgun_id": entity["shotgun_id"],
        "project_shotgun_id": project["shotgun_id"],
        "person_shotgun_id": person["shotgun_id"] if person else None,
        "comment": comment,
        "preview_path": path,
        "change_status": change_status,
        "project_id": project.id,
    }
    live = [("task:to-review", payload)]
    if changes and before != status.id:
        task = unit.update(task, changes, name="tasks.task-ready-for-review", live=live)
    else:
        task = unit.note(task, name="tasks.task-ready-for-review", live=live)
    around = {"project": project, "entity": entity, "entity_type": kind}
    found = {**wire(unit, task), **{key: wire(unit, record) for key, record in around.items()}}
    # Here the reference shows the bare entity, whatever its kind.
    found["entity"]["type"] = "Entity"
    return {
        **found,
        "person": wire(unit, person, relations=True) if person else None,
        "comment": comment,
        "preview_path": path,
    }


def _preview_path(unit: Unit, task: Record, name: str, revision: int) -> dict[str, str]:
    body = {"name": name, "revision": revision}
    found: dict[str, str] = orjson.loads(unit.ask("media.build_preview_path", {"task_id": task.id}, body).read())
    return found
