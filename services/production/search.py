"""Search over assets, shots and people: accents, prefixes, parts and typos; only what the actor may see.

It reads the read models themselves, in their transaction, and so cannot drift from them.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import orjson

from chassis.binding import Id
from chassis.messages import ADMIN, CLIENT, VENDOR
from chassis.operations import command
from chassis.policy import signed_in
from chassis.resources import Record
from chassis.unit import Unit
from contracts.access import NO_ONE
from services.production.access import visible_entities
from services.production.projects import OPEN

Positive = Annotated[int, msgspec.Meta(ge=1)]
NotNegative = Annotated[int, msgspec.Meta(ge=0)]
INDEXES = ("assets", "shots", "persons")
SHORTEST = 3
MINIMAL = ("id", "type", "first_name", "last_name", "full_name", "has_avatar", "active", "departments", "studio_id",
           "role", "desktop_login", "is_bot")  # fmt: skip
FOR_CLIENTS = ("id", "type", "first_name", "last_name", "full_name", "has_avatar", "active", "role", "is_bot")
# Names as the search sees them: without accents and case. Of entities there is an index on it.
PLAIN = "log.plain_text({})"
RANK = """CASE WHEN {plain} = %(q)s THEN 0 WHEN {plain} LIKE %(start)s THEN 1 WHEN {plain} LIKE %(part)s THEN 2
          ELSE 3 END"""
# Who has typed a part of a name wants that name, and not the thousand that are like it: those count when there is none.
PART = "{plain} LIKE %(part)s"
ALIKE = "%(q)s OPERATOR(public.<%%) {plain}"


def _terms(unit: Unit, query: str) -> dict[str, Any]:
    [[plain]] = unit.rows("SELECT log.plain_text(%s)", (query.strip(),))
    escaped = plain.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return {"q": plain, "start": f"{escaped}%", "part": f"%{escaped}%"}


@command(allow=signed_in)
def search(
    unit: Unit,
    *,
    query: str,
    project_id: Id | None = None,
    limit: Positive = 3,
    offset: NotNegative = 0,
    index_names: list[str] | None = None,
) -> dict[str, Any]:
    """Search by name; fewer than 3 characters find nothing. Source: POST /data/search."""
    if len(query.strip()) < SHORTEST:
        return {}
    terms = _terms(unit, query)
    wanted = [name for name in INDEXES if name in (index_names or INDEXES)]
    found: dict[str, Any] = {}
    if "persons" in wanted:
        found["persons"] = _people(unit, terms, limit, offset)
    for name, kind in (("assets", "asset"), ("shots", "shot")):
        if name in wanted:
            found[name] = _entities(unit, kind, terms, project_id, limit, offset)
    return found


def _fitting(unit: Unit, select: str, where: str, plain: str, order: str, values: dict[str, Any]) -> list[str]:
    """Return a page of what has the part in its name `plain`; of what is alike, when nothing has."""

    def page(fits: str, limits: str) -> list[str]:
        statement = f"{select} WHERE {where} AND {fits.format(plain=plain)} ORDER BY {order} {limits}"
        return [row[0] for row in unit.rows(statement, values)]

    limits = "LIMIT %(limit)s OFFSET %(offset)s"
    found = page(PART, limits)
    if found or (values["offset"] and page(PART, "LIMIT 1")):
        return found
    return page(ALIKE, limits)


def _people(unit: Unit, terms: dict[str, Any], limit: int, offset: int) -> list[dict[str, Any]]:
    name = "coalesce(t.first_name, '') || ' ' || coalesce(t.last_name, '')"
    plain = PLAIN.format(name)
    where = "t.is_guest IS NOT TRUE AND t.preview_project_id IS NULL"
    if unit.actor.role == CLIENT:
        where += " AND EXISTS (SELECT 1 FROM project p WHERE p.team @> ARRAY[t.id, %(me)s::uuid]::uuid[])"
    values = {**terms, "me": unit.actor.person_id or NO_ONE, "limit": limit, "offset": offset}
    order = f"{RANK.format(plain=plain)}, {name}, t.id"
    found = _fitting(unit, "SELECT left(t.doc, -1) || t.rel FROM person t", where, plain, order, values)
    rows = [orjson.loads(text) for text in found]
    keys: Sequence[str] | None = MINIMAL if unit.actor.role != CLIENT else FOR_CLIENTS
    if unit.actor.role == ADMIN:
        keys = None
    return [
        {**(row if keys is None else {key: row.get(key) for key in keys}), "matched_terms": ["name"]} for row in rows
    ]


def _entities(
    unit: Unit, kind: str, terms: dict[str, Any], project_id: str | None, limit: int, offset: int
) -> list[dict[str, Any]]:
    plain = PLAIN.format("t.name")
    # Positional and named parameters do not mix: rights come as ids.
    where = [
        f"t.kind = '{kind}'",
        f"t.project_id IN (SELECT t.id FROM project t WHERE {OPEN})",
    ]
    values: dict[str, Any] = {**terms, "limit": limit, "offset": offset, "me": unit.actor.person_id or NO_ONE}
    if project_id:
        where.append("t.project_id = %(project)s::uuid")
        values["project"] = project_id
    if visible_entities(unit):
        where.append("t.project_id IN (SELECT p.id FROM project p WHERE p.team @> ARRAY[%(me)s]::uuid[])")
        if unit.actor.role == VENDOR:
            mine = "SELECT 1 FROM task w WHERE w.entity_id = t.id AND w.assignees @> ARRAY[%(me)s]::uuid[]"
            where.append(f"EXISTS ({mine})")
    order = f"{RANK.format(plain=plain)}, t.name, t.created_at DESC"
    ids = _fitting(unit, "SELECT t.id::text FROM entity t", " AND ".join(where), plain, order, values)
    known = unit.many("entity", ids)
    return [_hit(unit, known[id_]) for id_ in ids]


def _hit(unit: Unit, entity: Record) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(unit.resource("entity").doc(entity))
    preview = unit.get("preview_file", entity["preview_file_id"])
    around: dict[str, Any] = {"project_name": unit.need("project", entity["project_id"])["name"]}
    if entity["kind"] == "asset":
        kind = unit.get("entity_type", entity["entity_type_id"])
        around["asset_type_name"] = kind["name"] if kind else None
    else:
        sequence = unit.get("entity", entity["parent_id"])
        episode = unit.get("entity", sequence["parent_id"]) if sequence else None
        around["sequence_name"] = sequence["name"] if sequence else None
        if episode is not None:
            around.update(episode_id=episode.id, episode=episode["name"])
    if unit.actor.role == VENDOR and document["data"]:
        document["data"] = _shown(unit, entity, document["data"])
    around["preview_file_extension"] = preview["extension"] if preview else None
    return {**document, **around, "matched_terms": ["name"]}


def _shown(unit: Unit, entity: Record, data: dict[str, Any]) -> dict[str, Any]:
    """Return `data` without the columns of departments that the vendor is not in."""
    mine = set(unit.actor.departments)
    columns = unit.find("metadata_descriptor", "t.project_id = %s", (entity["project_id"],))
    hidden = {c["field_name"] for c in columns if c["departments"] and not mine & set(c["departments"])}
    return {key: value for key, value in data.items() if key not in hidden}
