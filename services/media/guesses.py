"""Which records a file's path is about, by the file tree of the project."""

from collections.abc import Iterable
from typing import Annotated, Any

from msgspec import Meta

from chassis.binding import is_uuid
from chassis.errors import Forbidden, NotFound
from chassis.operations import command
from chassis.policy import signed_in
from chassis.resources import Record
from chassis.unit import Unit
from contracts.access import role_in
from services.media.file_elements import element
from services.media.file_guess import Guess, guesses
from services.media.file_paths import Element, filled
from services.media.file_rules import Filled

PLACES = {"Shot": "shot", "Asset": "asset", "Sequence": "sequence", "Episode": "episode", "Scene": "scene"}
ABOVE = {
    "Shot": ("Sequence", "parent_id"),
    "Sequence": ("Episode", "parent_id"),
    "Asset": ("AssetType", "entity_type_id"),
}
KINDS = {
    "AssetType": "entity_type",
    "TemporalEntityType": "entity_type",
    "TaskType": "task_type",
    "Department": "department",
    "Software": "software",
    "OutputType": "output_type",
}


@command(allow=signed_in)
def guess_entities(
    unit: Unit, *, project_id: Filled, file_path: Filled, sep: Annotated[str, Meta(min_length=1)] = "/"
) -> list[dict[str, str]]:
    """List what a path may be about: [{Template, Project, <tag>: id, or the text where no record has it}].

    Raises NotFound, Forbidden outside the team. Source: POST /data/entities/guess-from-path.
    """
    project = unit.need("project", project_id) if is_uuid(project_id) else None
    if project is None:
        raise NotFound
    if role_in(unit, project) is None:
        raise Forbidden
    found = [_meant(unit, project, guess) for guess in guesses(project["file_tree"], file_path, sep)]
    return [meaning for meaning in found if meaning is not None]


def _meant(unit: Unit, project: Record, guess: Guess) -> dict[str, str] | None:
    """Return the ids and texts of a guess; None when the path is of another project."""
    meant = {"Template": guess.template}
    for tag, text in guess.texts.items():
        word = tag.partition(".")[0]
        known = [element(project)] if word == "Project" else _candidates(unit, project, word, meant)
        id_ = _named(tag, text, known)
        if word == "Project" and id_ is None:
            return None
        meant[word] = id_ or text
    return meant


def _named(tag: str, text: str, known: Iterable[Element]) -> str | None:
    word = tag.partition(".")[0]
    for each in known:
        if filled(f"<{tag}>", {word: each}).lower() == text.lower():
            return each.id
    return None


def _candidates(unit: Unit, project: Record, word: str, meant: dict[str, str]) -> list[Element]:
    """Return what a tag may stand for in a project, given what the tags before it stand for."""
    if word in KINDS:
        return [element(record) for record in unit.find(KINDS[word], order="t.created_at, t.id")]
    if word not in PLACES and word != "TemporalEntity":
        return []
    where, args = "t.project_id = %s", [project.id]
    if word in PLACES:
        where, args = f"{where} AND t.kind = %s", [*args, PLACES[word]]
    above, column = ABOVE.get(word, ("", ""))
    if is_uuid(meant.get(above)):
        where, args = f'{where} AND t."{column}" = %s', [*args, meant[above]]
    rows: list[tuple[Any, ...]] = unit.rows(
        f"SELECT t.id::text, t.name FROM entity t WHERE {where} ORDER BY t.created_at, t.id", args
    )
    return [Element(name or "", id_) for id_, name in rows]
