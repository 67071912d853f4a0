"""The production service: its rooms and its plain records."""

from chassis.crud import Crud
from chassis.policy import managers, signed_in
from chassis.service import ServiceSpec
from chassis.unit import Unit
from contracts import auth, tasks
from contracts import production as kinds
from contracts.access import my_projects
from services.production import avatars, casting, context, entities, projects

ASSET_TYPES = ("Character", "Prop", "Environment", "FX")
ENTITY_TYPES = ("Shot", "Sequence", "Episode", "Edit")


def seed(unit: Unit) -> None:
    """Write the first records: project statuses and entity types."""
    for name in ("Open", "Closed"):
        unit.create("project_status", {"name": name, "color": "#000000"}, live=[])
    for name in (*ASSET_TYPES, *ENTITY_TYPES):
        unit.create("entity_type", {"name": name}, live=[])


PRODUCTION = ServiceSpec(
    name="production",
    owns=kinds.RESOURCES,
    replicates=(auth.PERSON, auth.DEPARTMENT, auth.STUDIO, tasks.TASK_TYPE, tasks.TASK_STATUS),
    cruds=(
        projects.CRUD,
        Crud(kinds.PROJECT_STATUS, read=signed_in),
        Crud(kinds.ENTITY_TYPE, read=signed_in),
        Crud(
            kinds.ENTITY,
            read=signed_in,
            update=managers,
            delete=managers,
            visible=entities.visible,
            before_update=entities.before_update,
            before_delete=entities.before_delete,
            only=("list", "get", "update", "delete"),
        ),
        Crud(kinds.ENTITY_LINK, read=signed_in, visible=my_projects, only=("list", "get")),
        Crud(kinds.METADATA_DESCRIPTOR, read=signed_in, visible=my_projects),
        Crud(kinds.MILESTONE, read=signed_in, visible=my_projects),
        Crud(kinds.PROJECT_TEMPLATE, read=managers),
    ),
    rooms=(projects, entities, casting, context, avatars),
    seed=seed,
)
