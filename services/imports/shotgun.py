"""ShotGrid's records taken in: known by their number there, so that a second import changes and never doubles."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from chassis.errors import Invalid
from chassis.messages import Reply
from chassis.operations import command
from chassis.policy import admins
from chassis.unit import Unit
from services.imports import shotgun_rows as rows
from services.imports.shotgun_rows import Entry, Fields, Index, MissingKey

Prepare = Callable[[Unit, list[Entry], Index], None]
NEW_COLOUR = "#999999"
SKIPPED_SHOWN = 500  # numbers in a header; proxies refuse headers above 8 KiB
LEVELS = ("Episode", "Sequence", "Scene", "Shot")


@dataclass(frozen=True)
class Kind:
    """How entries of one kind are taken in: whose records they become, what they are known by, what they need."""

    service: str
    kind: str
    map: Callable[[Entry, Index], Fields | None]
    keys: tuple[tuple[str, ...], ...] = (("shotgun_id",),)
    prepare: tuple[Prepare, ...] = ()


def _ask(unit: Unit, service: str, kind: str, keys: Iterable[Iterable[str]], records: list[Fields]) -> list[Fields]:
    body = {"kind": kind, "keys": [list(names) for names in keys], "records": records}
    found: list[Fields] = orjson.loads(unit.ask(f"{service}.import_records", {}, body).read())
    return found


def _by_number(unit: Unit, kind: str, where: str = "") -> dict[int, str]:
    condition = f"t.shotgun_id IS NOT NULL{where}"
    return {record["shotgun_id"]: record.id for record in unit.find(kind, condition)}


def _people(unit: Unit, entries: list[Entry], index: Index) -> None:
    index.persons = _by_number(unit, "person")


def _projects(unit: Unit, entries: list[Entry], index: Index) -> None:
    index.projects = _by_number(unit, "project")
    index.project_names = {record["name"]: record.id for record in unit.find("project")}


def _entities(unit: Unit, entries: list[Entry], index: Index) -> None:
    found = unit.find("entity", "t.shotgun_id IS NOT NULL")
    index.entities = {(record["kind"], record["shotgun_id"]): record.id for record in found}


def _tasks(unit: Unit, entries: list[Entry], index: Index) -> None:
    index.tasks = _by_number(unit, "task")


def _work(unit: Unit, entries: list[Entry], index: Index) -> None:
    index.steps = _by_number(unit, "task_type")
    index.statuses = {record["short_name"]: record.id for record in unit.find("task_status")}


def _made(unit: Unit, service: str, kind: str, names: Iterable[str], **more: Any) -> dict[str, str]:
    """Return the ids of plain records by name, those that are missing made first."""
    wanted = list(dict.fromkeys(names))
    if not wanted:
        return {}
    known = {record["name"].lower(): record for record in unit.find(kind)}
    titles = [known[name.lower()]["name"] if name.lower() in known else name for name in wanted]
    new = [{"name": name, **more} for name in titles if name.lower() not in known]
    made = (
        {record["name"].lower(): record["id"] for record in _ask(unit, service, kind, [["name"]], new)} if new else {}
    )
    return {name: known[name.lower()].id if name.lower() in known else made[name.lower()] for name in wanted}


def _project_statuses(unit: Unit, entries: list[Entry], index: Index) -> None:
    names = [rows.needed(entry, "sg_status") for entry in entries]
    index.project_statuses = _made(unit, "production", "project_status", names, color=NEW_COLOUR)


def _departments(unit: Unit, entries: list[Entry], index: Index) -> None:
    names = [(entry.get("department") or {}).get("name") for entry in entries]
    index.departments = _made(unit, "auth", "department", [name for name in names if name], color=NEW_COLOUR)


def _step_departments(unit: Unit, entries: list[Entry], index: Index) -> None:
    for entry in entries:
        if entry.get("code"):
            rows.colour(rows.needed(entry, "color"))
    names = [rows.department_of(entry) for entry in entries if entry.get("code")]
    index.departments = _made(unit, "auth", "department", names, color=NEW_COLOUR)


def _asset_types(unit: Unit, entries: list[Entry], index: Index) -> None:
    names = [rows.needed(entry, "sg_asset_type") for entry in entries]
    made = _made(unit, "production", "entity_type", [name for name in names if name])
    index.types = {name.lower(): id_ for name, id_ in made.items()}


def _levels(unit: Unit, entries: list[Entry], index: Index) -> None:
    index.types = {name.lower(): id_ for name, id_ in _made(unit, "production", "entity_type", LEVELS).items()}


ENTITY_KEYS = (("shotgun_id", "kind"), ("project_id", "entity_type_id", "parent_id", "name"))
PROJECTS = Kind("production", "project", rows.project, (("shotgun_id",),), (_project_statuses,))
PERSONS = Kind("auth", "person", rows.person, (("shotgun_id",), ("email",)), (_departments,))
STATUSES = Kind("tasks", "task_status", rows.status, (("shotgun_id",), ("short_name",)))
STEPS = Kind("tasks", "task_type", rows.step, (("shotgun_id",), ("name", "for_entity")), (_step_departments,))
ASSETS = Kind("production", "entity", rows.asset, ENTITY_KEYS, (_projects, _asset_types))
EPISODES = Kind("production", "entity", rows.episode, ENTITY_KEYS, (_projects, _entities, _levels))
SEQUENCES = Kind("production", "entity", rows.sequence, ENTITY_KEYS, (_projects, _entities, _levels))
SCENES = Kind("production", "entity", rows.scene, ENTITY_KEYS, (_projects, _entities, _levels))
SHOTS = Kind("production", "entity", rows.shot, ENTITY_KEYS, (_projects, _entities, _levels))
TASKS = Kind(
    "tasks", "task", rows.task, (("shotgun_id",), ("name", "project_id", "task_type_id", "entity_id")),
    (_projects, _entities, _work, _people),
)  # fmt: skip
VERSIONS = Kind("media", "preview_file", rows.version, (("shotgun_id",), ("name", "task_id")), (_tasks, _people))
NOTES = Kind("tasks", "comment", rows.note, (("shotgun_id",),), (_tasks, _people))


def mapped(unit: Unit, entries: Any, kind: Kind) -> list[Fields | None]:
    """Return the record of each entry, None for those to skip. Raises Invalid; the entries may hold anything."""
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise Invalid("The body must be an array of ShotGrid records.")
    index = Index()
    try:
        for entry in entries:
            if type(rows.needed(entry, "id")) is not int:
                raise MissingKey("id")
        for prepare in kind.prepare:
            prepare(unit, entries, index)
        return [kind.map(entry, index) for entry in entries]
    except MissingKey as missing:
        raise Invalid(f"An entry lacks a usable value for {missing}: add it and send the entries again.") from None
    except (AttributeError, KeyError, IndexError, TypeError, ValueError):
        raise Invalid("An entry holds a value of another shape than ShotGrid gives it.") from None


def told(unit: Unit, entries: Any, kind: Kind) -> Reply:
    """Take entries in, in one transaction of the owner; return the records touched.

    The header X-Kiroku-Import tells each entry's fate: `taken=2 skipped=1 entries=4`, entries counted from 0.
    """
    fates = mapped(unit, entries, kind)
    records = [fields for fields in fates if fields is not None]
    found = _ask(unit, kind.service, kind.kind, kind.keys, records) if records else []
    skipped = [str(number) for number, fields in enumerate(fates) if fields is None]
    fate = f"taken={len(records)} skipped={len(skipped)}"
    if skipped:
        fate += f" entries={','.join(skipped[:SKIPPED_SHOWN])}"
    return Reply(body=orjson.dumps(found), headers={"X-Kiroku-Import": fate})


@command(allow=admins)
def import_shotgun_projects(unit: Unit, *, body: Any) -> Reply:
    """Import projects with the file tree `default`. Source: POST /import/shotgun/projects."""
    return told(unit, body, PROJECTS)


@command(allow=admins)
def import_shotgun_persons(unit: Unit, *, body: Any) -> Reply:
    """Import people, known by number or e-mail. Source: POST /import/shotgun/persons."""
    return told(unit, body, PERSONS)


@command(allow=admins)
def import_shotgun_status(unit: Unit, *, body: Any) -> Reply:
    """Import task statuses. Source: POST /import/shotgun/status."""
    return told(unit, body, STATUSES)


@command(allow=admins)
def import_shotgun_steps(unit: Unit, *, body: Any) -> Reply:
    """Import steps as task types, with their departments. Source: POST /import/shotgun/steps."""
    return told(unit, body, STEPS)


@command(allow=admins)
def import_shotgun_assets(unit: Unit, *, body: Any) -> Reply:
    """Import assets, their types and what they are cast in. Source: POST /import/shotgun/assets."""
    reply = told(unit, body, ASSETS)
    _cast(unit, "asset", [(parent, asset) for asset, parent in linked_numbers(body, "parents")])
    return reply


@command(allow=admins)
def import_shotgun_episodes(unit: Unit, *, body: Any) -> Reply:
    """Import episodes; those of unknown projects are skipped. Source: POST /import/shotgun/episodes."""
    return told(unit, body, EPISODES)


@command(allow=admins)
def import_shotgun_sequences(unit: Unit, *, body: Any) -> Reply:
    """Import sequences below their episodes. Source: POST /import/shotgun/sequences."""
    return told(unit, body, SEQUENCES)


@command(allow=admins)
def import_shotgun_scenes(unit: Unit, *, body: Any) -> Reply:
    """Import scenes below their sequences. Source: POST /import/shotgun/scenes."""
    return told(unit, body, SCENES)


@command(allow=admins)
def import_shotgun_shots(unit: Unit, *, body: Any) -> Reply:
    """Import shots with their frames and castings. Source: POST /import/shotgun/shots."""
    reply = told(unit, body, SHOTS)
    _cast(unit, "shot", linked_numbers(body, "assets"))
    return reply


@command(allow=admins)
def import_shotgun_tasks(unit: Unit, *, body: Any) -> Reply:
    """Import tasks; those without step, project or entity are skipped. Source: POST /import/shotgun/tasks."""
    return told(unit, body, TASKS)


@command(allow=admins)
def import_shotgun_versions(unit: Unit, *, body: Any) -> Reply:
    """Import versions as preview files. Source: POST /import/shotgun/versions."""
    return told(unit, body, VERSIONS)


@command(allow=admins)
def import_shotgun_notes(unit: Unit, *, body: Any) -> Reply:
    """Import notes as comments on their first task. Source: POST /import/shotgun/notes."""
    return told(unit, body, NOTES)


def linked_numbers(entries: list[Entry], key: str) -> list[tuple[int, int]]:
    """Return (number of the entry, number of a record linked under `key`), each pair once. Pure."""
    found: dict[tuple[int, int], None] = {}
    for entry in entries:
        links = entry.get(key)
        for link in links if isinstance(links, list) else ():
            number = link.get("id") if isinstance(link, dict) else None
            if isinstance(number, int):
                found[entry["id"], number] = None
    return list(found)


def _cast(unit: Unit, kind: str, pairs: list[tuple[int, int]]) -> None:
    """Cast assets in records of `kind`, (parent, asset) by their numbers; what is unknown is left out."""
    if not pairs:
        return
    parents = _numbered(unit, kind, [parent for parent, _ in pairs])
    assets = _numbered(unit, "asset", [asset for _, asset in pairs])
    links = [
        {"entity_in_id": parents[str(parent)], "entity_out_id": assets[str(asset)]}
        for parent, asset in pairs
        if str(parent) in parents and str(asset) in assets and parents[str(parent)] != assets[str(asset)]
    ]
    if links:
        _ask(unit, "production", "entity_link", [["entity_in_id", "entity_out_id"]], links)


def _numbered(unit: Unit, kind: str, numbers: list[int]) -> dict[str, str]:
    body = {"kind": kind, "numbers": sorted(set(numbers))}
    found: dict[str, str] = orjson.loads(unit.ask("production.find_shotgun_entities", {}, body).read())
    return found
