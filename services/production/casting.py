"""Casting: which assets an entity uses, and how often."""

from typing import Any

from chassis.binding import Id, is_uuid
from chassis.errors import Invalid
from chassis.operations import command, query
from chassis.unit import Unit
from contracts.access import project_managers, project_staff

ROWS = """
SELECT a.id::text, a.name, ty.name, a.doc::jsonb->>'ready_for', a.source_id::text, a.preview_file_id::text,
       t.nb_occurences, t.doc::jsonb->>'label', a.is_shared, a.project_id::text
FROM entity_link t JOIN entity a ON a.id = t.entity_out_id JOIN entity_type ty ON ty.id = a.entity_type_id
WHERE t.entity_in_id = %s AND a.canceled IS NOT TRUE ORDER BY ty.name, a.name
"""
KEYS = ("asset_id", "asset_name", "asset_type_name", "ready_for", "episode_id", "preview_file_id", "nb_occurences",
        "label", "is_shared", "project_id")  # fmt: skip


@query(allow=project_staff)
def get_casting(unit: Unit, project_id: Id, entity_id: Id) -> list[dict[str, Any]]:
    """List an entity's casting. Source: GET /data/projects/{project_id}/entities/{entity_id}/casting."""
    unit.need("entity", entity_id)
    return [dict(zip(KEYS, row, strict=True)) for row in unit.rows(ROWS, (entity_id,))]


@command(allow=project_managers)
def replace_casting(unit: Unit, project_id: Id, entity_id: Id, *, body: Any) -> Any:
    """Replace an entity's casting. Source: PUT /data/projects/{project_id}/entities/{entity_id}/casting."""
    entity = unit.need("entity", entity_id)
    if not isinstance(body, list):
        raise Invalid("The casting must be an array of {asset_id, nb_occurences}.")
    wanted = {row["asset_id"]: row for row in map(_checked, body)}
    known = {link["entity_out_id"]: link for link in unit.find("entity_link", "t.entity_in_id = %s", (entity_id,))}
    if len(unit.many("entity", wanted)) < len(wanted):
        raise Invalid("An asset of the casting is unknown.")
    for asset_id, link in known.items():
        if asset_id not in wanted:
            unit.delete(link, live=[])
    for asset_id, row in wanted.items():
        values = {"nb_occurences": row["nb_occurences"], "label": row.get("label") or ""}
        if asset_id in known:
            unit.update(known[asset_id], values)
        else:
            pair = {"entity_in_id": entity_id, "entity_out_id": asset_id}
            unit.create("entity_link", {**pair, **values}, project_id=project_id)
    if unit.changes:
        noun = "asset" if entity["kind"] == "asset" else entity["kind"]
        unit.announce(f"{noun}:casting-update", {f"{noun}_id": entity_id, "project_id": project_id})
    return body


def _checked(row: Any) -> dict[str, Any]:
    if not isinstance(row, dict) or not is_uuid(row.get("asset_id")):
        raise Invalid("Each row of the casting needs an asset_id.")
    number = row.get("nb_occurences")
    if isinstance(number, bool) or not isinstance(number, int):
        raise Invalid("Each row of the casting needs nb_occurences, a whole number.")
    return row
