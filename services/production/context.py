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
LISTS = {
    "custom_actions": ("custom_action", "", "t.name"),
    "status_automations": ("status_automation", "", "t.created_at"),
    "departments": ("department", "", "t.name"),
    "studios": ("studio", "", "t.name"),
    "project_status": ("project_status", "", "t.name"),
    "task_types": ("task_type", "", "t.name"),
    "task_status": ("task_status", "", "t.name"),
    "preview_background_files": ("preview_background_file", "", "t.name"),
    "plugins": ("plugin", "", "t.created_at"),
}


@query(allow=signed_in)
def get_user_context(unit: Unit) -> dict[str, Any]:
    """Return what a client needs to start. Source: GET /data/user/context."""

    lists = {name: orjson.Fragment(found) for name, found in unit.lists(**LISTS).items()}
    admin = unit.actor.role == ADMIN
    told = unit.docs("person", "t.is_guest IS NOT TRUE", order="t.first_name", relations=True)
    people: Any = orjson.Fragment(told)
    if not admin:
        keys = FACE[:6] if unit.actor.role == CLIENT else FACE
        people = [{key: person.get(key) for key in keys} for person in orjson.loads(told)]
    count = orjson.loads(unit.ask("tasks.count_unread", query={"person_id": unit.actor.person_id}).read())
    context = {
        **lists,
        "asset_types": list_asset_types(unit),
        "notification_count": count["count"],
        "persons": people,
        "project_roles": _roles(unit),
        "projects": list_open_projects(unit) if admin else list_my_open_projects(unit),
        "search_filters": by_list(unit, "search_filter"),
        "search_filter_groups": by_list(unit, "search_filter_group"),
    }
    return {**context, "user_limit": 100} if admin else context


def _roles(unit: Unit) -> dict[str, str]:
    mine = unit.find("project", "t.team @> ARRAY[%s]::uuid[]", (unit.actor.person_id,))
    found = {p.id: (p["team_roles"] or {}).get(unit.actor.person_id) for p in mine}
    return {project_id: role for project_id, role in found.items() if role}
