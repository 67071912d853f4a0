"""Rules of task types and task statuses."""

from collections.abc import Mapping
from typing import Any

from chassis.errors import Refused
from chassis.operations import command
from chassis.policy import admins
from chassis.resources import Record
from chassis.unit import Unit


def default_status(unit: Unit, *, for_concept: bool = False) -> Record | None:
    """Return the status that new tasks get."""
    order = "t.is_default DESC, t.created_at"
    return unit.first("task_status", "coalesce(t.for_concept, false) = %s", (for_concept,), order)


def before_create_status(unit: Unit, fields: dict[str, Any]) -> Mapping[str, Any]:
    """Keep one default among normal statuses and one among those of concepts."""
    if fields.get("is_default"):
        _clear_default(unit, bool(fields.get("for_concept")), None)
    return fields


def before_update_status(unit: Unit, record: Record, changes: dict[str, Any]) -> Mapping[str, Any]:
    """As before_create_status."""
    if changes.get("is_default"):
        _clear_default(unit, bool(changes.get("for_concept", record["for_concept"])), record.id)
    return changes


def _clear_default(unit: Unit, for_concept: bool, but: str | None) -> None:
    where = "t.is_default AND coalesce(t.for_concept, false) = %s"
    for status in unit.find("task_status", where, (for_concept,)):
        if status.id != but:
            unit.update(status, {"is_default": False})


def before_delete_task_type(unit: Unit, record: Record) -> None:
    """Refuse while tasks use it."""
    if unit.count("task", "t.task_type_id = %s", (record.id,)):
        raise Refused("The change conflicts with records referencing this one.")


@command(allow=admins)
def reorder_task_types(unit: Unit, *, task_type_ids: list[str]) -> list[Record]:
    """Write priorities 1..n. Source: POST /actions/task-types/reorder."""
    known = unit.many("task_type", task_type_ids)
    found = [known[id_] for id_ in task_type_ids if id_ in known]
    return [unit.update(record, {"priority": place}) for place, record in enumerate(found, 1)]
