"""People in teams as ShotGrid connects them to projects: known by the number of the connection."""

from typing import Any

import orjson

from chassis.operations import command, query
from chassis.policy import nobody
from chassis.unit import Unit
from services.production.projects import added


def _linked(entry: dict[str, Any], key: str) -> int | None:
    value = entry.get(key)
    return value.get("id") if isinstance(value, dict) else None


@command(allow=nobody)
def import_connections(unit: Unit, *, body: Any) -> list[dict[str, Any]]:
    """Put the people of ShotGrid's connections [{id, project, user}] into teams; return the projects touched."""
    projects = {p["shotgun_id"]: p.id for p in unit.find("project", "t.shotgun_id IS NOT NULL")}
    persons = {p["shotgun_id"]: p.id for p in unit.find("person", "t.shotgun_id IS NOT NULL")}
    touched: dict[str, Any] = {}
    for entry in body:
        project_id, person_id = projects.get(_linked(entry, "project")), persons.get(_linked(entry, "user"))
        if project_id is None or person_id is None:
            continue
        project = unit.need("project", project_id)
        numbers = {**(project["team_shotgun_ids"] or {}), str(entry.get("id")): person_id}
        changes = {"team": added(project["team"], person_id), "team_shotgun_ids": numbers}
        touched[project_id] = unit.update(project, changes)
    resource = unit.resource("project")
    return [orjson.loads(resource.doc(record)) for record in touched.values()]


@command(allow=nobody)
def remove_connection(unit: Unit, *, shotgun_id: int) -> None:
    """Take the person of a connection out of its team; nothing happens when it is not known."""
    key = str(shotgun_id)
    for project in unit.find("project", "t.doc IS NOT NULL"):
        numbers = dict(project["team_shotgun_ids"] or {})
        person_id = numbers.pop(key, None)
        if person_id is not None:
            team = [each for each in project["team"] or [] if each != person_id]
            unit.update(project, {"team": team, "team_shotgun_ids": numbers})


@query(allow=nobody)
def find_shotgun_entities(unit: Unit, *, body: Any) -> dict[str, str]:
    """Return the ids of entities by their numbers in ShotGrid; body: {kind, numbers}."""
    where = "t.kind = %s AND t.shotgun_id = ANY(%s::int[])"
    return {str(e["shotgun_id"]): e.id for e in unit.find("entity", where, (body["kind"], body["numbers"]))}
