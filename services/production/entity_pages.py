"""One asset, shot, edit, concept, scene, sequence or episode, with what its page shows."""

from typing import Any

import orjson

from chassis.binding import Id
from chassis.operations import query
from chassis.resources import Record
from chassis.unit import Unit
from contracts.access import NO_ONE
from services.production.access import entity_readers

TASK = ("due_date", "done_date", "duration", "entity_id", "estimation", "end_date", "last_comment_date",
        "last_preview_file_id", "nb_assets_ready", "nb_drawings", "priority", "real_start_date", "retake_count",
        "start_date", "difficulty", "task_status_id", "task_type_id", "data")  # fmt: skip


def tasks_of(unit: Unit, entity_id: str) -> list[dict[str, Any]]:
    """Return the tasks of an entity as its page shows them."""
    tasks = unit.find("task", "t.entity_id = %s", (entity_id,), "t.created_at, t.id")
    where = "t.person_id = %s AND t.task_id = ANY(%s::uuid[])"
    args = (unit.actor.person_id or NO_ONE, [task.id for task in tasks])
    followed = {row["task_id"] for row in unit.find("subscription", where, args)}
    return [
        {"id": t.id, **{key: t[key] for key in TASK}, "is_subscribed": t.id in followed,
         "assignees": t["assignees"] or []}
        for t in tasks
    ]  # fmt: skip


def document(unit: Unit, entity: Record, *, relations: bool = True) -> dict[str, Any]:
    """Return the wire form of an entity."""
    resource = unit.resource("entity")
    text = resource.doc(entity)[:-1] + resource.rel(entity) if relations else resource.doc(entity)
    found: dict[str, Any] = orjson.loads(text)
    return found


def _frames(entity: Record) -> dict[str, Any]:
    data = entity["data"] or {}
    return {key: data.get(key) for key in ("fps", "frame_in", "frame_out")}


def _project_name(unit: Unit, entity: Record) -> dict[str, Any]:
    return {"project_name": unit.need("project", entity["project_id"])["name"]}


@query(allow=entity_readers, kept=True)
def get_asset(unit: Unit, asset_id: Id) -> dict[str, Any]:
    """Return an asset with its tasks and the names around it. Source: GET /data/assets/{asset_id}."""
    asset = unit.need("entity", asset_id)
    kind = unit.need("entity_type", asset["entity_type_id"])
    episodes = unit.rows(
        "SELECT t.entity_in_id::text FROM entity_link t JOIN entity e ON e.id = t.entity_in_id "
        "WHERE t.entity_out_id = %s AND e.kind = 'episode' ORDER BY e.name", (asset_id,)
    )  # fmt: skip
    found = {
        **document(unit, asset), **_project_name(unit, asset),
        "asset_type_id": kind.id, "asset_type_name": kind["name"],
        "episode_id": asset["source_id"], "casting_episode_ids": [row[0] for row in episodes],
        "tasks": tasks_of(unit, asset_id),
    }  # fmt: skip
    return {key: value for key, value in found.items() if key not in ("nb_frames", "source_id")}


@query(allow=entity_readers, kept=True)
def get_shot(unit: Unit, shot_id: Id) -> dict[str, Any]:
    """Return a shot with its tasks and the names around it. Source: GET /data/shots/{shot_id}."""
    shot = unit.need("entity", shot_id)
    sequence = unit.get("entity", shot["parent_id"])
    episode = unit.get("entity", sequence["parent_id"]) if sequence else None
    around = {
        "sequence_id": sequence.id if sequence else None,
        "sequence_name": sequence["name"] if sequence else None,
        "episode_id": episode.id if episode else None,
        "episode_name": episode["name"] if episode else None,
    }
    tasks = {"tasks": tasks_of(unit, shot_id)}
    return {**document(unit, shot), **_project_name(unit, shot), **around, **_frames(shot), **tasks}


@query(allow=entity_readers, kept=True)
def get_edit(unit: Unit, edit_id: Id) -> dict[str, Any]:
    """Return an edit with its tasks. Source: GET /data/edits/{edit_id}."""
    edit = unit.need("entity", edit_id)
    episode = unit.get("entity", edit["parent_id"])
    around = {"episode_id": episode.id if episode else None, "episode_name": episode["name"] if episode else None}
    return {**document(unit, edit), **_project_name(unit, edit), **around, "tasks": tasks_of(unit, edit_id)}


@query(allow=entity_readers, kept=True)
def get_concept(unit: Unit, concept_id: Id) -> dict[str, Any]:
    """Return a concept with its tasks. Source: GET /data/concepts/{concept_id}."""
    concept = unit.need("entity", concept_id)
    more = {**_frames(concept), "preview_file_status": None, "tasks": tasks_of(unit, concept_id)}
    return {**document(unit, concept), **_project_name(unit, concept), **more}


@query(allow=entity_readers, kept=True)
def get_scene(unit: Unit, scene_id: Id) -> dict[str, Any]:
    """Return a scene. Source: GET /data/scenes/{scene_id}."""
    scene = unit.need("entity", scene_id)
    sequence = unit.get("entity", scene["parent_id"])
    names = {"sequence_id": scene["parent_id"], "sequence_name": sequence["name"] if sequence else None}
    return {**document(unit, scene, relations=False), **_project_name(unit, scene), **names}


@query(allow=entity_readers, kept=True)
def get_sequence(unit: Unit, sequence_id: Id) -> dict[str, Any]:
    """Return a sequence. Source: GET /data/sequences/{sequence_id}."""
    sequence = unit.need("entity", sequence_id)
    return {**document(unit, sequence, relations=False), **_project_name(unit, sequence)}


@query(allow=entity_readers, kept=True)
def get_episode(unit: Unit, episode_id: Id) -> dict[str, Any]:
    """Return an episode. Source: GET /data/episodes/{episode_id}."""
    episode = unit.need("entity", episode_id)
    return {**document(unit, episode, relations=False), **_project_name(unit, episode)}


@query(allow=entity_readers)
def list_shot_versions(unit: Unit, shot_id: Id) -> bytes:
    """List the kept versions of a shot, newest first. Source: GET /data/shots/{shot_id}/versions."""
    return unit.docs("entity_version", "t.entity_id = %s", (shot_id,), "t.created_at DESC")


@query(allow=entity_readers)
def list_edit_versions(unit: Unit, edit_id: Id) -> bytes:
    """List the kept versions of an edit, newest first. Source: GET /data/edits/{edit_id}/versions."""
    return unit.docs("entity_version", "t.entity_id = %s", (edit_id,), "t.created_at DESC")
