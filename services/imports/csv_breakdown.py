"""Spreadsheets of a breakdown: a line for each asset, shot or edit, with its metadata and the tasks on it.

A large production has 20,000 tasks in 2,000 lines, and one of them changes every few seconds: only that line is made
again.
"""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import orjson

from chassis import filters
from chassis.binding import Id
from chassis.held import unless_held
from chassis.messages import Reply
from chassis.operations import query
from chassis.pieces import Groups
from chassis.resources import Fields, Record
from chassis.unit import Unit
from services.imports.csv_files import FORMAT, file, written
from services.imports.csv_out import readers

# Where the cells of a task stand in what is copied: an id has 36 letters.
ENTITY, TYPE, REST, NULL = slice(0, 36), slice(37, 73), slice(74, None), rb"\N"
SOURCE = """FROM entity t LEFT JOIN entity up ON up.id = t.parent_id LEFT JOIN entity top ON top.id = up.parent_id
    LEFT JOIN entity_type et ON et.id = t.entity_type_id"""
# A line is known by its entity, those above it, and all its tasks.
NAMES = f"""
SELECT t.id::text || t.xmin::text || ' ' || coalesce(tasks.mark, '') || ' ' || coalesce(up.xmin::text, '') || ' '
    || coalesce(top.xmin::text, '')
{SOURCE} LEFT JOIN (
    SELECT w.entity_id, count(*) || ' ' || bit_xor(uuid_hash_extended(w.id, w.xmin::text::bigint)) AS mark
    FROM task w WHERE w.project_id = %s GROUP BY w.entity_id) tasks ON tasks.entity_id = t.id
"""
TASKS = """
SELECT w.entity_id, w.task_type_id, w.task_status_id, nullif(w.assignees, '{}'), nullif(w.duration, 0)
FROM task w JOIN entity e ON e.id = w.entity_id WHERE w.project_id = %s AND e.kind = %s
"""
TYPES = """
SELECT DISTINCT w.task_type_id::text FROM task w JOIN entity e ON e.id = w.entity_id
WHERE w.project_id = %s AND e.kind = %s
"""


@dataclass(frozen=True)
class _Place:
    """Where an entity stands: the names of what is above it, and of its type."""

    up: str
    top: str
    type: str


@dataclass(frozen=True)
class _Kind:
    """What is said of an entity before its name, and after its hours; and the order of the lines."""

    name: str
    before: Mapping[str, Callable[[_Place], str]]
    after: Mapping[str, Callable[[Fields], Any]]
    order: str


def _of_data(name: str) -> Callable[[Fields], Any]:
    return lambda entity: (entity["data"] or {}).get(name)


BY_TYPE = 'coalesce(et.name, \'\') COLLATE "C", t.name COLLATE "C"'
BY_SEQUENCE = 'coalesce(top.name, \'\') COLLATE "C", coalesce(up.name, \'\') COLLATE "C", t.name COLLATE "C"'
ASSETS = _Kind("asset", {"Type": lambda place: place.type}, {}, BY_TYPE)
SHOTS = _Kind(
    "shot",
    {"Episode": lambda place: place.top, "Sequence": lambda place: place.up},
    {
        "Frames": lambda entity: entity["nb_frames"],
        "Frame In": _of_data("frame_in"),
        "Frame Out": _of_data("frame_out"),
        "FPS": _of_data("fps"),
    },
    BY_SEQUENCE,
)
EDITS = _Kind("edit", {"Episode": lambda place: place.up}, {}, "t.name")


class _Breakdown:
    """The lines of a project's assets, shots or edits."""

    def __init__(self, unit: Unit, project: Record, kind: _Kind) -> None:
        self.unit, self.project, self.kind = unit, project, kind
        where = "t.project_id = %s AND t.entity_type = %s"
        name = kind.name.capitalize()
        self.columns = unit.find("metadata_descriptor", where, (project.id, name), "t.position, lower(t.name)")
        links = project["task_type_links"] or {}
        found = unit.many("task_type", [id_ for (id_,) in unit.rows(TYPES, (project.id, kind.name))]).values()
        self.types = sorted(found, key=lambda r: (links.get(r.id, {}).get("priority") or r["priority"] or 0, r["name"]))
        request = unit.request
        request.query.pop("project_id", None)
        wanted, self._args = filters.conditions(unit.resource("entity"), request)
        self._where = " AND ".join(["t.project_id = %s", "t.kind = %s", "t.canceled IS NOT TRUE", *wanted])

    def content(self, tag: str) -> bytes:
        """Return the file; `tag` changes with all that it is made of."""
        asked = [self.project.id, self.kind.name, *self._args]
        names = f"{NAMES} WHERE {self._where} ORDER BY {self.kind.order}"
        groups = Groups(names, [self.project.id, *asked], self._lines)
        # What is in all lines, and in no name.
        shared = self.unit.etag("entity_type", "task_type", "task_status", "person")
        columns = [(column["name"], column["field_name"]) for column in self.columns]
        key = ("lines", self._where, *asked, shared, self.project["name"], *columns, *(r.id for r in self.types))
        return b"".join([written(self._head(), []), *groups.read(self.unit, key, tag).values()])

    def _head(self) -> list[str]:
        tasks = [word for task_type in self.types for word in (task_type["name"], "Assignations")]
        columns = [column["name"] for column in self.columns]
        return ["Project", *self.kind.before, "Name", "Description", "Time Spent", *self.kind.after, *columns, *tasks]

    def _lines(self, ids: list[bytes] | None) -> dict[bytes, bytes]:
        """Return the lines of these entities, or of all, by their ids."""
        wanted = None if ids is None else [id_.decode() for id_ in ids]
        cells, spent = self._tasks(wanted)
        where, args = self._where, [self.project.id, self.kind.name, *self._args]
        if wanted is not None:
            where, args = f"{where} AND t.id = ANY(%s::uuid[])", [*args, wanted]
        statement = f"SELECT t.doc, coalesce(up.name, ''), coalesce(top.name, ''), coalesce(et.name, '') {SOURCE}"
        lines: list[str] = []
        writer = csv.writer(SimpleNamespace(write=lines.append), **FORMAT)
        found = []
        blank = [""] * (2 * len(self.types))
        for doc, *above in self.unit.undecoded(f"{statement} WHERE {where}", args):
            entity, place = orjson.loads(doc), _Place(*(name.decode() for name in above))
            id_, data = entity["id"].encode(), entity["data"] or {}
            found.append(id_)
            writer.writerow([
                self.project["name"], *(told(place) for told in self.kind.before.values()), entity["name"],
                entity["description"], days(spent.get(id_)), *(told(entity) for told in self.kind.after.values()),
                *(_text(data.get(column["field_name"])) for column in self.columns), *cells.get(id_, blank),
            ])  # fmt: skip
        return dict(zip(found, (line.encode() for line in lines), strict=True))

    def _tasks(self, ids: list[str] | None) -> tuple[dict[bytes, list[str]], dict[bytes, float]]:
        """Return for each entity a status and the assignees by type, and the minutes that were worked on it."""
        statement = TASKS
        args: list[Any] = [self.project.id, self.kind.name]
        if ids is not None:
            statement, args = f"{statement} AND w.entity_id = ANY(%s::uuid[])", [*args, ids]
        places = {record.id.encode(): 2 * place for place, record in enumerate(self.types)}
        cells: dict[bytes, list[str]] = {}
        spent: dict[bytes, float] = {}
        # What follows the ids of entity and type is the same for many tasks.
        read: dict[bytes, tuple[str, str, float]] = {}
        # There are ten tasks to a shot: their ids stay the bytes that came.
        for line in self.unit.copied(statement, args):
            entity_id, place = line[ENTITY], places.get(line[TYPE])
            if place is None:  # a type that came a moment ago: this is asked for again
                continue
            task = read.get(line[REST]) or read.setdefault(line[REST], self._task(line[REST]))
            row = cells.get(entity_id) or cells.setdefault(entity_id, [""] * (2 * len(places)))
            row[place], row[place + 1], duration = task
            if duration:
                spent[entity_id] = spent.get(entity_id, 0) + duration
        return cells, spent

    def _task(self, rest: bytes) -> tuple[str, str, float]:
        status_id, assignees, spent = rest[:-1].split(b"\t")
        ids = [] if assignees == NULL else assignees[1:-1].decode().split(",")
        names = ",".join(self._people.get(id_, "") for id_ in ids)
        return self._statuses.get(status_id, ""), names, 0 if spent == NULL else float(spent)

    @cached_property
    def _people(self) -> dict[str, str]:
        return {r.id: f"{r['first_name']} {r['last_name']}".strip() for r in self.unit.find("person")}

    @cached_property
    def _statuses(self) -> dict[bytes, str]:
        return {record.id.encode(): record["short_name"] for record in self.unit.find("task_status")}


def days(minutes: float | None) -> str:
    """Return minutes as days of eight hours with two decimals. Pure."""
    return f"{(minutes or 0) / 8 / 60:.2f}"


def _text(value: Any) -> Any:
    if isinstance(value, list):
        return ",".join(str(each.get("text", each)) if isinstance(each, dict) else str(each) for each in value)
    return value


def _export(unit: Unit, project_id: str, kind: _Kind) -> Reply:
    """Return the breakdown of a project, made now or a moment ago of the same."""
    project = unit.need("project", project_id)
    revision = unit.etag(project_id, "entity_type", "task_type", "task_status", "person")
    asked = tuple(sorted((name, *values) for name, values in unit.request.query.items()))
    key = ("breakdown", project_id, kind.name, asked)

    def content() -> bytes:
        return unit.finished(key, revision, lambda: _Breakdown(unit, project, kind).content(revision))

    empty = file(f"{project['name']} {kind.name}s", b"")
    return unless_held(unit, key, revision, content, content_type=empty.content_type, headers=empty.headers)


@query(allow=readers)
def export_assets(unit: Unit, project_id: Id) -> Reply:
    """Export assets with metadata and tasks. Source: GET /export/csv/projects/{project_id}/assets.csv."""
    return _export(unit, project_id, ASSETS)


@query(allow=readers)
def export_shots(unit: Unit, project_id: Id) -> Reply:
    """Export shots with frames, metadata and tasks. Source: GET /export/csv/projects/{project_id}/shots.csv."""
    return _export(unit, project_id, SHOTS)


@query(allow=readers)
def export_edits(unit: Unit, project_id: Id) -> Reply:
    """Export edits with metadata and tasks. Source: GET /export/csv/projects/{project_id}/edits.csv."""
    return _export(unit, project_id, EDITS)
