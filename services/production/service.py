"""The production service: its rooms and its plain records."""

from chassis import health, history, intake
from chassis.crud import Crud
from chassis.errors import Refused
from chassis.policy import managers, no_vendors, signed_in
from chassis.resources import Record
from chassis.spec import ServiceSpec
from chassis.unit import Unit
from contracts import auth, media, tasks
from contracts import production as kinds
from contracts.access import my_projects
from services.production import (
    avatars,
    budgets,
    casting,
    casting_lists,
    connections,
    context,
    descriptors,
    entities,
    entity_lists,
    entity_pages,
    entity_rules,
    file_trees,
    importing,
    instances,
    mine,
    projects,
    schedule,
    search,
    settings,
    sharing,
    user_filters,
)

ASSET_TYPES = ("Character", "Prop", "Environment", "FX")
ENTITY_TYPES = ("Shot", "Sequence", "Episode", "Edit")


def seed(unit: Unit) -> None:
    """Write the first records: project statuses and entity types."""
    for name in ("Open", "Closed"):
        unit.create("project_status", {"name": name, "color": "#000000"}, live=[])
    for name in (*ASSET_TYPES, *ENTITY_TYPES):
        unit.create("entity_type", {"name": name}, live=[])


def keep_used_automations(unit: Unit, automation: Record) -> None:
    """Refuse to delete an automation that a project uses. Raises Refused."""
    if unit.count("project", "t.status_automations @> ARRAY[%s]::uuid[]", (automation.id,)):
        raise Refused("The change conflicts with records referencing this one.")


PRODUCTION = ServiceSpec(
    name="production",
    owns=kinds.RESOURCES,
    replicates=(
        auth.PERSON,
        auth.DEPARTMENT,
        auth.STUDIO,
        tasks.TASK_TYPE,
        tasks.TASK_STATUS,
        tasks.TASK,
        tasks.SUBSCRIPTION,
        media.PREVIEW_FILE,
        media.PREVIEW_BACKGROUND_FILE,
    ),
    cruds=(
        projects.CRUD,
        entity_rules.CRUD,
        instances.CRUD,
        schedule.SCHEDULE,
        schedule.MILESTONES,
        Crud(kinds.PROJECT_STATUS, read=signed_in),
        Crud(kinds.ENTITY_TYPE, read=signed_in),
        Crud(kinds.ENTITY_LINK),
        Crud(kinds.METADATA_DESCRIPTOR, read=signed_in, visible=my_projects),
        Crud(kinds.PROJECT_TEMPLATE, read=managers),
        Crud(kinds.STATUS_AUTOMATION, read=no_vendors, before_delete=keep_used_automations),
        user_filters.CRUD,
        Crud(kinds.SEARCH_FILTER_GROUP),
        Crud(kinds.BUDGET),
        Crud(kinds.BUDGET_ENTRY),
        Crud(kinds.CUSTOM_ACTION, read=no_vendors),
        Crud(kinds.HARDWARE_ITEM, read=signed_in),
        Crud(kinds.SOFTWARE, read=signed_in),
        Crud(kinds.PLUGIN),
    ),
    rooms=(
        health,
        intake,
        history,
        projects,
        settings,
        descriptors,
        entities,
        entity_lists,
        entity_pages,
        entity_rules,
        sharing,
        casting,
        casting_lists,
        instances,
        importing,
        file_trees,
        connections,
        budgets,
        schedule,
        user_filters,
        search,
        mine,
        context,
        avatars,
    ),
    seed=seed,
)
