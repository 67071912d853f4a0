"""Casting: which assets an entity uses, and how often."""

from collections.abc import Iterable
from typing import Any

from chassis.binding import Id, is_uuid
from chassis.errors import Invalid
from chassis.operations import command
from chassis.resources import Record
from chassis.unit import Unit
from contracts.access import project_managers
from services.production.access import entity_managers, inside
from services.production.casting_lists import rows_of

Row = dict[str, Any]


def checked(row: Any) -> Row:
    """Return a row of a casting. Raises Invalid."""
    if not isinstance(row, dict) or not is_uuid(row.get("asset_id")):
        raise Invalid("Each row of the casting needs an asset_id.")
    number = row.get("nb_occurences")
    if isinstance(number, bool) or not isinstance(number, int):
        raise Invalid("Each row of the casting needs nb_occurences, a whole number.")
    return row


def recast(unit: Unit, entity: Record, rows: Iterable[Any]) -> None:
    """Make `rows` the whole casting of an entity; tell who was added and who was removed."""
    wanted = {row["asset_id"]: row for row in map(checked, rows)}
    links = unit.find("entity_link", "t.entity_in_id = %s", (entity.id,), planned=True)
    known = {link["entity_out_id"]: link for link in links}
    if len(unit.many("entity", wanted)) < len(wanted):
        raise Invalid("An asset of the casting is unknown.")
    gone = [asset_id for asset_id in known if asset_id not in wanted]
    for asset_id in gone:
        unit.delete(known[asset_id], live=[])
    changed = bool(gone)
    for asset_id, row in wanted.items():
        changed |= _cast(unit, entity, known.get(asset_id), row)
    if not changed:
        return
    new = [asset_id for asset_id in wanted if asset_id not in known]
    _tell(unit, entity, len(wanted), new, gone)
    if entity["kind"] == "shot":
        _cast_in_episode(unit, entity, new)
    if entity["kind"] == "episode":
        _drop_from_shots(unit, entity, gone)


def _cast(unit: Unit, entity: Record, link: Record | None, row: Row) -> bool:
    """Write one row and tell whether it changed anything."""
    values = {"nb_occurences": row["nb_occurences"], "label": row.get("label") or ""}
    if link is None:
        pair = {"entity_in_id": entity.id, "entity_out_id": row["asset_id"]}
        made = unit.create(
            "entity_link", {**pair, **values, "data": row.get("data")}, live=[], project_id=entity.project_id
        )
        payload = {"entity_link_id": made.id, **pair, "nb_occurences": values["nb_occurences"]}
        unit.announce("entity-link:new", {**payload, "project_id": entity.project_id})
        return True
    after = unit.update(link, values, live=[])
    if after is link:
        return False
    payload = {"entity_link_id": link.id, "nb_occurences": values["nb_occurences"], "project_id": entity.project_id}
    unit.announce("entity-link:update", payload)
    return True


def _tell(unit: Unit, entity: Record, count: int, new: list[str], gone: list[str]) -> None:
    noun = entity["kind"]
    payload = {
        f"{noun}_id": entity.id,
        "nb_entities_out": count,
        "added_asset_ids": new,
        "removed_asset_ids": gone,
        "project_id": entity.project_id,
    }
    unit.update(entity, {"nb_entities_out": count}, name="production.casting-counted", live=[])
    unit.announce(f"{noun}:casting-update", payload)


def _episode_of(unit: Unit, shot: Record) -> Record | None:
    sequence = unit.get("entity", shot["parent_id"])
    return unit.get("entity", sequence["parent_id"]) if sequence else None


def _cast_in_episode(unit: Unit, shot: Record, assets: list[str]) -> None:
    """Give the episode of a shot the assets that it lacks, marked as come by themselves."""
    episode = _episode_of(unit, shot)
    if episode is None or not assets:
        return
    known = {link["entity_out_id"] for link in unit.find("entity_link", "t.entity_in_id = %s", (episode.id,))}
    missing = [asset_id for asset_id in assets if asset_id not in known]
    for asset_id in missing:
        _cast(unit, episode, None, {"asset_id": asset_id, "nb_occurences": 1, "data": {"auto": True}})
    if missing:
        _tell(unit, episode, len(known) + len(missing), missing, [])


def _drop_from_shots(unit: Unit, episode: Record, assets: list[str]) -> None:
    """Take what an episode lost out of its shots."""
    if not assets:
        return
    where = (
        "t.entity_out_id = ANY(%s::uuid[]) AND t.entity_in_id IN (SELECT s.id FROM entity s JOIN entity q "
        "ON q.id = s.parent_id WHERE q.parent_id = %s)"
    )
    links = unit.find("entity_link", where, (assets, episode.id))
    for shot in unit.many("entity", {link["entity_in_id"] for link in links}).values():
        gone = [link for link in links if link["entity_in_id"] == shot.id]
        for link in gone:
            unit.delete(link, live=[])
        count = unit.count("entity_link", "t.entity_in_id = %s", (shot.id,))
        _tell(unit, shot, count, [], [link["entity_out_id"] for link in gone])


def _array(body: Any) -> list[Any]:
    if not isinstance(body, list):
        raise Invalid("The casting must be an array of {asset_id, nb_occurences}.")
    return body


@command(allow=project_managers)
def replace_casting(unit: Unit, project_id: Id, entity_id: Id, *, body: Any) -> Any:
    """Replace an entity's casting. Source: PUT /data/projects/{project_id}/entities/{entity_id}/casting."""
    inside(unit, {"project_id": project_id, "entity_id": entity_id}, "entity_id")
    recast(unit, unit.need("entity", entity_id), _array(body))
    return body


@command(allow=entity_managers)
def replace_asset_casting(unit: Unit, asset_id: Id, *, body: Any) -> list[Row]:
    """Replace the parts of an asset. Source: PUT /data/assets/{asset_id}/casting."""
    rows = [body] if isinstance(body, dict) else _array(body)
    filled = [{"nb_occurences": 1, "label": "", **row} if isinstance(row, dict) else row for row in rows]
    recast(unit, unit.need("entity", asset_id), filled)
    return [{key: row[key] for key in ("asset_id", "nb_occurences", "label")} for row in filled]


@command(allow=project_managers)
def replace_castings(unit: Unit, project_id: Id, *, body: Any) -> Any:
    """Replace the castings of many entities: {entity_id: rows}.

    Source: PUT /data/projects/{project_id}/entities/casting.
    """
    if not isinstance(body, dict) or not all(map(is_uuid, body)):
        raise Invalid("The body must be an object of castings by entity id.")
    for entity_id, rows in body.items():
        inside(unit, {"project_id": project_id, "entity_id": entity_id}, "entity_id")
        recast(unit, unit.need("entity", entity_id), _array(rows))
    return body


@command(allow=project_managers)
def cast_asset(
    unit: Unit,
    project_id: Id,
    asset_id: Id,
    *,
    entity_ids: list[Id],
    nb_occurences: int | None = None,
    label: str | None = None,
) -> dict[str, list[Row]]:
    """Cast one asset in many entities and leave the rest of their casting; 0 occurrences take it out.

    Source: PUT /data/projects/{project_id}/entities/casting/assets/{asset_id}.
    """
    unit.need("entity", asset_id)
    for entity_id in entity_ids:
        inside(unit, {"project_id": project_id, "entity_id": entity_id}, "entity_id")
        entity = unit.need("entity", entity_id)
        rows = {
            link["entity_out_id"]: {
                "asset_id": link["entity_out_id"],
                **{k: link[k] for k in ("nb_occurences", "label")},
            }
            for link in unit.find("entity_link", "t.entity_in_id = %s", (entity_id,))
        }
        row = rows.get(asset_id, {"asset_id": asset_id, "nb_occurences": 1, "label": ""})
        given = {"nb_occurences": nb_occurences, "label": label}
        rows[asset_id] = {**row, **{key: value for key, value in given.items() if value is not None}}
        if nb_occurences == 0:
            del rows[asset_id]
        recast(unit, entity, rows.values())
    return {entity_id: rows_of(unit, entity_id) for entity_id in entity_ids}


@command(allow=project_managers)
def remove_entity_link(unit: Unit, project_id: Id, entity_link_id: Id) -> Record:
    """Take one row of a casting away. Source: DELETE /data/projects/{project_id}/entity-links/{entity_link_id}."""
    link = unit.need("entity_link", entity_link_id)
    inside(unit, {"project_id": project_id, "entity_id": link["entity_in_id"]}, "entity_id")
    entity = unit.need("entity", link["entity_in_id"])
    unit.delete(link, live=[])
    count = unit.count("entity_link", "t.entity_in_id = %s", (entity.id,))
    _tell(unit, entity, count, [], [link["entity_out_id"]])
    if entity["kind"] == "episode":
        _drop_from_shots(unit, entity, [link["entity_out_id"]])
    return link
