"""Projects: creation with what hangs on it, the team, the lists of open ones."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from chassis.binding import Id
from chassis.crud import Crud
from chassis.errors import Forbidden, Invalid, NotFound, Refused
from chassis.messages import ADMIN, CLIENT, VENDOR, Reply
from chassis.operations import command, query
from chassis.policy import admins, signed_in
from chassis.resources import Fields, Record
from chassis.unit import Unit
from contracts import production as kinds
from contracts.access import NO_ONE, project_managers, project_team, role_in
from services.production.entities import named_entity

OPEN = "t.project_status_id IN (SELECT s.id FROM project_status s WHERE s.name = 'Open')"
MINE = "t.team @> ARRAY[%s]::uuid[]"
FIRST_EPISODES = """
SELECT DISTINCT ON (t.project_id) t.project_id::text, t.id::text FROM entity t
WHERE t.project_id = ANY(%s::uuid[]) AND t.kind = 'episode' ORDER BY t.project_id, t.name, t.created_at
"""
DESCRIPTOR = ("name", "field_name", "data_type", "choices", "for_client", "entity_type", "task_type_id", "position",
              "departments")  # fmt: skip
RESOLUTION = re.compile(r"\d{1,5}x\d{1,5}")


def visible(unit: Unit) -> tuple[str, list[Any]] | None:
    """Limit projects to the actor's own; admins see all."""
    return None if unit.actor.role == ADMIN else (MINE, [unit.actor.person_id or NO_ONE])


def checked(fields: Mapping[str, Any]) -> None:
    """Raise Invalid for values that the type alone does not refuse."""
    resolution = fields.get("resolution")
    if resolution and not RESOLUTION.fullmatch(str(resolution)):
        raise Invalid("Resolution must be given as WIDTHxHEIGHT, such as 1920x1080.")
    for name in ("hd_bitrate_compression", "ld_bitrate_compression"):
        if fields.get(name) is not None and fields[name] <= 0:
            raise Invalid(f"{name} must be a positive number.")
    start, end = fields.get("start_date"), fields.get("end_date")
    if start and end and end < start:
        raise Invalid("end_date lies before start_date.")


def before_update(unit: Unit, project: Record, changes: Fields) -> Mapping[str, Any]:
    """Check what is changed."""
    checked(changes)
    return changes


def before_create(unit: Unit, fields: Fields) -> Mapping[str, Any]:
    """A new project is open."""
    checked(fields)
    status = unit.first("project_status", 't."name" = %s', ("Open",))
    return {**fields, "project_status_id": fields.get("project_status_id") or (status.id if status else None)}


def before_delete(unit: Unit, project: Record) -> None:
    """Only closed projects are deleted; `force` takes what is inside along. Raises Refused."""
    status = unit.get("project_status", project["project_status_id"])
    if status is not None and status["name"] == "Open":
        raise Refused("Only closed projects can be deleted.")
    if unit.request.truth("force"):
        for kind in ("entity_link", "metadata_descriptor", "entity"):
            where = "t.project_id = %s"
            if kind == "entity_link":
                where = "t.entity_in_id IN (SELECT e.id FROM entity e WHERE e.project_id = %s)"
            for record in unit.find(kind, where, (project.id,)):
                unit.delete(record, live=[])


CRUD = Crud(
    kinds.PROJECT,
    read=signed_in,
    create=admins,
    visible=visible,
    before_create=before_create,
    before_update=before_update,
    before_delete=before_delete,
    order="t.name",
)


@command(allow=admins, status=201)
def create_project(unit: Unit, *, body: Any) -> Reply:
    """Create a project; a tvshow gets its first episode E01. Source: POST /data/projects."""
    made = CRUD.operations()["create_project"].run(unit, body=body)
    document = orjson.loads(_document(unit, made))
    if made["production_type"] == "tvshow":
        document["first_episode_id"] = named_entity(unit, made.id, "Episode", "E01").id
    return Reply(201, orjson.dumps(document))


@query(allow=signed_in, wrong_id="Malformed ID.", kept=True)
def get_project(unit: Unit, instance_id: Id) -> dict[str, Any]:
    """Return a project with its descriptors and links. Source: GET /data/projects/{instance_id}."""
    project = unit.need("project", instance_id)
    if unit.actor.role != ADMIN and unit.actor.person_id not in (project["team"] or []):
        raise Forbidden
    if not unit.request.truth("relations", True):
        found: dict[str, Any] = orjson.loads(unit.resource("project").doc(project))
        return {**found, "project_status_name": _status_of(unit, project)}
    return with_links(unit, [project])[0]


def with_links(unit: Unit, projects: Sequence[Record], status: str | None = None) -> list[dict[str, Any]]:
    """Return projects with relations, descriptors, link attributes and the names of their status, if not given."""
    ids = [project.id for project in projects]
    if status is None:
        unit.learn("project_status", [p["project_status_id"] for p in projects if p["project_status_id"]])
    columns: dict[str, list[Record]] = {}
    order = "t.position, lower(t.name)"
    for each in (
        unit.find("metadata_descriptor", "t.project_id = ANY(%s::uuid[])", (ids,), order, planned=True) if ids else ()
    ):
        columns.setdefault(str(each.project_id), []).append(each)
    shows = [project.id for project in projects if project["production_type"] == "tvshow"]
    episodes = dict(unit.rows(FIRST_EPISODES, (shows,))) if shows else {}
    found = []
    for project in projects:
        document: dict[str, Any] = orjson.loads(_document(unit, project))
        types = project["task_type_links"] or {}
        document["project_status_name"] = status or _status_of(unit, project)
        document["descriptors"] = _shown(unit, project, columns.get(project.id, []))
        document["task_type_links"] = {id_: {**kinds.TASK_TYPE_LINK, **link} for id_, link in types.items()}
        document["task_types_priority"] = {id_: link.get("priority") for id_, link in types.items()}
        document["task_statuses_link"] = project["task_status_links"] or {}
        if project["production_type"] == "tvshow":
            document["first_episode_id"] = episodes.get(project.id)
        found.append(document)
    return found


def _status_of(unit: Unit, project: Record) -> str | None:
    status = unit.get("project_status", project["project_status_id"])
    return str(status["name"]) if status else None


def _shown(unit: Unit, project: Record, rows: list[Record]) -> list[dict[str, Any]]:
    """Return the columns that the actor may see: clients those for them, vendors those of their departments."""
    role = role_in(unit, project) or unit.actor.role
    shown = []
    for row in rows:
        departments = set(row["departments"] or [])
        if role == CLIENT and not row["for_client"]:
            continue
        if role == VENDOR and departments and not departments & set(unit.actor.departments):
            continue
        shown.append({"id": row.id, **{key: row[key] for key in DESCRIPTOR}})
    return shown


def _document(unit: Unit, project: Record) -> bytes:
    resource = unit.resource("project")
    return (resource.doc(project)[:-1] + resource.rel(project)).encode()


@query(allow=signed_in, kept=True)
def list_open_projects(unit: Unit) -> list[dict[str, Any]]:
    """List the actor's open projects, all for admins. Source: GET /data/projects/open."""
    mine = visible(unit)
    where, args = (f"{OPEN} AND {mine[0]}", mine[1]) if mine else (OPEN, [])
    return with_links(unit, unit.find("project", where, args, "t.name", planned=True), "Open")


@query(allow=signed_in, kept=True)
def list_my_open_projects(unit: Unit) -> list[dict[str, Any]]:
    """List open projects with the actor in their team. Source: GET /data/user/projects/open."""
    args = [unit.actor.person_id or NO_ONE]
    return with_links(unit, unit.find("project", f"{OPEN} AND {MINE}", args, "t.name", planned=True), "Open")


def added(ids: list[str] | None, id_: str) -> list[str]:
    """Return `ids` with `id_` among them."""
    return [*(ids or []), *([] if id_ in (ids or []) else [id_])]


@query(allow=project_team, kept=True)
def list_team(unit: Unit, project_id: Id) -> list[dict[str, Any]]:
    """List the people of a project with their role in it. Source: GET /data/projects/{project_id}/team."""
    project = unit.need("project", project_id)
    roles = project["team_roles"] or {}
    found = orjson.loads(unit.docs("person", "t.id = ANY(%s::uuid[])", (project["team"] or [],), relations=True))
    return [{**person, "project_role": roles.get(person["id"])} for person in found]


@command(allow=project_managers, status=201)
def add_to_team(unit: Unit, project_id: Id, *, person_id: Id, role: str | None = None) -> Record:
    """Add a person to the team. Source: POST /data/projects/{project_id}/team."""
    project = unit.need("project", project_id)
    unit.need("person", person_id)
    roles = {**(project["team_roles"] or {}), **({person_id: role} if role else {})}
    return unit.update(project, {"team": added(project["team"], person_id), "team_roles": roles})


@command(allow=project_managers)
def set_team_role(unit: Unit, project_id: Id, person_id: Id, *, role: str | None = None) -> dict[str, Any]:
    """Give a person another role in this project. Source: PUT /data/projects/{project_id}/team/{person_id}."""
    project = unit.need("project", project_id)
    if person_id not in (project["team"] or []):
        raise NotFound
    unit.update(project, {"team_roles": {**(project["team_roles"] or {}), person_id: role}})
    return {"project_id": project_id, "person_id": person_id, "role": role}


@command(allow=project_managers)
def remove_from_team(unit: Unit, project_id: Id, person_id: Id) -> None:
    """Take a person out of the team. Source: DELETE /data/projects/{project_id}/team/{person_id}."""
    project = unit.need("project", project_id)
    roles = {who: role for who, role in (project["team_roles"] or {}).items() if who != person_id}
    unit.update(project, {"team": [p for p in project["team"] or [] if p != person_id], "team_roles": roles})
