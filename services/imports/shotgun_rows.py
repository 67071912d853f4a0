"""ShotGrid's records as ours: which fields of an entry become which of a record. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.file_trees import FILE_TREES

Entry = Mapping[str, Any]
Fields = dict[str, Any]
ROLES = {"Manager": "manager", "Admin": "admin"}
UNKNOWN_EMAIL = "changeme@email.com"
OWN_KEYS = {"sg_status", "sg_asset_type", "sg_sequence", "sg_scene", "sg_cut_in", "sg_cut_duration", "sg_status_list"}


class MissingKey(ValueError):
    """An entry without a key that its kind cannot do without; the text is the key."""


@dataclass
class Index:
    """Our records by what ShotGrid calls them."""

    projects: dict[int, str] = field(default_factory=dict)
    project_names: dict[str, str] = field(default_factory=dict)
    persons: dict[int, str] = field(default_factory=dict)
    departments: dict[str, str] = field(default_factory=dict)
    project_statuses: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, str] = field(default_factory=dict)
    steps: dict[int, str] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    entities: dict[tuple[str, int], str] = field(default_factory=dict)
    tasks: dict[int, str] = field(default_factory=dict)


def needed(entry: Entry, key: str) -> Any:
    """Return a value that must be there. Raises MissingKey."""
    if key not in entry:
        raise MissingKey(key)
    return entry[key]


def linked(entry: Entry, key: str) -> int | None:
    """Return the number of a linked record, None without one."""
    value = entry.get(key)
    return value.get("id") if isinstance(value, Mapping) else None


def colour(text: Any) -> str:
    """Return "r,g,b" as `#rrggbb`. Raises MissingKey for what is no colour."""
    try:
        red, green, blue = (int(part) for part in str(text).split(","))
    except ValueError:
        raise MissingKey("color") from None
    return f"#{red & 255:02x}{green & 255:02x}{blue & 255:02x}"


def extras(entry: Entry) -> Fields:
    """Return the studio's own `sg_` values that are set."""
    return {k: v for k, v in entry.items() if k.startswith("sg_") and k not in OWN_KEYS and v is not None}


def project(entry: Entry, index: Index) -> Fields | None:
    """Return a project; None for an entry without a name."""
    status = index.project_statuses[needed(entry, "sg_status")]
    if not entry.get("name"):
        return None
    return {
        "shotgun_id": entry["id"],
        "name": entry["name"],
        "project_status_id": status,
        "data": extras(entry),
        "file_tree": FILE_TREES["default"],
        "hd_bitrate_compression": None,
        "ld_bitrate_compression": None,
    }


def person(entry: Entry, index: Index) -> Fields | None:
    """Return a person; None for the placeholder of people without an address."""
    email = entry.get("email")
    if not email or email == UNKNOWN_EMAIL:
        return None
    rules, department = entry.get("permission_rule_set") or {}, entry.get("department") or {}
    name = department.get("name")
    return {
        "shotgun_id": entry["id"],
        "first_name": needed(entry, "firstname"),
        "last_name": needed(entry, "lastname"),
        "email": email.lower(),
        "desktop_login": entry.get("login"),
        "active": entry.get("sg_status_list") == "act",
        "role": ROLES.get(str(rules.get("name")), "user"),
        **({"departments": [index.departments[name]]} if name else {}),
    }


def status(entry: Entry, index: Index) -> Fields | None:
    """Return a task status."""
    if not entry.get("name") or not entry.get("code"):
        return None
    return {
        "shotgun_id": entry["id"],
        "name": entry["name"],
        "short_name": entry["code"],
        "color": colour(needed(entry, "bg_color")),
    }


def step(entry: Entry, index: Index) -> Fields | None:
    """Return a task type; its department is the first word of its code."""
    if not entry.get("code"):
        return None
    return {
        "shotgun_id": entry["id"],
        "name": entry["code"],
        "short_name": entry.get("short_name") or "",
        "color": colour(needed(entry, "color")),
        "for_entity": entry.get("entity_type") or "Asset",
        "department_id": index.departments[department_of(entry)],
    }


def department_of(entry: Entry) -> str:
    """Return the name of the department that a step belongs to."""
    return str(entry["code"]).split()[0]


def asset(entry: Entry, index: Index) -> Fields | None:
    """Return an asset; None without a type or a known project."""
    kind = needed(entry, "sg_asset_type")
    project_id = index.projects.get(linked(entry, "project") or 0)
    if kind is None or project_id is None or not entry.get("code"):
        return None
    return _entity(entry, project_id, index.types[kind.lower()], "asset")


def _entity(entry: Entry, project_id: str, type_id: str, kind: str, **more: Any) -> Fields:
    return {
        "shotgun_id": entry["id"],
        "name": entry["code"],
        "description": entry.get("description"),
        "project_id": project_id,
        "entity_type_id": type_id,
        "kind": kind,
        "data": extras(entry),
        **more,
    }


def below(kind: str, parents: tuple[tuple[str, str], ...]) -> Callable[[Entry, Index], Fields | None]:
    """Return the mapping of `kind`, whose parent stands under one of the keys `parents`: (key, kind)."""

    def mapped(entry: Entry, index: Index) -> Fields | None:
        name = needed(entry, "project")
        project_id = index.project_names.get((name or {}).get("name", ""))
        if project_id is None or not entry.get("code"):
            return None
        found = (index.entities.get((above, linked(entry, key) or 0)) for key, above in parents)
        parent = next((each for each in found if each), None)
        return _entity(entry, project_id, index.types[kind], kind, parent_id=parent)

    return mapped


episode = below("episode", ())
sequence = below("sequence", (("episode", "episode"),))
scene = below("scene", (("sequence", "sequence"), ("sg_sequence", "sequence")))
_shot = below("shot", (("sg_sequence", "sequence"),))


def shot(entry: Entry, index: Index) -> Fields | None:
    """Return a shot, with its frames from the cut."""
    fields = _shot(entry, index)
    if fields is None:
        return None
    first, length = entry.get("sg_cut_in"), entry.get("sg_cut_duration")
    if first is not None:
        fields["data"]["frame_in"] = first
    if first is not None and length is not None:
        fields["data"]["frame_out"] = first + length
    if length is not None:
        fields["nb_frames"] = length
    scene_id = index.entities.get(("scene", linked(entry, "sg_scene") or 0))
    return {**fields, "source_id": scene_id} if scene_id else fields


def task(entry: Entry, index: Index) -> Fields | None:
    """Return a task; None without a step, a project or a known entity."""
    task_type = index.steps.get(linked(entry, "step") or 0)
    project_id = index.projects.get(linked(entry, "project") or 0)
    target = entry.get("entity") or {}
    entity = index.entities.get((str(target.get("type", "")).lower(), target.get("id") or 0))
    if task_type is None or project_id is None or entity is None:
        return None
    people = [index.persons.get(each.get("id")) for each in entry.get("task_assignees") or []]
    return {
        "shotgun_id": entry["id"],
        "name": entry.get("cached_display_name") or "main",
        "project_id": project_id,
        "entity_id": entity,
        "task_type_id": task_type,
        "task_status_id": index.statuses.get(entry.get("sg_status_list") or ""),
        "assigner_id": index.persons.get(linked(entry, "created_by") or 0),
        "assignees": [each for each in people if each],
        "start_date": entry.get("start_date"),
        "due_date": entry.get("due_date"),
        "sort_order": entry.get("sg_sort_order") or 0,
        "duration": entry.get("duration") or 0,
    }


def version(entry: Entry, index: Index) -> Fields | None:
    """Return a preview file; None for a version without a task."""
    if needed(entry, "sg_task") is None:
        return None
    movie = entry.get("sg_uploaded_movie") or {}
    return {
        "shotgun_id": entry["id"],
        "name": entry.get("code"),
        "description": entry.get("description"),
        "source": "Shotgun",
        "task_id": index.tasks.get(linked(entry, "sg_task") or 0),
        "person_id": index.persons.get(linked(entry, "user") or 0),
        "uploaded_movie_url": movie.get("url"),
        "uploaded_movie_name": movie.get("name"),
    }


def note(entry: Entry, index: Index) -> Fields | None:
    """Return a comment on the note's first task; None when that is unknown."""
    tasks = needed(entry, "tasks") or []
    target = index.tasks.get(tasks[0].get("id")) if tasks else None
    if target is None:
        return None
    return {
        "shotgun_id": entry["id"],
        "object_id": target,
        "object_type": "Task",
        "text": entry.get("content") or "",
        "person_id": index.persons.get(linked(entry, "user") or 0),
        "created_at": entry.get("created_at"),
    }
