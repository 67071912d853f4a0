"""The user context: everything that a client needs to start, in one answer."""

from typing import Any

import orjson

from chassis.messages import ADMIN, CLIENT
from chassis.operations import query
from chassis.policy import signed_in
from chassis.unit import Unit
from services.production.entity_lists import list_asset_types
from services.production.projects import list_my_open_projects, list_open_projects
from services.production.user_filters import by_list

FACE = ("id", "type", "first_name", "last_name", "full_name", "has_avatar", "active", "archived", "departments",
        "studio_id", "role", "desktop_login", "is_bot", "created_at", "updated_at")  # fmt: skip


@query(allow=signed_in)
def get_user_context(unit: Unit) -> dict[str, Any]:
    """Return what a client needs to start. Source: GET /data/user/context."""

    def everything(kind: str, order: str = "t.name") -> Any:
        return orjson.loads(unit.docs(kind, order=order))

    admin = unit.actor.role == ADMIN
    people = orjson.loads(unit.docs("person", "t.is_guest IS NOT TRUE", order="t.first_name", relations=True))
    if not admin:
        keys = FACE[:6] if unit.actor.role == CLIENT else FACE
        people = [{key: person.get(key) for key in keys} for person in people]
    count = orjson.loads(unit.ask("tasks.count_unread", query={"person_id": unit.actor.person_id}).read())
    context = {
        "asset_types": list_asset_types(unit),
        "custom_actions": everything("custom_action"),
        "status_automations": everything("status_automation", "t.created_at"),
        "departments": everything("department"),
        "studios": everything("studio"),
        "notification_count": count["count"],
        "persons": people,
        "project_status": everything("project_status"),
        "project_roles": _roles(unit),
        "projects": list_open_projects(unit) if admin else list_my_open_projects(unit),
        "task_types": everything("task_type"),
        "task_status": everything("task_status"),
        "search_filters": by_list(unit, "search_filter"),
        "search_filter_groups": by_list(unit, "search_filter_group"),
        "preview_background_files": everything("preview_background_file"),
        "plugins": everything("plugin", "t.created_at"),
    }
    return {**context, "user_limit": 100} if admin else context


def _roles(unit: Unit) -> dict[str, str]:
    mine = unit.find("project", "t.team @> ARRAY[%s]::uuid[]", (unit.actor.person_id,))
    found = {p.id: (p["team_roles"] or {}).get(unit.actor.person_id) for p in mine}
    return {project_id: role for project_id, role in found.items() if role}
