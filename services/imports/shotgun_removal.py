"""What was deleted in ShotGrid is deleted here; people's places in teams; what could not be imported."""

from typing import Any

import orjson

from chassis.binding import Id
from chassis.errors import DomainError, Invalid, NotFound
from chassis.operations import command, query
from chassis.policy import admins
from chassis.unit import Unit

# ShotGrid's word -> (service, kind, further condition, operation that deletes, its path parameter).
REMOVALS = {
    "asset": ("production", "entity", {"kind": "asset"}, "production.delete_asset", "asset_id"),
    "shot": ("production", "entity", {"kind": "shot"}, "production.delete_shot", "shot_id"),
    "scene": ("production", "entity", {"kind": "scene"}, "production.delete_scene", "scene_id"),
    "sequence": ("production", "entity", {"kind": "sequence"}, "production.delete_sequence", "sequence_id"),
    "episode": ("production", "entity", {"kind": "episode"}, "production.delete_episode", "episode_id"),
    "project": ("production", "project", {}, "production.delete_project", "instance_id"),
    "person": ("auth", "person", {}, "auth.delete_person", "instance_id"),
    "status": ("tasks", "task_status", {}, "tasks.delete_task_status", "instance_id"),
    "step": ("tasks", "task_type", {}, "tasks.delete_task_type", "instance_id"),
    "task": ("tasks", "task", {}, "tasks.delete_task", "instance_id"),
    "note": ("tasks", "comment", {}, "tasks.delete_comment", "instance_id"),
    "version": ("media", "preview_file", {}, "media.delete_preview_file", "instance_id"),
}


def _number(body: Any) -> int:
    number = body.get("id") if isinstance(body, dict) else None
    if not isinstance(number, int):
        raise Invalid("The body must be {id}: the number of the record in ShotGrid.")
    return number


@command(allow=admins)
def remove_shotgun_record(unit: Unit, what: str, *, body: Any) -> dict[str, Any]:
    """Delete the record that ShotGrid knows by a number; success is false when other records still need it.

    Return {success, removed_instance_id?}. Raises NotFound for a kind that there is not.
    Source: POST /import/shotgun/remove/{what}.
    """
    if what not in REMOVALS:
        raise NotFound
    service, kind, where, operation, parameter = REMOVALS[what]
    wanted = {"kind": kind, "shotgun_id": _number(body), "where": where}
    found = orjson.loads(unit.ask(f"{service}.find_imported", {}, wanted).read())
    if not found:
        return {"success": True}
    try:
        unit.ask(operation, {parameter: found[0]})
    except DomainError as refusal:
        if refusal.status >= 500:
            raise
        return {"success": False, "removed_instance_id": found[0]}
    return {"success": True, "removed_instance_id": found[0]}


@command(allow=admins)
def import_shotgun_connections(unit: Unit, *, body: Any) -> list[dict[str, Any]]:
    """Put people into teams; return the projects. Source: POST /import/shotgun/projectconnections."""
    if not isinstance(body, list):
        raise Invalid("The body must be an array of ShotGrid records.")
    answer: list[dict[str, Any]] = orjson.loads(unit.ask("production.import_connections", {}, body).read())
    return answer


@command(allow=admins)
def remove_shotgun_connection(unit: Unit, *, body: Any) -> dict[str, Any]:
    """Take the person of a connection out of the team. Source: POST /import/shotgun/remove/projectconnection."""
    unit.ask("production.remove_connection", {}, {"shotgun_id": _number(body)})
    return {"success": True}


@query(allow=admins)
def list_shotgun_errors(unit: Unit) -> bytes:
    """List what could not be imported. Source: GET /import/shotgun/errors."""
    return unit.docs("data_import_error", "t.source = 'shotgun'", (), "t.created_at")


@command(allow=admins, status=201)
def create_shotgun_error(unit: Unit, *, body: Any) -> Any:
    """Keep what could not be imported. Source: POST /import/shotgun/errors."""
    return unit.create("data_import_error", {"event_data": body, "source": "shotgun"})


@command(allow=admins)
def delete_shotgun_error(unit: Unit, error_id: Id) -> None:
    """Forget what could not be imported. Source: DELETE /import/shotgun/errors/{error_id}."""
    unit.delete(unit.need("data_import_error", error_id))
