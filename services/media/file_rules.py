"""What the fields of files hold, who takes the next revision, and what goes when tasks and entities go."""

from typing import Annotated, Any

from msgspec import Meta

from chassis.binding import Id
from chassis.errors import DomainError
from chassis.events import Event
from chassis.operations import query
from chassis.policy import nobody
from chassis.resources import Record
from chassis.spec import is_deletion, reacts
from chassis.unit import Unit

Filled = Annotated[str, Meta(min_length=1)]
Name = Annotated[str, Meta(max_length=250)]
FilledName = Annotated[str, Meta(min_length=1, max_length=250)]
Extension = Annotated[str, Meta(max_length=10)]
Representation = Annotated[str, Meta(max_length=20)]
Revision = Annotated[int, Meta(ge=0, le=2**31 - 1)]
PATH_LENGTH = 400


def refused(text: str) -> DomainError:
    """Return the refusal of a new output file, in that route's own shape {error: text}."""
    return DomainError(text, code="output-file.refused", body={"error": text})


def take_turn(unit: Unit, *what: Any) -> None:
    """Wait until no other transaction decides about `what`, and keep others waiting until this one ends.

    Call it after asking other services: who holds a turn must not wait for anybody.
    """
    unit.rows("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (" ".join(map(str, what)),))


def fits_path(path: str) -> bool:
    """Tell whether a path is short enough to be kept. Pure."""
    return len(path) <= PATH_LENGTH


@query(allow=nobody)
def count_working_files(unit: Unit, task_id: Id) -> dict[str, int]:
    """Return {count} of a task's working files; tasks asks before it deletes one."""
    return {"count": unit.count("working_file", "t.task_id = %s", (task_id,))}


def _drop_outputs(unit: Unit, where: str, *args: str) -> None:
    for output in unit.find("output_file", where, args):
        unit.delete(output)


@reacts("task", when=is_deletion)
def drop_files_of_task(unit: Unit, event: Event, task: Record | None) -> None:
    """Take the working files of a deleted task away, and the outputs made from them; their bytes stay."""
    for file in unit.find("working_file", "t.task_id = %s", (event.id,)):
        _drop_outputs(unit, "t.source_file_id = %s", file.id)
        unit.delete(file)


@reacts("entity", when=is_deletion)
def drop_files_of_entity(unit: Unit, event: Event, entity: Record | None) -> None:
    """Take the output files of a deleted entity away."""
    _drop_outputs(unit, "t.entity_id = %s OR t.temporal_entity_id = %s", event.id, event.id)
