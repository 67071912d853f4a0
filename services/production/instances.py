"""Scenes and asset instances: an asset placed in a scene, inside another asset, or attached to shots."""

from collections.abc import Mapping
from typing import Any

import orjson

from chassis.binding import Id
from chassis.crud import Crud
from chassis.errors import Forbidden, Invalid, NotFound
from chassis.messages import ADMIN
from chassis.operations import command, query
from chassis.policy import signed_in
from chassis.resources import Fields, Record
from chassis.unit import Unit
from contracts import production as kinds
from contracts.task_access import may_see_entity
from services.production.access import entity_readers, entity_team
from services.production.entities import plain
from services.production.entity_lists import BOTH_NAMES, docs

Grouped = dict[str, list[dict[str, Any]]]


def before_update(unit: Unit, instance: Record, changes: Fields) -> Mapping[str, Any]:
    """Let those change an instance who see its asset. Source: PUT /data/asset-instances/{instance_id}."""
    if unit.actor.role != ADMIN:
        asset = unit.need("entity", instance["asset_id"])
        if not may_see_entity(unit, asset["project_id"], asset.id):
            raise Forbidden
    return changes


CRUD = Crud(kinds.ASSET_INSTANCE, update=signed_in, before_update=before_update)


def _instantiate(unit: Unit, asset_id: str, description: str | None, place: Fields, live: Fields) -> Record:
    asset = unit.need("entity", asset_id)
    scene, target = place.get("scene_id"), place.get("target_asset_id")
    where = "t.asset_id = %s AND t.scene_id IS NOT DISTINCT FROM %s AND t.target_asset_id IS NOT DISTINCT FROM %s"
    last = unit.first("asset_instance", where, (asset_id, scene, target), "t.number DESC")
    number = (last["number"] or 0) + 1 if last else 1
    fields = {
        "asset_id": asset_id,
        "name": f"{asset['name']}_{number:04}"[:80],
        "number": number,
        "description": description,
        **place,
    }
    made = unit.create("asset_instance", fields, live=[], project_id=asset["project_id"])
    unit.announce("asset_instance:new", {**live, "asset_id": asset_id, "asset_instance_id": made.id})
    return made


def _plain(unit: Unit, instance: Record) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(unit.resource("asset_instance").doc(instance))
    return found


@command(allow=entity_team, status=201)
def add_scene_instance(unit: Unit, scene_id: Id, *, asset_id: Id, description: str | None = None) -> dict[str, Any]:
    """Place an asset in a scene. Source: POST /data/scenes/{scene_id}/asset-instances."""
    return _plain(unit, _instantiate(unit, asset_id, description, {"scene_id": scene_id}, {"scene_id": scene_id}))


@command(allow=entity_team, status=201)
def add_asset_instance(
    unit: Unit, asset_id: Id, *, asset_to_instantiate_id: Id, description: str | None = None
) -> dict[str, Any]:
    """Place an asset inside another. Source: POST /data/assets/{asset_id}/asset-asset-instances."""
    place = {"target_asset_id": asset_id}
    return _plain(
        unit, _instantiate(unit, asset_to_instantiate_id, description, place, {"asset_instantiated": asset_id})
    )


def _grouped(unit: Unit, where: str, args: list[Any], key: str) -> Grouped:
    found: Grouped = {}
    for instance in unit.find("asset_instance", where, args, "t.name, t.number"):
        found.setdefault(instance[key], []).append(_plain(unit, instance))
    return found


@query(allow=entity_readers)
def list_scene_instances(unit: Unit, scene_id: Id) -> Grouped:
    """Return asset id -> instances of a scene. Source: GET /data/scenes/{scene_id}/asset-instances."""
    return _grouped(unit, "t.scene_id = %s", [scene_id], "asset_id")


@query(allow=entity_readers)
def list_scene_cameras(unit: Unit, scene_id: Id) -> Grouped:
    """Return camera id -> instances of a scene. Source: GET /data/scenes/{scene_id}/camera-instances."""
    camera = unit.first("entity_type", "lower(t.name) = 'camera'")
    return _grouped(
        unit, "t.scene_id = %s AND t.entity_type_id = %s", [scene_id, camera.id if camera else None], "asset_id"
    )


@query(allow=entity_readers)
def list_shot_instances(unit: Unit, shot_id: Id) -> Grouped:
    """Return asset id -> instances of a shot. Source: GET /data/shots/{shot_id}/asset-instances."""
    return _grouped(unit, "t.shots @> ARRAY[%s]::uuid[]", [shot_id], "asset_id")


@query(allow=entity_team)
def list_instances_in_asset(unit: Unit, asset_id: Id) -> Grouped:
    """Return asset id -> instances inside an asset. Source: GET /data/assets/{asset_id}/asset-asset-instances."""
    return _grouped(unit, "t.target_asset_id = %s", [asset_id], "asset_id")


@query(allow=entity_team)
def list_asset_scene_instances(unit: Unit, asset_id: Id) -> Grouped:
    """Return scene id -> instances of an asset. Source: GET /data/assets/{asset_id}/scene-asset-instances."""
    return _grouped(unit, "t.asset_id = %s AND t.scene_id IS NOT NULL", [asset_id], "scene_id")


@query(allow=entity_team)
def list_asset_shot_instances(unit: Unit, asset_id: Id) -> Grouped:
    """Return shot id -> instances of an asset. Source: GET /data/assets/{asset_id}/shot-asset-instances."""
    found: Grouped = {}
    for instance in unit.find("asset_instance", "t.asset_id = %s", (asset_id,), "t.name, t.number"):
        for shot_id in instance["shots"] or []:
            found.setdefault(shot_id, []).append(_plain(unit, instance))
    return found


@command(allow=entity_team, status=201)
def attach_instance(unit: Unit, shot_id: Id, *, asset_instance_id: Id) -> dict[str, Any]:
    """Attach an instance to a shot. Source: POST /data/shots/{shot_id}/asset-instances."""
    instance = unit.get("asset_instance", asset_instance_id)
    if instance is None:
        raise Invalid(f"AssetInstance with id {asset_instance_id} not found")
    live = [("asset_instance:add-to-shot", {"shot_id": shot_id, "asset_instance_id": instance.id})]
    if shot_id not in (instance["shots"] or []):
        unit.update(instance, {"shots": [*(instance["shots"] or []), shot_id]}, live=live)
    return {**plain(unit, unit.need("entity", shot_id)), "type": "Entity"}


@command(allow=entity_team)
def detach_instance(unit: Unit, shot_id: Id, asset_instance_id: Id) -> None:
    """Take an instance off a shot. Source: DELETE /data/shots/{shot_id}/asset-instances/{asset_instance_id}."""
    instance = unit.need("asset_instance", asset_instance_id)
    live = [("asset_instance:remove-from-shot", {"shot_id": shot_id, "asset_instance_id": instance.id})]
    unit.update(instance, {"shots": [each for each in instance["shots"] or [] if each != shot_id]}, live=live)


# Shots of scenes


@query(allow=entity_readers)
def list_scene_shots(unit: Unit, scene_id: Id) -> bytes:
    """List the shots made from a scene. Source: GET /data/scenes/{scene_id}/shots."""
    return docs(unit, "t.kind = 'shot' AND t.source_id = %s", [scene_id], BOTH_NAMES)


@command(allow=entity_team, status=201)
def add_shot_to_scene(unit: Unit, scene_id: Id, *, shot_id: Id) -> dict[str, Any]:
    """Make a scene the source of a shot. Source: POST /data/scenes/{scene_id}/shots."""
    scene, shot = unit.need("entity", scene_id), unit.need("entity", shot_id)
    if shot["kind"] != "shot" or shot["project_id"] != scene["project_id"]:
        raise NotFound
    ids = {"scene_id": scene.id, "shot_id": shot.id, "project_id": scene["project_id"]}
    live = [("shot:update", {"shot_id": shot.id, "project_id": scene["project_id"]}), ("shot:add-to-scene", ids)]
    return plain(unit, unit.update(shot, {"source_id": scene.id}, live=live))


@command(allow=entity_team)
def remove_shot_from_scene(unit: Unit, scene_id: Id, shot_id: Id) -> None:
    """Take a shot out of a scene. Source: DELETE /data/scenes/{scene_id}/shots/{shot_id}."""
    shot = unit.need("entity", shot_id)
    if shot["source_id"] != scene_id:
        raise NotFound
    ids = {"scene_id": scene_id, "shot_id": shot.id, "project_id": shot["project_id"]}
    live = [("shot:update", {"shot_id": shot.id, "project_id": shot["project_id"]}), ("shot:remove-from-scene", ids)]
    unit.update(shot, {"source_id": None}, live=live)
