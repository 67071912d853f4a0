"""Metadata columns: named per project and kind of entity; their values live in the entities' `data`."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from chassis.binding import Id, is_uuid
from chassis.errors import Invalid, NotFound
from chassis.messages import ADMIN, CLIENT, MANAGER, SUPERVISOR, VENDOR
from chassis.operations import command, query
from chassis.policy import Policy, managers
from chassis.resources import Record
from chassis.unit import Unit
from contracts.access import project_managers, project_team, role_in
from contracts.production import DATA_TYPES
from services.production.projects import OPEN

ENTITY_TYPES = ("Asset", "Shot", "Edit", "Episode", "Sequence", "Project", "Task")


def field_name_of(name: str) -> str:
    """Return the key in `data` of a column: `Mood Level` gives `mood_level`. Pure."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_") or "column"


def _may_write(unit: Unit, path: Mapping[str, str]) -> bool:
    if not is_uuid(path["project_id"]):
        raise Invalid("Wrong UUID format.")
    role = role_in(unit, unit.need("project", path["project_id"]))
    if role in (ADMIN, MANAGER):
        return True
    if role != SUPERVISOR:
        return False
    mine = set(unit.actor.departments)
    wanted = set((unit.request.body or {}).get("departments") or []) if isinstance(unit.request.body, dict) else set()
    if is_uuid(path.get("metadata_descriptor_id")):
        known = unit.need("metadata_descriptor", path["metadata_descriptor_id"])
        wanted |= set(known["departments"] or [])
    return not mine or (bool(wanted) and wanted <= mine)


writers = Policy("manager, or supervisor of the column's departments", _may_write)


def _of(unit: Unit, project_id: str, id_: str) -> Record:
    found = unit.need("metadata_descriptor", id_)
    if found["project_id"] != project_id:
        raise NotFound
    return found


def may_see(unit: Unit, project: Record, column: Record) -> bool:
    """Tell whether the actor may see a column: clients those for them, vendors those of their departments."""
    role, departments = role_in(unit, project), set(column["departments"] or [])
    if role == CLIENT:
        return bool(column["for_client"])
    return role != VENDOR or not departments or bool(departments & set(unit.actor.departments))


@query(allow=project_team, kept=True)
def list_project_columns(unit: Unit, project_id: Id) -> list[Record]:
    """List the columns of a project. Source: GET /data/projects/{project_id}/metadata-descriptors."""
    project = unit.need("project", project_id)
    found = unit.find("metadata_descriptor", "t.project_id = %s", (project_id,), "t.position, lower(t.name)")
    return [column for column in found if may_see(unit, project, column)]


@query(allow=project_team)
def get_column(unit: Unit, project_id: Id, metadata_descriptor_id: Id) -> Record:
    """Return one column. Source: GET /data/projects/{project_id}/metadata-descriptors/{metadata_descriptor_id}."""
    column = _of(unit, project_id, metadata_descriptor_id)
    if not may_see(unit, unit.need("project", project_id), column):
        raise NotFound
    return column


@command(allow=writers, status=201)
def add_column(
    unit: Unit,
    project_id: Id,
    *,
    name: str,
    entity_type: str = "Asset",
    task_type_id: Id | None = None,
    data_type: str = "string",
    for_client: bool | None = None,
    choices: list[str] | None = None,
    departments: list[Id] | None = None,
) -> Record:
    """Add a column. Raises Invalid for a name that is taken.

    Source: POST /data/projects/{project_id}/metadata-descriptors.
    """
    _check(entity_type, data_type, name)
    fields = {
        "name": name.strip(),
        "field_name": field_name_of(name),
        "entity_type": entity_type,
        "task_type_id": task_type_id,
        "data_type": data_type,
        "for_client": bool(for_client),
        "choices": choices or [],
        "departments": departments or [],
        "project_id": project_id,
    }
    _refuse_twin(unit, fields, None)
    return unit.create("metadata_descriptor", fields)


def _check(entity_type: str, data_type: str, name: str) -> None:
    if entity_type not in ENTITY_TYPES:
        raise Invalid(f"Wrong entity type: {entity_type}. It must be one of {', '.join(ENTITY_TYPES)}.")
    if data_type not in DATA_TYPES:
        raise Invalid(f"Wrong data type: {data_type}. It must be one of {', '.join(DATA_TYPES)}.")
    if not name.strip():
        raise Invalid("Name cannot be empty.")


def _refuse_twin(unit: Unit, fields: Mapping[str, Any], itself: str | None) -> None:
    where = (
        "t.project_id = %s AND t.entity_type = %s AND t.task_type_id IS NOT DISTINCT FROM %s "
        "AND (lower(t.name) = lower(%s) OR t.field_name = %s)"
    )
    args = (
        fields["project_id"], fields["entity_type"], fields["task_type_id"], fields["name"], fields["field_name"],
    )  # fmt: skip
    if any(twin.id != itself for twin in unit.find("metadata_descriptor", where, args)):
        raise Invalid("Descriptor already exists.")


@command(allow=writers)
def change_column(
    unit: Unit,
    project_id: Id,
    metadata_descriptor_id: Id,
    *,
    name: str | None = None,
    data_type: str | None = None,
    for_client: bool | None = None,
    choices: list[str] | None = None,
    departments: list[Id] | None = None,
) -> Record:
    """Change a column; a new name moves the stored values.

    Source: PUT /data/projects/{project_id}/metadata-descriptors/{metadata_descriptor_id}.
    """
    column = _of(unit, project_id, metadata_descriptor_id)
    given = {
        "name": name.strip() if name else None,
        "field_name": field_name_of(name) if name else None,
        "data_type": data_type,
        "for_client": for_client,
        "choices": choices,
        "departments": departments,
    }
    changes = {key: value for key, value in given.items() if value is not None}
    return _changed(unit, column, changes)


def _changed(unit: Unit, column: Record, changes: dict[str, Any]) -> Record:
    after = {**column.fields, **changes}
    _check(after["entity_type"], after["data_type"], after["name"])
    _refuse_twin(unit, after, column.id)
    before = column["field_name"]
    if after["field_name"] != before:
        move_values(unit, column, before, after["field_name"])
    return unit.update(column, changes)


def move_values(unit: Unit, column: Record, before: str, after: str | None) -> None:
    """Move the stored values of a column to another key, or strip them when `after` is None."""
    for record in _holders(unit, column, before):
        data = dict(record["data"])
        value = data.pop(before)
        unit.update(record, {"data": data if after is None else {**data, after: value}}, live=[])


def _holders(unit: Unit, column: Record, field: str) -> list[Record]:
    if column["entity_type"] == "Project":
        project = unit.need("project", column["project_id"])
        return [project] if field in (project["data"] or {}) else []
    if column["entity_type"] == "Task":
        return []
    where = "t.project_id = %s AND t.kind = %s AND jsonb_exists(t.doc::jsonb->'data', %s)"
    return unit.find("entity", where, (column["project_id"], column["entity_type"].lower(), field))


@command(allow=writers)
def remove_column(unit: Unit, project_id: Id, metadata_descriptor_id: Id) -> None:
    """Remove a column with its values.

    Source: DELETE /data/projects/{project_id}/metadata-descriptors/{metadata_descriptor_id}.
    """
    column = _of(unit, project_id, metadata_descriptor_id)
    move_values(unit, column, column["field_name"], None)
    unit.delete(column)


@command(allow=project_managers)
def reorder_columns(unit: Unit, project_id: Id, *, entity_type: str, descriptor_ids: list[Id]) -> list[Record]:
    """Give columns the positions 1, 2, 3 … Source: POST /data/projects/{project_id}/metadata-descriptors/reorder."""
    known = unit.many("metadata_descriptor", descriptor_ids)
    found: list[Record] = []
    for id_ in descriptor_ids:
        column = known.get(id_)
        if column is None or column["project_id"] != project_id or column["entity_type"] != entity_type:
            raise Invalid(f"Descriptor {id_} is no {entity_type} column of this project.")
        found.append(unit.update(column, {"position": len(found) + 1}))
    return found


# On every project that the manager reaches


def _reached(unit: Unit) -> list[Record]:
    projects = unit.find("project", OPEN, (), "t.name")
    return [project for project in projects if role_in(unit, project) in (ADMIN, MANAGER)]


def _named(unit: Unit, field_name: str, entity_type: str) -> list[Record]:
    ids = [project.id for project in _reached(unit)]
    where = "t.field_name = %s AND t.entity_type = %s AND t.project_id = ANY(%s::uuid[])"
    return unit.find("metadata_descriptor", where, (field_name, entity_type, ids), "t.created_at")


@command(allow=managers, status=201)
def add_column_everywhere(
    unit: Unit,
    *,
    name: str,
    entity_type: str = "Asset",
    task_type_id: Id | None = None,
    data_type: str = "string",
    for_client: bool | None = None,
    choices: list[str] | None = None,
    departments: list[Id] | None = None,
) -> list[Record]:
    """Add a column to every project that lacks it. Source: POST /data/metadata-descriptors/all-projects."""
    _check(entity_type, data_type, name)
    have = {column["project_id"] for column in _named(unit, field_name_of(name), entity_type)}
    return [
        add_column(
            unit, Id(project.id), name=name, entity_type=entity_type, task_type_id=task_type_id, data_type=data_type,
            for_client=for_client, choices=choices, departments=departments,
        )
        for project in _reached(unit) if project.id not in have
    ]  # fmt: skip


@command(allow=managers)
def change_column_everywhere(
    unit: Unit,
    field_name: str,
    *,
    entity_type: str,
    name: str | None = None,
    data_type: str | None = None,
    for_client: bool | None = None,
    choices: list[str] | None = None,
    departments: list[Id] | None = None,
) -> list[Record]:
    """Change a column on all projects. Source: PUT /data/metadata-descriptors/all-projects/{field_name}."""
    found = _named(unit, field_name, entity_type)
    if not found:
        raise NotFound
    return [
        change_column(
            unit, Id(column["project_id"]), Id(column.id), name=name, data_type=data_type, for_client=for_client,
            choices=choices, departments=departments,
        )
        for column in found
    ]  # fmt: skip


@command(allow=managers)
def remove_column_everywhere(unit: Unit, field_name: str, *, entity_type: str = "Asset") -> list[str]:
    """Remove a column from all projects; return the ids.

    Source: DELETE /data/metadata-descriptors/all-projects/{field_name}.
    """
    found = _named(unit, field_name, entity_type)
    for column in found:
        remove_column(unit, Id(column["project_id"]), Id(column.id))
    return [column.id for column in found]


@command(allow=managers)
def reorder_columns_everywhere(unit: Unit, *, entity_type: str, field_order: list[str]) -> list[Record]:
    """Order columns alike on all projects. Source: POST /actions/metadata-descriptors/all-projects/reorder."""
    found = []
    for position, field_name in enumerate(field_order, start=1):
        found += [unit.update(column, {"position": position}) for column in _named(unit, field_name, entity_type)]
    return found
