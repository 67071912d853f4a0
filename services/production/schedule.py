"""The schedule: a bar per task type, and below it per asset type, sequence, episode or edit; milestones."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from chassis.binding import Id, is_uuid
from chassis.crud import Crud
from chassis.errors import Forbidden, Invalid, Refused
from chassis.messages import ADMIN, MANAGER, SUPERVISOR, VENDOR
from chassis.operations import command, query
from chassis.policy import Policy, admins, signed_in
from chassis.resources import Fields, Record
from chassis.unit import Unit
from contracts import production as kinds
from contracts.access import my_projects, role_in
from contracts.task_access import supervises
from services.production.access import project_no_clients, project_no_guests, project_no_vendors

Rows = list[dict[str, Any]]
KEYS = ("start_date", "end_date", "man_days", "project_id", "task_type_id", "object_id")


def _may_change(unit: Unit, path: Mapping[str, str]) -> bool:
    if not is_uuid(path["instance_id"]):
        raise Invalid("Malformed ID.")
    item = unit.need("schedule_item", path["instance_id"])
    role = role_in(unit, unit.need("project", item["project_id"]))
    return role in (ADMIN, MANAGER) or (role == SUPERVISOR and supervises(unit, item["task_type_id"]))


changers = Policy("manager or department supervisor of the bar", _may_change)


def _manager_of(kind: str) -> Policy:
    def check(unit: Unit, path: Mapping[str, str]) -> bool:
        if not is_uuid(path["instance_id"]):
            raise Invalid("Malformed ID.")
        record = unit.need(kind, path["instance_id"])
        return role_in(unit, unit.need("project", record["project_id"])) in (ADMIN, MANAGER)

    return Policy(f"manager of the project of the {kind}", check)


def manager_creates(unit: Unit, fields: Fields) -> Fields:
    """Let managers of the project create. Raises Forbidden."""
    project = unit.get("project", fields.get("project_id"))
    if project is None or role_in(unit, project) not in (ADMIN, MANAGER):
        raise Forbidden
    return fields


def before_create(unit: Unit, fields: Fields) -> Fields:
    """Check a new bar; a twin is refused. Source: POST /data/schedule-items."""
    manager_creates(unit, fields)
    where = "t.project_id = %s AND t.task_type_id IS NOT DISTINCT FROM %s AND t.object_id IS NOT DISTINCT FROM %s"
    args = (fields.get("project_id"), fields.get("task_type_id"), fields.get("object_id"))
    if unit.count("schedule_item", where, args):
        raise Refused("A similar schedule item already exists.")
    return fields


class ScheduleCrud(Crud):
    """Bars drop man days that come as text, as clients send them while somebody types."""

    def checked(self, unit: Unit, body: Fields, *, creating: bool) -> Fields:
        """Return the body's values as stored."""
        if not creating and isinstance(body.get("man_days"), str):
            body = {key: value for key, value in body.items() if key != "man_days"}
        return super().checked(unit, body, creating=creating)


SCHEDULE = ScheduleCrud(
    kinds.SCHEDULE_ITEM, read=admins, create=signed_in, update=changers, delete=_manager_of("schedule_item"),
    before_create=before_create,
)  # fmt: skip


def _no_vendor(unit: Unit) -> Any:
    limits = my_projects(unit)
    return ("false", []) if unit.actor.role == VENDOR else limits


MILESTONES = Crud(
    kinds.MILESTONE, read=signed_in, create=signed_in, update=_manager_of("milestone"),
    delete=_manager_of("milestone"), visible=_no_vendor, before_create=manager_creates,
)  # fmt: skip


@query(allow=project_no_clients)
def list_project_milestones(unit: Unit, project_id: Id) -> Rows:
    """List milestones in the order of their dates. Source: GET /data/projects/{project_id}/milestones."""
    found = unit.find("milestone", "t.project_id = %s", (project_id,), "t.date, t.name")
    return [{"id": each.id, **{k: each[k] for k in ("date", "name", "project_id", "task_type_id")}} for each in found]


@query(allow=project_no_guests)
def list_project_schedule(unit: Unit, project_id: Id) -> bytes:
    """List all bars of a project. Source: GET /data/projects/{project_id}/schedule-items."""
    return unit.docs("schedule_item", "t.project_id = %s", (project_id,), "t.start_date, t.created_at")


def _bars(unit: Unit, project_id: str, wanted: list[tuple[str, str | None, str | None]]) -> Rows:
    """Return the bar of each (task type, object, name); missing ones are made: from today to tomorrow."""
    known = {
        (r["task_type_id"], r["object_id"]): r for r in unit.find("schedule_item", "t.project_id = %s", (project_id,))
    }
    today = unit.now.date()
    rows = []
    for task_type_id, object_id, name in wanted:
        item = known.get((task_type_id, object_id))
        if item is None:
            dates = {"start_date": today.isoformat(), "end_date": (today + timedelta(days=1)).isoformat()}
            ids = {"project_id": project_id, "task_type_id": task_type_id, "object_id": object_id}
            item = unit.create("schedule_item", {**dates, **ids})
        row = {"id": item.id, **{key: item[key] for key in KEYS}}
        rows.append({**row, "name": name} if object_id else row)
    return rows


@command(allow=project_no_vendors)
def list_task_type_bars(unit: Unit, project_id: Id) -> Rows:
    """Return the bar of each task type in use. Source: GET /data/projects/{project_id}/schedule-items/task-types."""
    project = unit.need("project", project_id)
    used = {
        row[0] for row in unit.rows("SELECT DISTINCT task_type_id::text FROM task WHERE project_id = %s", (project_id,))
    }
    types = unit.many("task_type", {*used, *(project["task_types"] or [])})
    order = sorted(types.values(), key=lambda each: (each["priority"] or 0, each["name"]))
    return _bars(unit, project_id, [(each.id, None, None) for each in order])


def _below(unit: Unit, project_id: str, task_type_id: str, found: list[Record]) -> Rows:
    unit.need("task_type", task_type_id)
    return _bars(unit, project_id, [(task_type_id, each.id, each["name"]) for each in found])


def _entities(unit: Unit, project_id: str, kind: str) -> list[Record]:
    where, args = "t.project_id = %s AND t.kind = %s AND t.canceled IS NOT TRUE", [project_id, kind]
    episode = unit.request.one("episode_id")
    if episode and is_uuid(episode) and kind in ("sequence", "edit"):
        where, args = f"{where} AND t.parent_id = %s", [*args, episode]
    return unit.find("entity", where, args, "t.name")


@command(allow=project_no_vendors)
def list_asset_type_bars(unit: Unit, project_id: Id, task_type_id: Id) -> Rows:
    """Return the bar of each asset type.

    Source: GET /data/projects/{project_id}/schedule-items/{task_type_id}/asset-types.
    """
    where = "t.id IN (SELECT e.entity_type_id FROM entity e WHERE e.project_id = %s AND e.kind = 'asset')"
    return _below(unit, project_id, task_type_id, unit.find("entity_type", where, (project_id,), "t.name"))


@command(allow=project_no_vendors)
def list_sequence_bars(unit: Unit, project_id: Id, task_type_id: Id) -> Rows:
    """Return the bar of each sequence.

    Source: GET /data/projects/{project_id}/schedule-items/{task_type_id}/sequences.
    """
    return _below(unit, project_id, task_type_id, _entities(unit, project_id, "sequence"))


@command(allow=project_no_vendors)
def list_episode_bars(unit: Unit, project_id: Id, task_type_id: Id) -> Rows:
    """Return the bar of each episode.

    Source: GET /data/projects/{project_id}/schedule-items/{task_type_id}/episodes.
    """
    return _below(unit, project_id, task_type_id, _entities(unit, project_id, "episode"))


@command(allow=project_no_vendors)
def list_edit_bars(unit: Unit, project_id: Id, task_type_id: Id) -> Rows:
    """Return the bar of each edit. Source: GET /data/projects/{project_id}/schedule-items/{task_type_id}/edits."""
    return _below(unit, project_id, task_type_id, _entities(unit, project_id, "edit"))
