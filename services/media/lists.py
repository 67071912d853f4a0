"""Previews as the pages list them: of an entity, by task type, with all of a revision together."""

from collections.abc import Iterable
from typing import Any

from chassis.binding import Id
from chassis.operations import query
from chassis.policy import admins, nobody
from chassis.resources import Record
from chassis.unit import Unit
from services.media.access import entity_of, entity_viewers
from services.media.serving import summary

PRESENT = ("name", "original_name", "extension", "revision", "position", "file_size", "status", "validation_status",
           "task_id", "person_id", "token_in", "token_out")  # fmt: skip
OF_ENTITIES = "t.task_id IN (SELECT w.id FROM task w WHERE w.entity_id = ANY(%s::uuid[]))"
MODELS = ("blend", "fbx", "glb", "gltf", "ma", "mb", "obj", "usd", "usda", "usdc", "usdz")
NEWEST = "t.revision DESC, t.position, t.created_at"


def by_task_type(unit: Unit, entity_ids: Iterable[str]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Return entity id -> task type id -> summaries, newest revision first, with the rest of each revision inside."""
    wanted = sorted(set(entity_ids))
    previews = unit.find("preview_file", OF_ENTITIES, (wanted,), NEWEST)
    tasks = unit.many("task", {p["task_id"] for p in previews})
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    heads: dict[tuple[str, int], dict[str, Any]] = {}
    for preview in previews:
        task = tasks[preview["task_id"]]
        head = heads.get((task.id, preview["revision"]))
        if head is not None:
            more = {"position": preview["position"], "task_type_id": task["task_type_id"]}
            head["previews"].append({**summary(preview, []), **more})
            continue
        row = heads[(task.id, preview["revision"])] = summary(preview, [])
        found.setdefault(task["entity_id"], {}).setdefault(task["task_type_id"], []).append(row)
    return found


def _of_one(unit: Unit, path: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    entity = entity_of(unit, path)
    return by_task_type(unit, [entity.id]).get(entity.id, {})


@query(allow=entity_viewers)
def list_playlist_previews(unit: Unit, entity_id: Id) -> dict[str, list[dict[str, Any]]]:
    """Return previews by task type. Source: GET /data/playlists/entities/{entity_id}/preview-files."""
    return _of_one(unit, {"entity_id": entity_id})


@query(allow=entity_viewers)
def list_shot_previews(unit: Unit, shot_id: Id) -> dict[str, list[dict[str, Any]]]:
    """Return previews by task type. Source: GET /data/shots/{shot_id}/preview-files."""
    return _of_one(unit, {"shot_id": shot_id})


@query(allow=entity_viewers)
def list_edit_previews(unit: Unit, edit_id: Id) -> dict[str, list[dict[str, Any]]]:
    """Return previews by task type. Source: GET /data/edits/{edit_id}/preview-files."""
    return _of_one(unit, {"edit_id": edit_id})


@query(allow=entity_viewers)
def list_concept_previews(unit: Unit, concept_id: Id) -> dict[str, list[dict[str, Any]]]:
    """Return previews by task type. Source: GET /data/concepts/{concept_id}/preview-files."""
    return _of_one(unit, {"concept_id": concept_id})


def present(preview: Record) -> dict[str, Any]:
    """Return a preview as comments and playlists show it."""
    created = preview.created_at.strftime("%Y-%m-%dT%H:%M:%S")
    return {"id": preview.id, **{key: preview.fields.get(key) for key in PRESENT}, "created_at": created}


@query(allow=entity_viewers)
def list_entity_previews(unit: Unit, entity_id: Id) -> list[dict[str, Any]]:
    """Return previews of all tasks, newest first. Source: GET /data/entities/{entity_id}/preview-files."""
    return [present(p) for p in unit.find("preview_file", OF_ENTITIES, ([entity_id],), "t.created_at DESC, t.id")]


@query(allow=admins)
def list_running_previews(
    unit: Unit, *, cursor_preview_file_id: Id | None = None, limit: int = 100
) -> list[dict[str, Any]]:
    """Return previews that are still processed, newest first, after a cursor.

    Source: GET /data/playlists/preview-files/running.
    """
    where, args = "t.status = 'processing'", []
    if cursor_preview_file_id:
        where += " AND t.created_at < (SELECT c.created_at FROM preview_file c WHERE c.id = %s)"
        args.append(cursor_preview_file_id)
    found = unit.find("preview_file", where, args, "t.created_at DESC", max(1, min(limit, 1000)))
    tasks = unit.many("task", {p["task_id"] for p in found})
    entities = unit.many("entity", {t["entity_id"] for t in tasks.values()})
    rows = []
    for preview in found:
        task = tasks.get(preview["task_id"])
        entity = entities.get(task["entity_id"]) if task else None
        facts = {
            "full_entity_name": entity["name"] if entity else "",
            "project_id": preview.project_id,
            "task_type_id": task["task_type_id"] if task else None,
        }
        rows.append({**present(preview), "type": "PreviewFile", **facts})
    return rows


@query(allow=admins)
def get_stats(unit: Unit) -> dict[str, int]:
    """Return {number_of_video_previews, number_of_picture_previews, number_of_model_previews, number_of_comments}.

    Source: GET /stats.
    """
    kinds = dict(unit.rows("SELECT doc::jsonb->>'extension', count(*) FROM preview_file GROUP BY 1"))
    videos, pictures = kinds.get("mp4", 0), kinds.get("png", 0)
    return {
        "number_of_video_previews": videos,
        "number_of_picture_previews": pictures,
        "number_of_model_previews": sum(kinds.get(extension, 0) for extension in MODELS),
        "number_of_comments": unit.count("comment"),
    }


@query(allow=nobody)
def count_jobs(unit: Unit) -> int:
    """Return how many movies are being made ready now; asked by the gateway for GET /status/resources."""
    return unit.count("preview_file", "t.doc::jsonb->>'status' = 'processing'")
