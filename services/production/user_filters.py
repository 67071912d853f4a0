"""Search filters and their groups: kept by people, shared by managers."""

from typing import Any

import orjson

from chassis.binding import Id, is_uuid
from chassis.crud import Crud
from chassis.errors import Invalid, NotFound
from chassis.messages import ADMIN, MANAGER
from chassis.operations import command, query
from chassis.policy import signed_in
from chassis.reading import Part
from chassis.resources import Fields, Record
from chassis.unit import Unit
from contracts import production as kinds
from contracts.access import NO_ONE, role_in

Wire = dict[str, Any]
MY_TEAMS = "SELECT p.id FROM project p WHERE p.team @> ARRAY[%s]::uuid[]"
MINE = f"(t.person_id = %s OR (t.is_shared AND t.project_id IN ({MY_TEAMS})))"


class FilterCrud(Crud):
    """Filters take their text as `search_query`, and as `query` from older clients."""

    def checked(self, unit: Unit, body: Fields, *, creating: bool) -> Fields:
        """Return the body's values as stored."""
        body = dict(body)
        older = body.pop("query", None)
        if older is not None:
            body.setdefault("search_query", older)
        return super().checked(unit, body, creating=creating)


CRUD = FilterCrud(kinds.SEARCH_FILTER)


def _manages(unit: Unit, project_id: str | None) -> bool:
    project = unit.get("project", project_id) if is_uuid(project_id) else None
    return project is not None and role_in(unit, project) in (ADMIN, MANAGER)


def _doc(unit: Unit, record: Record) -> Wire:
    found: Wire = orjson.loads(unit.resource(record.kind).doc(record))
    return found


def mine(unit: Unit, kind: str) -> Part:
    """Return the actor's filters or groups, shared ones among them."""
    me = unit.actor.person_id or NO_ONE
    return Part(kind, MINE, "t.created_at, t.id", (me, me))


def by_list(rows: bytes) -> dict[str, dict[str, list[Wire]]]:
    """Return list type -> project id (or `all`) -> filters or groups. Pure."""
    found: dict[str, dict[str, list[Wire]]] = {}
    for row in orjson.loads(rows):
        found.setdefault(row["list_type"], {}).setdefault(row["project_id"] or "all", []).append(row)
    return found


def _reach(unit: Unit, kind: str, id_: str) -> Record:
    """Return the actor's own record, or a shared one of a project they manage. Raises NotFound."""
    record = unit.need(kind, id_)
    own = record["person_id"] == unit.actor.person_id
    if not own and not (record["is_shared"] and _manages(unit, record["project_id"])):
        raise NotFound
    return record


def _fields(unit: Unit, given: Wire) -> Wire:
    """Check links; sharing needs a project and a manager of it, else it silently stays private."""
    for key, kind in (("project_id", "project"), ("department_id", "department")):
        if given.get(key) and (not is_uuid(given[key]) or unit.get(kind, given[key]) is None):
            raise Invalid(f"{key} matches no {kind}.")
    if given.get("is_shared"):
        given["is_shared"] = _manages(unit, given.get("project_id"))
    return given


@query(allow=signed_in)
def list_my_filters(unit: Unit) -> dict[str, Any]:
    """List search filters by list and project. Source: GET /data/user/filters."""
    return by_list(unit.lists(found=mine(unit, "search_filter"))["found"])


@query(allow=signed_in)
def list_my_filter_groups(unit: Unit) -> dict[str, Any]:
    """List groups of filters by list and project. Source: GET /data/user/filter-groups."""
    return by_list(unit.lists(found=mine(unit, "search_filter_group"))["found"])


@command(allow=signed_in, status=201)
def add_my_filter(
    unit: Unit,
    *,
    name: str,
    query: str = "",
    search_query: str = "",
    list_type: str = "todo",
    project_id: str | None = None,
    entity_type: str | None = None,
    is_shared: bool | None = None,
    search_filter_group_id: str | None = None,
    department_id: str | None = None,
) -> Wire:
    """Keep a search filter. Source: POST /data/user/filters."""
    fields = _fields(
        unit,
        {
            "list_type": list_type, "name": name, "search_query": search_query or query, "project_id": project_id,
            "entity_type": entity_type, "is_shared": bool(is_shared), "department_id": department_id,
        },
    )  # fmt: skip
    if search_filter_group_id:
        group = _reach(unit, "search_filter_group", search_filter_group_id)
        fields.update(search_filter_group_id=group.id, is_shared=bool(group["is_shared"]))
    return _doc(unit, unit.create("search_filter", {**fields, "person_id": unit.actor.person_id}))


@command(allow=signed_in)
def change_my_filter(unit: Unit, filter_id: Id, *, body: Any) -> Wire:
    """Change a search filter. Source: PUT /data/user/filters/{filter_id}."""
    found = _reach(unit, "search_filter", filter_id)
    keys = ("name", "search_query", "is_shared", "project_id", "department_id", "search_filter_group_id")
    given = {key: body[key] for key in keys if isinstance(body, dict) and key in body}
    if isinstance(body, dict) and body.get("query") is not None:
        given.setdefault("search_query", body["query"])
    if given.get("is_shared") and "project_id" not in given:
        given["is_shared"] = _manages(unit, found["project_id"])
    if given.get("search_filter_group_id"):
        group = _reach(unit, "search_filter_group", given["search_filter_group_id"])
        given["is_shared"] = bool(group["is_shared"])
    return _doc(
        unit, unit.update(found, _fields(unit, {k: v for k, v in given.items() if v is not None or k.endswith("_id")}))
    )


@command(allow=signed_in)
def remove_my_filter(unit: Unit, filter_id: Id) -> None:
    """Forget a search filter. Source: DELETE /data/user/filters/{filter_id}."""
    unit.delete(_reach(unit, "search_filter", filter_id))


@command(allow=signed_in, status=201)
def add_my_filter_group(
    unit: Unit,
    *,
    name: str,
    list_type: str = "todo",
    color: str | None = None,
    project_id: str | None = None,
    entity_type: str | None = None,
    is_shared: bool | None = None,
    department_id: str | None = None,
) -> Wire:
    """Keep a group of filters. Source: POST /data/user/filter-groups."""
    given = {
        "list_type": list_type, "name": name, "color": color or "", "project_id": project_id,
        "entity_type": entity_type,
        "is_shared": bool(is_shared), "department_id": department_id,
    }  # fmt: skip
    return _doc(unit, unit.create("search_filter_group", {**_fields(unit, given), "person_id": unit.actor.person_id}))


@query(allow=signed_in)
def get_my_filter_group(unit: Unit, filter_group_id: Id) -> Wire:
    """Return a group of filters. Source: GET /data/user/filter-groups/{filter_group_id}."""
    return _doc(unit, _reach(unit, "search_filter_group", filter_group_id))


@command(allow=signed_in)
def change_my_filter_group(
    unit: Unit,
    filter_group_id: Id,
    *,
    name: str | None = None,
    color: str | None = None,
    is_shared: bool | None = None,
    project_id: str | None = None,
    department_id: str | None = None,
) -> Wire:
    """Change a group; its filters are shared along. Source: PUT /data/user/filter-groups/{filter_group_id}."""
    group = _reach(unit, "search_filter_group", filter_group_id)
    given = {
        "name": name, "color": color, "is_shared": is_shared, "project_id": project_id, "department_id": department_id,
    }  # fmt: skip
    changes = _fields(unit, {key: value for key, value in given.items() if value is not None})
    after = unit.update(group, changes)
    if "is_shared" in changes:
        for each in unit.find("search_filter", "t.search_filter_group_id = %s", (group.id,)):
            unit.update(each, {"is_shared": changes["is_shared"]})
    return _doc(unit, after)


@command(allow=signed_in)
def remove_my_filter_group(unit: Unit, filter_group_id: Id) -> None:
    """Forget a group with its filters. Source: DELETE /data/user/filter-groups/{filter_group_id}."""
    group = _reach(unit, "search_filter_group", filter_group_id)
    for each in unit.find("search_filter", "t.search_filter_group_id = %s", (group.id,)):
        unit.delete(each)
    unit.delete(group)
