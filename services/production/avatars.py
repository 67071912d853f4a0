"""What other services tell production: pictures of productions and entities, what assets are ready for."""

from chassis.binding import Id
from chassis.operations import command
from chassis.policy import nobody
from chassis.resources import Record
from chassis.unit import Unit


@command(allow=nobody)
def mark_avatar(unit: Unit, project_id: Id) -> Record:
    """Note that a production has a picture; asked by media."""
    live = [("project:set-thumbnail", {"project_id": project_id})]
    project = unit.need("project", project_id)
    if project["has_avatar"]:
        return unit.note(project, name="production.project-pictured", live=live)
    return unit.update(project, {"has_avatar": True}, name="production.project-pictured", live=live)


@command(allow=nobody)
def drop_entity_preview(unit: Unit, entity_id: Id, *, preview_file_id: Id, newest_id: Id | None = None) -> None:
    """Take a deleted preview off its entity; asked by media."""
    entity = unit.get("entity", entity_id)
    if entity is not None and entity["preview_file_id"] == preview_file_id:
        unit.update(entity, {"preview_file_id": None})


@command(allow=nobody)
def set_ready_for(unit: Unit, entity_id: Id, *, task_type_id: Id | None = None) -> None:
    """Note what an asset is ready for; asked by status automations."""
    entity = unit.get("entity", entity_id)
    if entity is not None and entity["kind"] == "asset":
        unit.update(entity, {"ready_for": task_type_id})
