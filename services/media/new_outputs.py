"""Registering output files."""

from collections.abc import Mapping
from typing import Any

import orjson

from chassis.binding import Id, is_uuid
from chassis.errors import Invalid, NotFound
from chassis.operations import command
from chassis.resources import Record
from chassis.unit import Unit
from services.media.file_access import entity_team, place_of
from services.media.file_elements import malformed
from services.media.file_paths import MalformedTree
from services.media.output_files import SAME, next_revision, output_path

STATUS = {"name": "To review", "color": "#FFFFFF"}


def to_review(unit: Unit) -> str:
    """Return the id of the file status of new files, made on first use."""
    found = unit.first("file_status", "t.name = %s", (STATUS["name"],))
    return (found or unit.create("file_status", STATUS)).id


def register(unit: Unit, path: Mapping[str, str], body: Mapping[str, Any]) -> tuple[Record, str, str]:
    """Create an output file; return it with its folder and file name. Raises Invalid, NotFound, MalformedTree."""
    if not is_uuid(body["output_type_id"]) or unit.get("output_type", body["output_type_id"]) is None:
        raise Invalid("Cannot find given output type.")
    if not is_uuid(body["task_type_id"]) or unit.get("task_type", body["task_type_id"]) is None:
        raise Invalid("Cannot find given task type.")
    person = body["person_id"] or unit.person_id
    if body["person_id"] and (not is_uuid(person) or unit.get("person", person) is None):
        raise Invalid("Cannot find given person.")
    source = body["working_file_id"]
    if source and (not is_uuid(source) or unit.get("working_file", source) is None):
        raise NotFound
    number = body["revision"] or next_revision(unit, path, body["name"], body["output_type_id"], body["task_type_id"])
    folder, file = output_path(unit, path, body, number, number)
    place = place_of(unit, path)
    facts = {
        "name": body["name"], "comment": body["comment"], "extension": body["extension"], "revision": number,
        "representation": body["representation"], "nb_elements": body["nb_elements"],
        "path": f"{folder}{body['separator']}{file}{body['extension']}",
        "file_status_id": body["file_status_id"] or to_review(unit), "output_type_id": body["output_type_id"],
        "task_type_id": body["task_type_id"], "person_id": person, "source_file_id": source or None,
        "entity_id": place.id, "asset_instance_id": None, "temporal_entity_id": None,
    }  # fmt: skip
    if "asset_instance_id" in path:
        instance = unit.need("asset_instance", path["asset_instance_id"])
        facts |= {
            "entity_id": instance["asset_id"], "asset_instance_id": instance.id, "temporal_entity_id": place.id,
        }  # fmt: skip
    same = " AND ".join(f't."{name}" IS NOT DISTINCT FROM %s' for name in (*SAME, "representation", "revision"))
    if unit.count("output_file", same, [facts[name] for name in (*SAME, "representation", "revision")]):
        raise Invalid("The given output file already exists.")
    return unit.create("output_file", facts, project_id=place["project_id"]), folder, file


def answer(unit: Unit, made: tuple[Record, str, str]) -> dict[str, Any]:
    """Return the document of a new output file with folder_path and file_name."""
    record, folder, file = made
    return {**orjson.loads(unit.resource("output_file").doc(record)), "folder_path": folder, "file_name": file}


@command(allow=entity_team, status=201)
def create_entity_output_file(
    unit: Unit, entity_id: Id, *, output_type_id: str, task_type_id: str, body: Any, name: str = "main",
    mode: str = "output", person_id: str | None = None, working_file_id: str | None = None, comment: str = "",
    revision: int = 0, extension: str = "", representation: str = "", nb_elements: int = 1, sep: str = "/",
    file_status_id: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Register an output file of an entity; revision 0 means the next one. Return it with folder_path and file_name.

    Raises Invalid and DomainError for a malformed tree. Source: POST /data/entities/{entity_id}/output-files/new.
    """
    return _registered(unit, {**locals(), "separator": sep}, body)


@command(allow=entity_team, status=201)
def create_instance_output_file(
    unit: Unit, asset_instance_id: Id, temporal_entity_id: Id, *, output_type_id: str, task_type_id: str, body: Any,
    name: str = "main", mode: str = "output", person_id: str | None = None, working_file_id: str | None = None,
    comment: str = "", revision: int = 0, extension: str = "", representation: str = "", nb_elements: int = 1,
    sep: str = "/", file_status_id: str | None = None,
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
