"""What the tags of a file tree stand for: a project, its entities, and what is done on them."""

from collections.abc import Iterator
from typing import Any

from chassis.errors import DomainError
from chassis.resources import Record
from chassis.unit import Unit
from services.media.file_paths import KINDS, Element, MalformedTree, file_name, folder_path

NO_EPISODE = Element("e001")
NO_SOFTWARE = Element("3dsmax", short_name="max")


def malformed(problem: MalformedTree, received: Any) -> DomainError:
    """Return the refusal of a tree: {message, received_data}."""
    body = {"message": str(problem), "received_data": received if isinstance(received, dict) else {}}
    return DomainError(str(problem), code="file-tree.malformed", body=body)


def element(record: Record) -> Element:
    """Return the element that a record is."""
    return Element(
        record["name"] or "", record.id, record.get("short_name") or record.get("code") or "", record.get("number")
    )


def _chain(unit: Unit, entity: Record) -> Iterator[tuple[str, Element]]:
    """Yield the tags of an entity and of those above it; an asset has its episode in `source_id`."""
    tags = {"shot": "Shot", "sequence": "Sequence", "scene": "Scene", "episode": "Episode"}
    while entity["kind"] in tags:
        yield tags[entity["kind"]], element(entity)
        parent = unit.get("entity", entity["parent_id"])
        if parent is None:
            return
        entity = parent
    if entity["kind"] == "asset":
        yield "Asset", element(entity)
        kind = unit.get("entity_type", entity["entity_type_id"])
        if kind is not None:
            yield "AssetType", element(kind)
        episode = unit.get("entity", entity["source_id"])
        if episode is not None:
            yield "Episode", element(episode)


def of_entity(unit: Unit, entity: Record) -> dict[str, Element]:
    """Return project, entity and parents by tag."""
    project = unit.need("project", entity["project_id"])
    return {"Project": element(project), "Episode": NO_EPISODE, **dict(_chain(unit, entity))}


def of_work(unit: Unit, task_type: Record, name: str, revision: int) -> dict[str, Element]:
    """Return task type, department, name and revision by tag."""
    found = {"TaskType": element(task_type), "Name": Element(name), "Revision": Element("", number=revision)}
    department = unit.get("department", task_type["department_id"])
    return {**found, "Department": element(department)} if department else found


def of_instance(unit: Unit, instance: Record, temporal: Record) -> dict[str, Element]:
    """Return the elements of an asset's instance in a shot, a scene or another asset."""
    asset = unit.need("entity", instance["asset_id"])
    around, kind = of_entity(unit, temporal), unit.need("entity_type", temporal["entity_type_id"])
    number = Element(instance["name"] or "", instance.id, number=instance["number"])
    return {
        **around,
        **dict(_chain(unit, asset)),
        **{tag: around[tag] for tag in ("Episode", "Sequence") if tag in around},
        "TemporalEntity": element(temporal),
        "TemporalEntityType": element(kind),
        "Instance": number,
    }


def tree_of(unit: Unit, project_id: str) -> Any:
    """Return the file tree of a project, None when it has none."""
    return unit.need("project", project_id)["file_tree"]


def kind_of(entity: Record) -> str:
    """Return the key of an entity in file trees; empty for kinds that trees do not know."""
    return entity["kind"] if entity["kind"] in KINDS else ""


def task_path(
    unit: Unit, task: Record, mode: str, name: str, revision: int, *, software: Record | None, separator: str = "/"
) -> tuple[str, str]:
    """Return (folder, file name) of a task's file. Raises MalformedTree."""
    entity, tree = unit.need("entity", task["entity_id"]), tree_of(unit, task["project_id"])
    elements = {
        **of_entity(unit, entity),
        **of_work(unit, unit.need("task_type", task["task_type_id"]), name, revision),
    }
    elements |= {"Task": element(task), "Software": element(software) if software else NO_SOFTWARE}
    folder = folder_path(tree, mode, kind_of(entity), elements, separator)
    return folder, file_name(tree, mode, kind_of(entity), elements)
