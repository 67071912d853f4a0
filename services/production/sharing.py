"""Assets that other productions may use, and the folders of concepts."""

from typing import Any

from chassis.binding import Id
from chassis.errors import Forbidden, NotFound
from chassis.messages import ADMIN, MANAGER
from chassis.operations import command
from chassis.policy import signed_in
from chassis.resources import Record
from chassis.unit import Unit
from contracts.access import role_in
from services.production.access import (
    entity_managers,
    project_supervisors,
)
from services.production.entity_pages import document
from services.production.entity_rules import erase


@command(allow=project_supervisors)
def rename_concept_folder(unit: Unit, concept_folder_id: Id, *, name: str) -> dict[str, Any]:
    """Rename a folder of concepts. Source: PUT /data/concept-folders/{concept_folder_id}."""
    folder = _folder(unit, concept_folder_id)
    return document(unit, unit.update(folder, {"name": name}), relations=False)


@command(allow=project_supervisors)
def delete_concept_folder(unit: Unit, concept_folder_id: Id) -> None:
    """Remove a folder; its concepts stay. Source: DELETE /data/concept-folders/{concept_folder_id}."""
    folder = _folder(unit, concept_folder_id)
    for concept in unit.find("entity", "t.parent_id = %s", (folder.id,)):
        unit.update(concept, {"parent_id": None})
    erase(unit, folder)


def _folder(unit: Unit, id_: str) -> Record:
    folder = unit.need("entity", id_)
    if folder["kind"] != "concept_folder":
        raise NotFound
    return folder


def _share(unit: Unit, assets: list[Record], shared: bool | None) -> list[dict[str, Any]]:
    value = True if shared is None else shared
    return [document(unit, unit.update(asset, {"is_shared": value}), relations=False) for asset in assets]


@command(allow=signed_in)
def share_assets(unit: Unit, *, is_shared: bool | None = None, asset_ids: list[Id] | None = None) -> list[Any]:
    """Let other projects cast assets. Source: POST /actions/assets/share."""
    assets = [each for each in unit.many("entity", asset_ids or []).values() if each["kind"] == "asset"]
    for asset in assets:
        entity_managers(unit, {"entity_id": asset.id})
    return _share(unit, assets, is_shared)


@command(allow=signed_in)
def share_project_assets(
    unit: Unit, project_id: Id, *, is_shared: bool | None = None, asset_ids: list[Id] | None = None
) -> list[Any]:
    """Let other projects cast a project's assets, all or some.

    Source: POST /actions/projects/{project_id}/assets/share.
    """
    return _share_of(unit, project_id, None, is_shared, asset_ids)


@command(allow=signed_in)
def share_assets_of_type(
    unit: Unit, project_id: Id, asset_type_id: Id, *, is_shared: bool | None = None, asset_ids: list[Id] | None = None
) -> list[Any]:
    """Let other projects cast a project's assets of one type.

    Source: POST /actions/projects/{project_id}/asset-types/{asset_type_id}/assets/share.
    """
    return _share_of(unit, project_id, asset_type_id, is_shared, asset_ids)


def _share_of(
    unit: Unit, project_id: str, type_id: str | None, shared: bool | None, ids: list[Id] | None
) -> list[dict[str, Any]]:
    if role_in(unit, unit.need("project", project_id)) not in (ADMIN, MANAGER):
        raise Forbidden
    where, args = "t.project_id = %s AND t.kind = 'asset'", [project_id]
    if type_id:
        where, args = f"{where} AND t.entity_type_id = %s", [*args, type_id]
    found = unit.find("entity", where, args, "t.name")
    return _share(unit, [each for each in found if not ids or each.id in ids], shared)
