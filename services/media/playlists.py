"""Playlists: what is reviewed together, in its order."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from chassis import filters
from chassis.binding import Id, is_uuid
from chassis.crud import Crud
from chassis.errors import Forbidden, Invalid, NotFound
from chassis.messages import ADMIN, CLIENT, MANAGER, SUPERVISOR, VENDOR
from chassis.operations import query
from chassis.policy import Policy, admins, no_vendors, signed_in
from chassis.resources import Fields, Record
from chassis.unit import Unit
from contracts import media as kinds
from contracts.access import my_projects, role_in
from services.media.access import project_no_vendors
from services.media.lists import by_task_type

PAGE = 20
KINDS = ("shot", "asset", "sequence", "edit", "episode")
LIGHT = ("id", "type", "name", "project_id", "episode_id", "task_type_id", "for_client", "for_entity", "is_for_all",
         "created_at", "updated_at", "created_by")  # fmt: skip
SORTS = {"name": "lower(t.name)", "created_at": "t.created_at DESC", "updated_at": "t.updated_at DESC"}


def _role(unit: Unit, playlist: Record) -> str | None:
    return role_in(unit, unit.need("project", playlist["project_id"]))


def _playlist(unit: Unit, path: Mapping[str, str]) -> Record:
    id_ = path.get("playlist_id") or path.get("instance_id") or ""
    if not is_uuid(id_):
        raise Invalid("Malformed ID." if "instance_id" in path else "Wrong UUID format.")
    return unit.need("playlist", id_)


def may_read(unit: Unit, playlist: Record) -> bool:
    """Tell whether the actor may see a playlist: the team but vendors, clients those made for them."""
    role = _role(unit, playlist)
    return role not in (None, VENDOR) and (role != CLIENT or bool(playlist["for_client"]))


def _may_write(unit: Unit, path: Mapping[str, str]) -> bool:
    playlist = _playlist(unit, path)
    role = _role(unit, playlist)
    creator = playlist["created_by"]
    return role in (ADMIN, MANAGER) or (role == SUPERVISOR and creator in (None, unit.actor.person_id))


readers = Policy(
    "team of the playlist, not vendor; clients when for them", lambda unit, path: may_read(unit, _playlist(unit, path))
)
writers = Policy("manager, or the supervisor who made the playlist", _may_write)


def visible(unit: Unit) -> tuple[str, list[str]] | None:
    """Return the SQL that limits playlists to what the actor may see."""
    limits = my_projects(unit)
    if limits and unit.actor.role == CLIENT:
        return f"{limits[0]} AND t.for_client", limits[1]
    return limits


def before_create(unit: Unit, fields: Fields) -> Fields:
    """Check project, kind and entries of a new playlist. Source: POST /data/playlists."""
    project = unit.get("project", fields.get("project_id"))
    if project is None:
        raise Invalid("project_id matches no project.")
    if role_in(unit, project) not in (ADMIN, MANAGER, SUPERVISOR):
        raise Forbidden
    return {**_checked(unit, fields), "created_by": unit.actor.person_id}


def before_update(unit: Unit, playlist: Record, changes: Fields) -> Fields:
    """Check what is changed. Source: PUT /data/playlists/{instance_id}."""
    return _checked(unit, changes)


def before_delete(unit: Unit, playlist: Record) -> None:
    """Take jobs and share links of a playlist away. Source: DELETE /data/playlists/{instance_id}."""
    for kind in ("build_job", "playlist_share_link"):
        for record in unit.find(kind, "t.playlist_id = %s", (playlist.id,)):
            unit.delete(record)


def _checked(unit: Unit, fields: Fields) -> Fields:
    if fields.get("for_entity") not in (None, *KINDS):
        raise Invalid(f"for_entity must be one of {', '.join(KINDS)}.")
    if fields.get("episode_id") in ("main", "all"):
        fields.update(is_for_all=fields["episode_id"] == "all", episode_id=None)
    if fields.get("shots") is not None:
        fields["shots"] = entries(unit, fields["shots"])
    return fields


def entries(unit: Unit, shots: Any) -> list[dict[str, Any]]:
    """Return entries with the two known keys; previews of another entity become null. Raises Invalid."""
    if not isinstance(shots, list) or not all(isinstance(each, dict) for each in shots):
        raise Invalid("shots must be a list of {entity_id, preview_file_id}.")
    rows = [
        {"entity_id": e.get("entity_id") or e.get("id"), "preview_file_id": e.get("preview_file_id")} for e in shots
    ]
    rows = [row for row in rows if is_uuid(row["entity_id"])]
    previews = unit.many("preview_file", [r["preview_file_id"] for r in rows if is_uuid(r["preview_file_id"])])
    tasks = unit.many("task", {p["task_id"] for p in previews.values()})
    for row in rows:
        preview = previews.get(row["preview_file_id"])
        task = tasks.get(preview["task_id"]) if preview else None
        if task is None or task["entity_id"] != row["entity_id"]:
            row["preview_file_id"] = None
    return rows


CRUD = Crud(
    kinds.PLAYLIST,
    read=no_vendors,
    create=signed_in,
    update=writers,
    delete=writers,
    visible=visible,
    before_create=before_create,
    before_update=before_update,
    before_delete=before_delete,
)


@query(allow=readers, wrong_id="Malformed ID.")
def get_playlist(unit: Unit, instance_id: Id) -> Record | dict[str, Any]:
    """Return one playlist as it is stored. Source: GET /data/playlists/{instance_id}."""
    playlist = unit.need("playlist", instance_id)
    if unit.request.truth("relations", True):
        return _with_jobs(unit, playlist)
    found: dict[str, Any] = orjson.loads(unit.resource("playlist").doc(playlist))
    return found


def _with_jobs(unit: Unit, playlist: Record) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(unit.resource("playlist").doc(playlist))
    jobs = unit.find("build_job", "t.playlist_id = %s", (playlist.id,), "t.created_at DESC")
    return {**found, "build_jobs": [job.id for job in jobs]}


def _light(unit: Unit, where: str, args: list[Any], *, page: int, sort_by: str) -> list[dict[str, Any]]:
    order = f"{SORTS.get(sort_by, SORTS['created_at'])}, t.id"
    limits = visible(unit)
    if limits:
        where, args = f"{where} AND {limits[0]}", [*args, *limits[1]]
    found = unit.find("playlist", where, args, order, PAGE, (max(page, 1) - 1) * PAGE)
    rows = []
    for playlist in found:
        document = orjson.loads(unit.resource("playlist").doc(playlist))
        first = next((e["preview_file_id"] for e in playlist["shots"] or [] if e.get("preview_file_id")), None)
        rows.append({**{key: document[key] for key in LIGHT}, "first_preview_file_id": first})
    return rows


@query(allow=project_no_vendors)
def list_project_playlists(
    unit: Unit, project_id: Id, *, page: int = 1, sort_by: str = "created_at", task_type_id: Id | None = None
) -> list[dict[str, Any]]:
    """List playlists, 20 a page, without their entries. Source: GET /data/projects/{project_id}/playlists."""
    where, args = _filtered(project_id, task_type_id, None)
    return _light(unit, where, args, page=page, sort_by=sort_by)


@query(allow=project_no_vendors)
def list_episode_playlists(
    unit: Unit,
    project_id: Id,
    episode_id: str,
    *,
    page: int = 1,
    sort_by: str = "created_at",
    task_type_id: Id | None = None,
    for_entity: str | None = None,
) -> list[dict[str, Any]]:
    """List playlists of an episode, of none (`main`) or for all (`all`).

    Source: GET /data/projects/{project_id}/episodes/{episode_id}/playlists.
    """
    where, args = _filtered(project_id, task_type_id, for_entity)
    if episode_id in ("main", "all"):
        where += f" AND t.episode_id IS NULL AND {'' if episode_id == 'all' else 'NOT '}coalesce(t.is_for_all, false)"
    elif not is_uuid(episode_id):
        raise Invalid("Wrong UUID format.")
    else:
        where, args = f"{where} AND t.episode_id = %s", [*args, episode_id]
    return _light(unit, where, args, page=page, sort_by=sort_by)


def _filtered(project_id: str, task_type_id: str | None, for_entity: str | None) -> tuple[str, list[Any]]:
    where, args = "t.project_id = %s", [project_id]
    for name, value in (("task_type_id", task_type_id), ("for_entity", for_entity)):
        if value:
            where, args = f"{where} AND t.{name} = %s", [*args, value]
    return where, args


@query(allow=admins)
def list_all_playlists(unit: Unit, project_id: Id) -> bytes:
    """List playlists in full, paged when `page` is given. Source: GET /data/projects/{project_id}/playlists/all."""
    unit.need("project", project_id)
    resource = unit.resource("playlist")
    request = unit.request
    request.query = {**{k: v for k, v in request.query.items() if k in ("page", "limit")}, "relations": ["true"]}
    found = orjson.loads(filters.listing(unit, resource, ["t.project_id = %s"], [project_id]))
    rows = found["data"] if isinstance(found, dict) else found
    jobs = unit.rows(
        "SELECT j.playlist_id::text, j.id::text FROM build_job j JOIN playlist p ON p.id = j.playlist_id "
        "WHERE p.project_id = %s ORDER BY j.created_at DESC",
        (project_id,),
    )
    for row in rows:
        row["build_jobs"] = [job for playlist, job in jobs if playlist == row["id"]]
    return orjson.dumps(found)


@query(allow=readers)
def get_project_playlist(unit: Unit, project_id: Id, playlist_id: Id) -> dict[str, Any]:
    """Return a playlist with what a player needs of each entry.

    Source: GET /data/projects/{project_id}/playlists/{playlist_id}.
    """
    playlist = unit.need("playlist", playlist_id)
    if playlist["project_id"] != project_id:
        raise NotFound
    return whole(unit, playlist)


def whole(unit: Unit, playlist: Record) -> dict[str, Any]:
    """Return a playlist with names, pictures and previews of its entries, and its jobs."""
    found = _with_jobs(unit, playlist)
    found["shots"] = playlisted(unit, playlist["shots"] or [])
    return found


def playlisted(unit: Unit, shots: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return entries with their entity's names, the chosen preview in detail and all previews by task type."""
    rows = list(shots)
    entities = unit.many("entity", {row["entity_id"] for row in rows})
    parents = unit.many("entity", {e["parent_id"] for e in entities.values()})
    grands = unit.many("entity", {e["parent_id"] for e in parents.values()})
    types = unit.many("entity_type", {e["entity_type_id"] for e in entities.values()})
    chosen = unit.many("preview_file", {row["preview_file_id"] for row in rows if row.get("preview_file_id")})
    previews = by_task_type(unit, entities)
    found = []
    for row in rows:
        entity = entities.get(row["entity_id"])
        if entity is None:
            continue
        parent = parents.get(entity["parent_id"])
        kind = types.get(entity["entity_type_id"])
        asset = entity["kind"] == "asset"
        facts = {
            "id": entity.id,
            "entity_id": entity.id,
            "name": entity["name"],
            "parent_name": (kind["name"] if kind else "") if asset else (parent["name"] if parent else ""),
            "project_id": entity["project_id"],
            "preview_file_id": row.get("preview_file_id"),
            "preview_files": previews.get(entity.id, {}),
        }
        if not asset and parent is not None:
            grand = grands.get(parent["parent_id"])
            facts.update(sequence_id=parent.id, sequence_name=parent["name"])
            facts.update(episode_id=grand.id if grand else None, episode_name=grand["name"] if grand else None)
        preview = chosen.get(row.get("preview_file_id") or "")
        found.append({**facts, **_chosen(preview, facts["preview_files"])})
    return found


def _chosen(preview: Record | None, by_type: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    if preview is None:
        return {}
    keys = ("task_id", "extension", "revision", "width", "height", "duration", "status", "annotations", "original_name")
    head = next((row for rows in by_type.values() for row in rows if row["id"] == preview.id), None)
    found = {f"preview_file_{key}": preview.fields.get(key) for key in keys}
    return {**found, "preview_file_previews": head["previews"] if head else []}
