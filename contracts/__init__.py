"""The records of every service as data: which kinds there are, what they hold and who owns them."""

from chassis.resources import Resource
from contracts import auth, imports, media, production, tasks

RESOURCES: dict[str, tuple[Resource, ...]] = {
    "auth": auth.RESOURCES,
    "production": production.RESOURCES,
    "tasks": tasks.RESOURCES,
    "media": media.RESOURCES,
    "imports": imports.RESOURCES,
}
OWNERS: dict[str, str] = {each.kind: service for service, owned in RESOURCES.items() for each in owned}
_BY_KIND = {each.kind: each for owned in RESOURCES.values() for each in owned}


def resource(kind: str) -> Resource:
    """Return the resource of `kind`; KeyError for an unknown one."""
    return _BY_KIND[kind]
