"""What a project uses: task types, statuses, asset types, automations and backgrounds."""

from typing import Any

import orjson

from chassis.binding import Id, is_uuid
from chassis.errors import Invalid
from chassis.operations import command, query
from chassis.resources import Record
from chassis.unit import Unit
from contracts import production as kinds
from contracts.access import project_managers, project_team
from services.production.projects import added

Wire = dict[str, Any]


def _linked(unit: Unit, kind: str, id_: str) -> Record:
    """Return the record to link. Raises Invalid for an unknown one."""
    record = unit.get(kind, id_) if is_uuid(id_) else None
    if record is None:
        raise Invalid(f"{unit.resource(kind).type} with id {id_} not found")
    return record


def _shown(unit: Unit, project: Record) -> Wire:
    found: Wire = orjson.loads(unit.resource("project").doc(project))
    return found


def _of_links(unit: Unit, kind: str, ids: list[str] | None) -> bytes:
    """Return the linked records in the order of the links."""
    known = unit.many(kind, ids or [])
    resource = unit.resource(kind)
    return f"[{','.join(resource.doc(known[id_]) for id_ in ids or [] if id_ in known)}]".encode()


def _without(project: Record, field: str, id_: str, links: str | None = None) -> Wire:
    changes: Wire = {field: [each for each in project[field] or [] if each != id_]}
    if links:
        changes[links] = {key: value for key, value in (project[links] or {}).items() if key != id_}
    return changes


# Task types


@query(allow=project_team, kept=True)
def list_project_task_types(unit: Unit, project_id: Id) -> bytes:
    """List the task types of a project. Source: GET /data/projects/{project_id}/task-types."""
    return _of_links(unit, "task_type", unit.need("project", project_id)["task_types"])


@command(allow=project_managers, status=201)
def add_task_type(
    unit: Unit,
    project_id: Id,
    *,
    task_type_id: str,
    priority: int | None = None,
    hd_bitrate_compression: int | None = None,
    ld_bitrate_compression: int | None = None,
    is_client_visible: bool | None = None,
) -> Wire:
    """Use a task type in a project. Source: POST /data/projects/{project_id}/settings/task-types."""
    project = unit.need("project", project_id)
    _linked(unit, "task_type", task_type_id)
    known = (project["task_type_links"] or {}).get(task_type_id, kinds.TASK_TYPE_LINK)
    given = {
        "priority": priority,
        "hd_bitrate_compression": hd_bitrate_compression,
        "ld_bitrate_compression": ld_bitrate_compression,
        "is_client_visible": is_client_visible,
    }
    link = {**known, **{key: value for key, value in given.items() if value is not None}}
    links = {**(project["task_type_links"] or {}), task_type_id: link}
    changes = {"task_types": added(project["task_types"], task_type_id), "task_type_links": links}
    return _shown(unit, unit.update(project, changes))


@command(allow=project_managers)
def remove_task_type(unit: Unit, project_id: Id, task_type_id: Id) -> None:
    """Use it no more. Source: DELETE /data/projects/{project_id}/settings/task-types/{task_type_id}."""
    project = unit.need("project", project_id)
    unit.update(project, _without(project, "task_types", task_type_id, "task_type_links"))


@command(allow=project_managers)
def reorder_task_types(unit: Unit, project_id: Id, *, task_type_ids: list[Id]) -> list[Wire]:
    """Give task types the priorities 1, 2, 3 … Source: POST /actions/projects/{project_id}/task-type-links/reorder."""
    project = unit.need("project", project_id)
    links = dict(project["task_type_links"] or {})
    wanted = [id_ for id_ in task_type_ids if id_ in (project["task_types"] or [])]
    for priority, id_ in enumerate(wanted, start=1):
        links[id_] = {**kinds.TASK_TYPE_LINK, **links.get(id_, {}), "priority": priority}
    unit.update(project, {"task_type_links": links})
    return [{"project_id": project_id, "task_type_id": id_, **links[id_]} for id_ in wanted]


# Task statuses


@query(allow=project_team, kept=True)
def list_project_task_statuses(unit: Unit, project_id: Id) -> bytes:
    """List the statuses of a project. Source: GET /data/projects/{project_id}/settings/task-status."""
    return _of_links(unit, "task_status", unit.need("project", project_id)["task_statuses"])


@command(allow=project_managers, status=201)
def add_task_status(unit: Unit, project_id: Id, *, task_status_id: str) -> Wire:
    """Use a task status in a project. Source: POST /data/projects/{project_id}/settings/task-status."""
    project = unit.need("project", project_id)
    _linked(unit, "task_status", task_status_id)
    links = {task_status_id: dict(kinds.TASK_STATUS_LINK), **(project["task_status_links"] or {})}
    changes = {"task_statuses": added(project["task_statuses"], task_status_id), "task_status_links": links}
    return _shown(unit, unit.update(project, changes))


@command(allow=project_managers)
def change_task_status(unit: Unit, project_id: Id, task_status_id: Id, *, is_client_allowed: bool | None) -> Wire:
    """Let clients of this project use a status or not; null follows the status itself.

    Source: PUT /data/projects/{project_id}/settings/task-status/{task_status_id}.
    """
    project = unit.need("project", project_id)
    links = dict(project["task_status_links"] or {})
    if task_status_id not in (project["task_statuses"] or []):
        raise Invalid(f"TaskStatus with id {task_status_id} is not used in this project")
    links[task_status_id] = {**kinds.TASK_STATUS_LINK, **links.get(task_status_id, {})}
    links[task_status_id]["is_client_allowed"] = is_client_allowed
    unit.update(project, {"task_status_links": links})
    return {"project_id": project_id, "task_status_id": task_status_id, **links[task_status_id]}


@command(allow=project_managers)
def remove_task_status(unit: Unit, project_id: Id, task_status_id: Id) -> None:
    """Use it no more. Source: DELETE /data/projects/{project_id}/settings/task-status/{task_status_id}."""
    project = unit.need("project", project_id)
    unit.update(project, _without(project, "task_statuses", task_status_id, "task_status_links"))


@command(allow=project_managers)
def reorder_task_statuses(unit: Unit, project_id: Id, *, task_status_ids: list[Id]) -> list[Wire]:
    """Give statuses the priorities 1, 2, 3 … Source: POST /actions/projects/{project_id}/task-status-links/reorder."""
    project = unit.need("project", project_id)
    links = dict(project["task_status_links"] or {})
    wanted = [id_ for id_ in task_status_ids if id_ in (project["task_statuses"] or [])]
    for priority, id_ in enumerate(wanted, start=1):
        links[id_] = {**kinds.TASK_STATUS_LINK, **links.get(id_, {}), "priority": priority}
    unit.update(project, {"task_status_links": links})
    return [{"project_id": project_id, "task_status_id": id_, **links[id_]} for id_ in wanted]


# Asset types


@query(allow=project_team, kept=True)
def list_project_asset_types(unit: Unit, project_id: Id) -> list[Wire]:
    """List the asset types of a project: those it chose, else those of its assets.

    Source: GET /data/projects/{project_id}/asset-types.
    """
    chosen = unit.need("project", project_id)["asset_types"] or []
    where, args = "t.id = ANY(%s::uuid[])", [chosen]
    if not chosen:
        where = "t.id IN (SELECT e.entity_type_id FROM entity e WHERE e.project_id = %s AND e.kind = 'asset')"
        args = [project_id]
    return [{**row, "type": "AssetType"} for row in orjson.loads(unit.docs("entity_type", where, args, "t.name"))]


@command(allow=project_managers, status=201)
def add_asset_type(unit: Unit, project_id: Id, *, asset_type_id: str) -> Wire:
    """Use an asset type in a project. Source: POST /data/projects/{project_id}/settings/asset-types."""
    project = unit.need("project", project_id)
    _linked(unit, "entity_type", asset_type_id)
    return _shown(unit, unit.update(project, {"asset_types": added(project["asset_types"], asset_type_id)}))


@command(allow=project_managers)
def remove_asset_type(unit: Unit, project_id: Id, asset_type_id: Id) -> None:
    """Use it no more. Source: DELETE /data/projects/{project_id}/settings/asset-types/{asset_type_id}."""
    project = unit.need("project", project_id)
    unit.update(project, _without(project, "asset_types", asset_type_id))


# Status automations


@query(allow=project_managers, kept=True)
def list_project_automations(unit: Unit, project_id: Id) -> bytes:
    """List the automations of a project. Source: GET /data/projects/{project_id}/settings/status-automations."""
    return _of_links(unit, "status_automation", unit.need("project", project_id)["status_automations"])


@command(allow=project_managers, status=201)
def add_status_automation(unit: Unit, project_id: Id, *, status_automation_id: str) -> Wire:
    """Use an automation in a project. Source: POST /data/projects/{project_id}/settings/status-automations."""
    project = unit.need("project", project_id)
    _linked(unit, "status_automation", status_automation_id)
    changes = {"status_automations": added(project["status_automations"], status_automation_id)}
    return _shown(unit, unit.update(project, changes))


@command(allow=project_managers)
def remove_status_automation(unit: Unit, project_id: Id, status_automation_id: Id) -> None:
    """Use it no more. Source: DELETE /data/projects/{project_id}/settings/status-automations/{status_automation_id}."""
    project = unit.need("project", project_id)
    unit.update(project, _without(project, "status_automations", status_automation_id))


# Preview backgrounds


@query(allow=project_team)
def list_project_backgrounds(unit: Unit, project_id: Id) -> bytes:
    """List the backgrounds of a project. Source: GET /data/projects/{project_id}/settings/preview-background-files."""
    return _of_links(unit, "preview_background_file", unit.need("project", project_id)["preview_background_files"])


@command(allow=project_managers, status=201)
def add_preview_background(unit: Unit, project_id: Id, *, preview_background_file_id: str) -> Wire:
    """Use a background in a project. Source: POST /data/projects/{project_id}/settings/preview-background-files."""
    project = unit.need("project", project_id)
    _linked(unit, "preview_background_file", preview_background_file_id)
    changes = {"preview_background_files": added(project["preview_background_files"], preview_background_file_id)}
    return _shown(unit, unit.update(project, changes))


@command(allow=project_managers)
def remove_preview_background(unit: Unit, project_id: Id, preview_background_file_id: Id) -> None:
    """Use it no more.

    Source: DELETE /data/projects/{project_id}/settings/preview-background-files/{preview_background_file_id}.
    """
    project = unit.need("project", project_id)
    unit.update(project, _without(project, "preview_background_files", preview_background_file_id))


# All at once


@command(allow=project_managers)
def change_settings(
    unit: Unit,
    project_id: Id,
    *,
    task_types: list[Any] | None = None,
    task_status_ids: list[str] | None = None,
    asset_type_ids: list[str] | None = None,
    replace_task_types: bool = False,
) -> Wire:
    """Add task types {task_type_id, priority}, statuses and asset types in one go; `replace_task_types` drops others.

    Source: POST /data/projects/{project_id}/settings/batch.
    """
    project = unit.need("project", project_id)
    types = [] if replace_task_types else list(project["task_types"] or [])
    links = {} if replace_task_types else dict(project["task_type_links"] or {})
    for row in task_types or []:
        if not isinstance(row, dict):
            raise Invalid("task_types must be a list of {task_type_id, priority}.")
        id_ = _linked(unit, "task_type", row.get("task_type_id", "")).id
        types = added(types, id_)
        known = (project["task_type_links"] or {}).get(id_, kinds.TASK_TYPE_LINK)
        links[id_] = {**known, **{key: row[key] for key in kinds.TASK_TYPE_LINK if row.get(key) is not None}}
    changes: Wire = {"task_types": types, "task_type_links": links}
    statuses, status_links = list(project["task_statuses"] or []), dict(project["task_status_links"] or {})
    for id_ in task_status_ids or []:
        statuses = added(statuses, _linked(unit, "task_status", id_).id)
        status_links.setdefault(id_, dict(kinds.TASK_STATUS_LINK))
    assets = list(project["asset_types"] or [])
    for id_ in asset_type_ids or []:
        assets = added(assets, _linked(unit, "entity_type", id_).id)
    changes.update(task_statuses=statuses, task_status_links=status_links, asset_types=assets)
    return _shown(unit, unit.update(project, changes))
