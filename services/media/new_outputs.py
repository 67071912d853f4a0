"""Registering output files."""

from collections.abc import Mapping
from typing import Any

import orjson

from chassis.binding import Id, is_uuid
from chassis.errors import NotFound
from chassis.operations import command
from chassis.resources import Record
from chassis.unit import Unit
from services.media.file_access import entity_team, place_of
from services.media.file_elements import malformed
from services.media.file_paths import MalformedTree
from services.media.file_rules import (
    Extension,
    Filled,
    Name,
    Representation,
    Revision,
    fits_path,
    refused,
    take_turn,
)
from services.media.output_files import SAME, next_revision, output_path

STATUS = {"name": "To review", "color": "#FFFFFF"}


def to_review(unit: Unit) -> str:
    """Return the id of the file status of new files, made on first use."""
    where, args = "t.name = %s", (STATUS["name"],)
    found = unit.first("file_status", where, args)
    if found is None:
        take_turn(unit, "file_status", STATUS["name"])
        found = unit.first("file_status", where, args) or unit.create("file_status", STATUS)
    return found.id


def register(unit: Unit, path: Mapping[str, str], body: Mapping[str, Any]) -> tuple[Record, str, str]:
    """Create an output file; return it with its folder and file name. Raises DomainError, NotFound, MalformedTree."""
    _check_links(unit, body)
    place, instance = place_of(unit, path), unit.get("asset_instance", path.get("asset_instance_id"))
    entity_id = instance["asset_id"] if instance else place.id
    take_turn(unit, "output_file", entity_id)
    number = body["revision"] or next_revision(unit, path, body["name"], body["output_type_id"], body["task_type_id"])
    folder, file = output_path(unit, path, body, number, number)
    whole = f"{folder}{body['separator']}{file}{body['extension']}"
    if not fits_path(whole):
        raise refused("The path of the given output file is too long.")
    facts = {
        "name": body["name"], "comment": body["comment"], "extension": body["extension"], "revision": number,
        "representation": body["representation"], "nb_elements": body["nb_elements"],
        "path": whole,
        "file_status_id": body["file_status_id"] or to_review(unit), "output_type_id": body["output_type_id"],
        "task_type_id": body["task_type_id"], "person_id": body["person_id"] or unit.person_id,
        "source_file_id": body["working_file_id"] or None, "entity_id": entity_id,
        "asset_instance_id": instance.id if instance else None, "temporal_entity_id": place.id if instance else None,
    }  # fmt: skip
    same = " AND ".join(f't."{name}" IS NOT DISTINCT FROM %s' for name in (*SAME, "representation", "revision"))
    if unit.count("output_file", same, [facts[name] for name in (*SAME, "representation", "revision")]):
        raise refused("The given output file already exists.")
    return unit.create("output_file", facts, project_id=place["project_id"]), folder, file


def _check_links(unit: Unit, body: Mapping[str, Any]) -> None:
    """Raise DomainError or NotFound unless what a new output file names exists."""
    known = {
        "output_type_id": "output_type", "task_type_id": "task_type", "person_id": "person",
        "file_status_id": "file_status", "working_file_id": "working_file",
    }  # fmt: skip
    for key, kind in known.items():
        id_ = body[key]
        if id_ is None or (id_ == "" and key not in ("output_type_id", "task_type_id")):
            continue
        if is_uuid(id_) and unit.get(kind, id_) is not None:
            continue
        if kind == "working_file":
            raise NotFound
        raise refused(f"Cannot find given {kind.replace('_', ' ')}.")


def answer(unit: Unit, made: tuple[Record, str, str]) -> dict[str, Any]:
    """Return the document of a new output file with folder_path and file_name."""
    record, folder, file = made
    return {**orjson.loads(unit.resource("output_file").doc(record)), "folder_path": folder, "file_name": file}


@command(allow=entity_team, status=201)
def create_entity_output_file(
    unit: Unit, entity_id: Id, *, output_type_id: Filled, task_type_id: Filled, body: Any, name: Name = "main",
    mode: str = "output", person_id: str | None = None, working_file_id: str | None = None, comment: str = "",
    revision: Revision = 0, extension: Extension = "", representation: Representation = "", nb_elements: int = 1,
    sep: str = "/", file_status_id: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Register an output file of an entity; revision 0 means the next one. Return it with folder_path and file_name.

    Raises Invalid and DomainError for a malformed tree. Source: POST /data/entities/{entity_id}/output-files/new.
    """
    return _registered(unit, {**locals(), "separator": sep}, body)


@command(allow=entity_team, status=201)
def create_instance_output_file(
    unit: Unit, asset_instance_id: Id, temporal_entity_id: Id, *, output_type_id: Filled, task_type_id: Filled,
    body: Any, name: Name = "main", mode: str = "output", person_id: str | None = None,
    working_file_id: str | None = None, comment: str = "", revision: Revision = 0, extension: Extension = "",
    representation: Representation = "", nb_elements: int = 1, sep: str = "/", file_status_id: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Register an output file of an instance in a shot, a scene or an asset.

    Source: POST /data/asset-instances/{asset_instance_id}/entities/{temporal_entity_id}/output-files/new.
    """
    return _registered(unit, {**locals(), "separator": sep}, body)


def _registered(unit: Unit, values: dict[str, Any], body: Any) -> dict[str, Any]:
    try:
        return answer(unit, register(unit, unit.request.path, values))
    except MalformedTree as problem:
        raise malformed(problem, body) from None
