"""Who belongs to a project, as every service asks it: over the owned or replicated `project` records."""

from collections.abc import Mapping

from chassis.binding import NIL, is_uuid
from chassis.errors import Invalid
from chassis.messages import ADMIN, MANAGER, VENDOR
from chassis.policy import Policy
from chassis.resources import Record
from chassis.unit import Unit

NO_ONE = NIL


def role_in(unit: Unit, project: Record) -> str | None:
    """Return the actor's role in `project`: admins stay admins, outsiders have none."""
    actor = unit.actor
    if actor.role == ADMIN:
        return ADMIN
    if actor.person_id not in (project["team"] or []):
        return None
    return str((project["team_roles"] or {}).get(actor.person_id) or actor.role)


def project_of(unit: Unit, path: Mapping[str, str]) -> Record:
    """Return the project that a request is about: named itself, or by its entity or task. Raises NotFound, Invalid."""
    key = next((k for k in ("project_id", "task_id", *ENTITY_KEYS) if k in path), "instance_id")
    if not is_uuid(path.get(key)):
        raise Invalid("Malformed ID." if key == "instance_id" else "Wrong UUID format.")
    if "project_id" in path:
        return unit.need("project", path["project_id"])
    if "task_id" in path:
        return unit.need("project", unit.need("task", path["task_id"])["project_id"])
    entity = next((path[k] for k in ENTITY_KEYS if k in path), None)
    return unit.need("project", unit.need("entity", entity)["project_id"])


ENTITY_KEYS = ("entity_id", "asset_id", "shot_id", "sequence_id", "episode_id", "scene_id", "edit_id", "concept_id")
project_team = Policy("project team", lambda unit, path: role_in(unit, project_of(unit, path)) is not None)
project_managers = Policy(
    "project manager", lambda unit, path: role_in(unit, project_of(unit, path)) in (ADMIN, MANAGER)
)
project_staff = Policy(
    "project team, not vendor", lambda unit, path: role_in(unit, project_of(unit, path)) not in (None, VENDOR)
)


def my_projects(unit: Unit) -> tuple[str, list[str]] | None:
    """Return the SQL that limits project related records (alias t) to the actor's teams; None for admins."""
    if unit.actor.role == ADMIN:
        return None
    team = "SELECT p.id FROM project p WHERE p.team @> ARRAY[%s]::uuid[]"
    return f"t.project_id IN ({team})", [unit.actor.person_id or NO_ONE]
