"""Records pushed from another Kitsu, under the ids that they have there."""

from typing import Any

import orjson

from chassis.binding import is_uuid
from chassis.errors import Invalid, NotFound
from chassis.messages import ADMIN
from chassis.operations import command
from chassis.policy import signed_in
from chassis.unit import Unit

KINDS = {
    "attachment-files": ("media", "attachment_file"),
    "build-jobs": ("media", "build_job"),
    "comments": ("tasks", "comment"),
    "entities": ("production", "entity"),
    "entity-links": ("production", "entity_link"),
    "metadata-descriptors": ("production", "metadata_descriptor"),
    "milestones": ("production", "milestone"),
    "news": ("tasks", "news"),
    "notifications": ("tasks", "notification"),
    "playlists": ("media", "playlist"),
    "preview-files": ("media", "preview_file"),
    "projects": ("production", "project"),
    "schedule-items": ("production", "schedule_item"),
    "subscriptions": ("tasks", "subscription"),
    "tasks": ("tasks", "task"),
    "time-spents": ("tasks", "time_spent"),
}


@command(allow=signed_in)
def import_kitsu_records(unit: Unit, plural: str, *, body: Any) -> list[dict[str, Any]]:
    """Create or change records by id, a batch in one transaction; only an administrator's are taken.

    Query: silent (no live events). Raises Invalid. Source: POST /import/kitsu/{plural}.
    """
    if plural not in KINDS:
        raise NotFound
    if not isinstance(body, list) or not all(isinstance(row, dict) and is_uuid(row.get("id")) for row in body):
        raise Invalid("The body must be an array of records, each with its id.")
    if unit.actor.role != ADMIN or not body:
        return []
    service, kind = KINDS[plural]
    wanted = {"kind": kind, "keys": [["id"]], "records": body, "silent": unit.request.truth("silent")}
    found: list[dict[str, Any]] = orjson.loads(unit.ask(f"{service}.import_records", {}, wanted).read())
    return found
