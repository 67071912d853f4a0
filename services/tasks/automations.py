"""Status automations: what follows by itself when a task gets a status."""

from collections.abc import Callable
from typing import Any

from chassis.events import DELETE, UPDATE, Event
from chassis.resources import Record
from chassis.spec import reacts
from chassis.unit import Unit

Post = Callable[[Unit, Record, Record, str | None, dict[str, Any]], Record]
DEEPEST = 10
READY = """
SELECT t.id::text, (SELECT count(*) FROM entity_link l JOIN entity a ON a.id = l.entity_out_id
    JOIN task_type r ON r.id = a.ready_for
    WHERE l.entity_in_id = t.entity_id AND a.canceled IS NOT TRUE AND r.priority >= tt.priority) AS ready
FROM task t JOIN task_type tt ON tt.id = t.task_type_id JOIN entity e ON e.id = t.entity_id
WHERE e.kind = 'shot' AND t.entity_id = ANY(%s::uuid[])
"""


def run_automations(unit: Unit, task: Record, status: Record, post: Post) -> None:
    """Run the automations of the task's project that wait for this status of this task type."""
    project = unit.need("project", task["project_id"])
    entity = unit.get("entity", task["entity_id"])
    depth = unit.notes.get("automations", 0)
    if entity is None or not project["status_automations"] or depth >= DEEPEST:
        return
    unit.notes["automations"] = depth + 1
    for automation in unit.many("status_automation", project["status_automations"]).values():
        fits = (automation["in_task_type_id"], automation["in_task_status_id"]) == (task["task_type_id"], status.id)
        if fits and not automation["archived"] and _concerns(unit, automation, entity):
            _run(unit, automation, task, entity, project, post)
    unit.notes["automations"] = depth


def _concerns(unit: Unit, automation: Record, entity: Record) -> bool:
    """Tell whether an automation is for this kind of entity; `asset` stands for every asset type."""
    wanted = (automation["entity_type"] or "asset").lower()
    kind = unit.get("entity_type", entity["entity_type_id"])
    return wanted in (entity["kind"], (kind["name"] if kind else "").lower())


def _run(unit: Unit, automation: Record, task: Record, entity: Record, project: Record, post: Post) -> None:
    if automation["out_field_type"] == "ready_for":
        body = {"task_type_id": automation["out_task_type_id"]}
        unit.ask("production.set_ready_for", {"entity_id": entity.id}, body)
        return
    where = "t.entity_id = %s AND t.task_type_id = %s"
    target = unit.first("task", where, (entity.id, automation["out_task_type_id"]), "t.created_at, t.id")
    status = unit.get("task_status", automation["out_task_status_id"])
    if target is None or status is None or target["task_status_id"] == status.id:
        return
    if _order(unit, project, target) < _order(unit, project, task):
        return
    made = post(unit, target, status, unit.actor.person_id, {"comment": ""})
    if automation["import_last_revision"]:
        body = {"from_task_id": task.id, "to_task_id": target.id, "comment_id": made.id}
        unit.notes.setdefault("copy_previews", []).append(body)


def _order(unit: Unit, project: Record, task: Record) -> int:
    """Return the place of the task's type in the production."""
    link = (project["task_type_links"] or {}).get(task["task_type_id"], {})
    task_type = unit.get("task_type", task["task_type_id"])
    return int(link.get("priority") or (task_type["priority"] if task_type else 0) or 0)


def recount(unit: Unit, shots: list[str]) -> None:
    """Set how many of their cast assets are ready on the tasks of shots."""
    counts = dict(unit.rows(READY, (shots,))) if shots else {}
    for task_id, task in unit.many("task", counts).items():
        ready = int(counts[task_id])
        if (task["nb_assets_ready"] or 0) != ready:
            payload = {"task_id": task_id, "nb_assets_ready": ready, "project_id": task["project_id"]}
            live = [("task:update-casting-stats", payload)]
            unit.update(task, {"nb_assets_ready": ready}, name="tasks.assets-counted", live=live)


@reacts("entity_link")
def follow_casting(unit: Unit, event: Event, link: Record | None) -> None:
    """Count ready assets anew when a shot's casting changes."""
    shot = (link["entity_in_id"] if link else None) or event.old.get("entity_in_id")
    if shot:
        recount(unit, [shot])


def _says_ready_or_gone(event: Event) -> bool:
    # A new asset is in no casting yet.
    return event.op == DELETE or (event.op == UPDATE and not event.new.keys().isdisjoint(("ready_for", "canceled")))


@reacts("entity", when=_says_ready_or_gone)
def follow_entities(unit: Unit, event: Event, entity: Record | None) -> None:
    """Count anew when an asset becomes ready for something; erase the tasks of an erased entity."""
    if event.op == DELETE:
        from services.tasks.work import erase_tasks

        erase_tasks(unit, "t.entity_id = %s", event.id)
    else:
        links = unit.find("entity_link", "t.entity_out_id = %s", (event.id,))
        recount(unit, sorted({link["entity_in_id"] for link in links}))
