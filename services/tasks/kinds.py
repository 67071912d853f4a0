"""Task types and statuses: the flags that exclude each other, and what a fresh install holds."""

from collections.abc import Mapping
from typing import Any

from chassis.errors import Refused
from chassis.resources import Fields, Record
from chassis.unit import Unit

TASK_TYPES = (
    ("Concept", "Concept", "", "#8D6E63", 1),
    ("Asset", "Concept", "Concept", "#8D6E63", 1),
    ("Asset", "Modeling", "Modeling", "#78909C", 2),
    ("Asset", "Shading", "Modeling", "#64B5F6", 3),
    ("Asset", "Rigging", "Animation", "#9CCC65", 4),
    ("Shot", "Storyboard", "Concept", "#43A047", 1),
    ("Shot", "Layout", "Layout", "#7CB342", 2),
    ("Shot", "Animation", "Animation", "#009688", 3),
    ("Shot", "Lighting", "Compositing", "#F9A825", 4),
    ("Shot", "FX", "FX", "#26C6DA", 5),
    ("Shot", "Rendering", "Compositing", "#F06292", 6),
    ("Shot", "Compositing", "Compositing", "#ff5252", 7),
    ("Edit", "Edit", "Compositing", "#9b298c", 8),
)
STATUSES: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("Todo", "todo", "#f5f5f5", ("is_default",)),
    ("Work In Progress", "wip", "#3273dc", ("is_wip",)),
    ("Waiting For Approval", "wfa", "#ab26ff", ("is_feedback_request",)),
    ("Retake", "retake", "#ff3860", ("is_retake",)),
    ("Done", "done", "#22d160", ("is_done",)),
    ("Ready To Start", "ready", "#fbc02d", ()),
    ("Neutral", "neutral", "#CCCCCC", ("is_default", "for_concept")),
    ("Approved", "approved", "#66BB6A", ("for_concept",)),
    ("Rejected", "rejected", "#E81123", ("for_concept",)),
)


def seed(unit: Unit) -> None:
    """Write the first task types and statuses; departments come from auth's replica when it is there."""
    departments = {record["name"]: record.id for record in unit.find("department")}
    for for_entity, name, department, color, priority in TASK_TYPES:
        fields = {"name": name, "short_name": "", "for_entity": for_entity, "color": color, "priority": priority}
        unit.create("task_type", {**fields, "department_id": departments.get(department)}, live=[])
    for name, short_name, color, flags in STATUSES:
        given = {"name": name, "short_name": short_name, "color": color}
        unit.create("task_status", {**given, **dict.fromkeys(flags, True)}, live=[])


def before_create_type(unit: Unit, fields: Fields) -> Mapping[str, Any]:
    """Refuse a name that is taken, whatever its case and entity."""
    if unit.count("task_type", "lower(t.name) = lower(%s)", (fields.get("name") or "",)):
        raise Refused("A record with the same unique values already exists.")
    return fields


def before_create_status(unit: Unit, fields: Fields) -> Mapping[str, Any]:
    """A new default takes the flag from the old one."""
    _take_default(unit, fields.get("is_default"), bool(fields.get("for_concept")))
    return fields


def before_update_status(unit: Unit, status: Record, changes: Fields) -> Mapping[str, Any]:
    """A status that becomes the default takes the flag from the old one."""
    if not status["is_default"]:
        _take_default(unit, changes.get("is_default"), bool(changes.get("for_concept", status["for_concept"])))
    return changes


def _take_default(unit: Unit, wanted: Any, for_concept: bool) -> None:
    if wanted:
        for old in unit.find("task_status", "t.is_default AND t.for_concept IS NOT DISTINCT FROM %s", (for_concept,)):
            unit.update(old, {"is_default": False})


def default_status(unit: Unit, *, for_concept: bool = False) -> str | None:
    """Return the id of the status that new tasks get."""
    found = unit.first("task_status", "t.is_default AND coalesce(t.for_concept, false) = %s", (for_concept,))
    return found.id if found else None
