"""The user context: everything that a client needs to start, in one answer."""

from typing import Any

import orjson

from chassis.messages import ADMIN, CLIENT
from chassis.operations import query
from chassis.policy import signed_in
from chassis.reading import Part
from chassis.shared import SharedLists
from chassis.unit import Unit
from services.production.entity_lists import NOT_ASSETS, as_asset_types
from services.production.projects import list_my_open_projects, list_open_projects
from services.production.user_filters import by_list, mine

FACE = ("id", "type", "first_name", "last_name", "full_name", "has_avatar", "active", "archived", "departments",
        "studio_id", "role", "desktop_login", "is_bot", "created_at", "updated_at")  # fmt: skip
LISTS = {
    "custom_actions": Part("custom_action", order="t.name"),
    "status_automations": Part("status_automation", order="t.created_at"),
    "departments": Part("department", order="t.name"),
    "studios": Part("studio", order="t.name"),
    "project_status": Part("project_status", order="t.name"),
    "task_types": Part("task_type", order="t.name"),
    "task_status": Part("task_status", order="t.name"),
    "preview_background_files": Part("preview_background_file", order="t.name"),
    "plugins": Part("plugin", order="t.created_at"),
}
SHARED = SharedLists(
    **LISTS,
    persons=Part("person", "t.is_guest IS NOT TRUE", "t.first_name", relations=True),
    asset_types=Part("entity_type", "t.name <> ALL(%s)", "t.name", (list(NOT_ASSETS),), relations=True),
)


@query(allow=signed_in, kept=True)
def get_user_context(unit: Unit) -> dict[str, Any]:
    """Return what a client needs to start. Source: GET /data/user/context.

    What other services know of it is added by the route.
    """
    own = {"search_filters": mine(unit, "search_filter"), "search_filter_groups": mine(unit, "search_filter_group")}
    lists = SHARED.read(unit, **own, project_roles=_roles(unit))
    admin = unit.actor.role == ADMIN
    context = {
        **{name: orjson.Fragment(lists[name]) for name in LISTS},
        "asset_types": as_asset_types(lists["asset_types"]),
        "persons": orjson.Fragment(lists["persons"]) if admin else _faces(unit, lists["persons"]),
        "project_roles": dict(orjson.loads(lists["project_roles"])),
        "projects": list_open_projects(unit) if admin else list_my_open_projects(unit),
        **{name: by_list(lists[name]) for name in own},
    }
    return {**context, "user_limit": 100} if admin else context


def _faces(unit: Unit, persons: bytes) -> list[dict[str, Any]]:
    """Return of each person what others than administrators see."""
    keys = FACE[:6] if unit.actor.role == CLIENT else FACE
    return [{key: person.get(key) for key in keys} for person in orjson.loads(persons)]


def _roles(unit: Unit) -> Part:
    """Return pairs of a project and the actor's role in it."""
    me = unit.actor.person_id
    role = "t.priv::json->'team_roles'->>%s"
    where = f"t.team @> ARRAY[%s]::uuid[] AND {role} <> ''"
    return Part("project", where, args=(me, me, me), cell=f"json_build_array(t.id, {role})::text")
