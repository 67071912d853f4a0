"""What playlists show: entries added, and playlists that are made for a moment."""

from typing import Any

import orjson

from chassis.binding import Id, is_uuid
from chassis.errors import Invalid
from chassis.operations import command, query
from chassis.resources import Record
from chassis.unit import Unit
from contracts.task_access import may_see_entity
from services.media.access import project_no_vendors
from services.media.playlists import entries, playlisted, writers


def _newest(unit: Unit, playlist: Record, entity_id: str) -> str | None:
    where = "t.status <> 'broken' AND t.task_id IN (SELECT w.id FROM task w WHERE w.entity_id = %s{})"
    args = [entity_id]
    if playlist["task_type_id"]:
        where, args = where.format(" AND w.task_type_id = %s"), [*args, playlist["task_type_id"]]
    found = unit.first("preview_file", where.format(""), args, "t.revision DESC, t.position")
    return found.id if found else None


@command(allow=writers)
def add_to_playlist(unit: Unit, playlist_id: Id, *, entity_id: Id, preview_file_id: Id | None = None) -> dict[str, Any]:
    """Append an entity, by default its newest preview. Source: POST /actions/playlists/{playlist_id}/add-entity."""
    return _append(unit, playlist_id, [{"entity_id": entity_id, "preview_file_id": preview_file_id}])


@command(allow=writers)
def add_many_to_playlist(unit: Unit, playlist_id: Id, *, entities: list[dict[str, Any]]) -> dict[str, Any]:
    """Append several entities. Source: POST /actions/playlists/{playlist_id}/add-entities."""
    if not entities or not all(is_uuid(each.get("entity_id")) for each in entities):
        raise Invalid("entities must be a list of {entity_id, preview_file_id}.")
    return _append(unit, playlist_id, entities)


def _append(unit: Unit, playlist_id: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    playlist = unit.get("playlist", playlist_id, lock=True) or unit.need("playlist", playlist_id)
    added = []
    for row in rows:
        unit.need("entity", row["entity_id"])
        preview = row.get("preview_file_id") or _newest(unit, playlist, row["entity_id"])
        added.append({"entity_id": row["entity_id"], "preview_file_id": preview})
    added = entries(unit, added)
    ids = {"playlist_id": playlist.id, "project_id": playlist["project_id"]}
    live = [("playlist:add_entity", {**ids, **row}) for row in added]
    playlist = unit.update(playlist, {"shots": [*(playlist["shots"] or []), *added]}, live=live)
    found: dict[str, Any] = orjson.loads(unit.resource("playlist").doc(playlist))
    return found


@query(allow=project_no_vendors)
def build_temporary_playlist(unit: Unit, project_id: Id) -> list[dict[str, Any]]:
    """Return entries for tasks or entities without storing a playlist.

    Source: POST /data/projects/{project_id}/playlists/temp.
    """
    body = unit.request.body if isinstance(unit.request.body, dict) else {}
    tasks = unit.many("task", [id_ for id_ in body.get("task_ids") or [] if is_uuid(id_)])
    wanted: list[tuple[str, str | None]] = [(task["entity_id"], task.id) for task in tasks.values()]
    wanted += [(id_, None) for id_ in body.get("entity_ids") or [] if is_uuid(id_)]
    rows = []
    for entity_id, task_id in dict.fromkeys(wanted):
        entity = unit.get("entity", entity_id)
        if entity is None or not may_see_entity(unit, entity["project_id"], entity_id):
            continue
        where = "t.task_id = %s" if task_id else "t.task_id IN (SELECT w.id FROM task w WHERE w.entity_id = %s)"
        newest = unit.first("preview_file", where, (task_id or entity_id,), "t.revision DESC, t.position")
        rows.append({"entity_id": entity_id, "preview_file_id": newest.id if newest else None})
    found = playlisted(unit, rows)
    return sorted(found, key=lambda row: (row["parent_name"], row["name"])) if unit.request.truth("sort") else found
