"""The imports service: spreadsheets in and out, other systems' records, and what could not be taken in."""

from chassis import health, history
from chassis.crud import Crud
from chassis.spec import ServiceSpec
from contracts import auth, production, tasks
from contracts import imports as kinds
from services.imports import (
    csv_breakdown,
    csv_casting,
    csv_entities,
    csv_estimations,
    csv_out,
    csv_persons,
    kitsu,
    shotgun,
    shotgun_removal,
)

IMPORTS = ServiceSpec(
    name="imports",
    owns=kinds.RESOURCES,
    replicates=(
        auth.PERSON,
        auth.DEPARTMENT,
        auth.STUDIO,
        auth.ORGANISATION,
        production.PROJECT,
        production.PROJECT_STATUS,
        production.ENTITY,
        production.ENTITY_TYPE,
        production.ENTITY_LINK,
        production.METADATA_DESCRIPTOR,
        tasks.TASK,
        tasks.TASK_TYPE,
        tasks.TASK_STATUS,
        tasks.TIME_SPENT,
    ),
    cruds=(Crud(kinds.DATA_IMPORT_ERROR, only=("list", "get", "delete")),),
    rooms=(
        health,
        history,
        csv_entities,
        csv_casting,
        csv_persons,
        csv_estimations,
        csv_out,
        csv_breakdown,
        shotgun,
        shotgun_removal,
        kitsu,
    ),
)
