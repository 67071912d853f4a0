"""Every event that there is: the three facts of each kind, and those that say more than created, updated, deleted."""

from collections.abc import Iterator
from dataclasses import dataclass

from chassis.cloud import event_type
from chassis.events import CREATE, DELETE, UPDATE, fact_name
from chassis.resources import Resource
from contracts import RESOURCES, sign_in


@dataclass(frozen=True, slots=True)
class Fact:
    """A stored event name: the kind of record it is about, how it changes it, and the version it is written in."""

    name: str
    kind: str
    op: str
    version: int = 1

    @property
    def service(self) -> str:
        """Return the service whose log holds it."""
        return self.name.partition(".")[0]

    @property
    def type(self) -> str:
        """Return the name that other systems see: `tasks.task-commented.v1`."""
        return event_type(self.name, self.version)


# A command that means more than its changes gives its event a name of its own; it stands here, else tests fail.
MEANT: tuple[Fact, ...] = (
    Fact("auth.password-changed", "person", UPDATE),
    Fact("auth.two-factor-changed", "person", UPDATE),
    Fact("auth.person-pictured", "person", UPDATE),
    Fact("auth.organisation-pictured", "organisation", UPDATE),
    Fact("production.project-pictured", "project", UPDATE),
    Fact("production.entity-canceled", "entity", UPDATE),
    Fact("production.entity-version-folded", "entity_version", UPDATE),
    Fact("production.casting-counted", "entity", UPDATE),
    Fact("tasks.task-assigned", "task", UPDATE),
    Fact("tasks.task-unassigned", "task", UPDATE),
    Fact("tasks.task-commented", "comment", CREATE),
    Fact("tasks.comment-moved", "comment", UPDATE),
    Fact("tasks.task-progressed", "task", UPDATE),
    Fact("tasks.task-recomputed", "task", UPDATE),
    Fact("tasks.task-ready-for-review", "task", UPDATE),
    Fact("tasks.assets-counted", "task", UPDATE),
    Fact("media.preview-file-converted", "preview_file", UPDATE),
    Fact("media.preview-file-broken", "preview_file", UPDATE),
    Fact("media.preview-file-annotated", "preview_file", UPDATE),
    Fact("media.working-file-saved", "working_file", UPDATE),
    Fact("media.working-file-uploaded", "working_file", UPDATE),
)


# All kinds of a log, those included that no other service reads.
OWNED: dict[str, tuple[Resource, ...]] = {**RESOURCES, "auth": (*RESOURCES["auth"], *sign_in.RESOURCES)}
KINDS: dict[str, Resource] = {resource.kind: resource for owned in OWNED.values() for resource in owned}


def _plain() -> Iterator[Fact]:
    for service, owned in OWNED.items():
        for resource in owned:
            for op in (CREATE, UPDATE, DELETE):
                yield Fact(fact_name(service, resource.kind, op), resource.kind, op)


FACTS: dict[str, Fact] = {fact.type: fact for fact in (*_plain(), *MEANT)}
