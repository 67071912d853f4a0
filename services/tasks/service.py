"""The tasks service: its rooms and its plain records."""

from chassis import health, history, intake
from chassis.crud import Crud
from chassis.policy import signed_in
from chassis.spec import ServiceSpec
from contracts import auth, media, production
from contracts import tasks as kinds
from services.tasks import (
    assignments,
    automations,
    comment_changes,
    comment_lists,
    comments,
    day_offs,
    definitions,
    hours,
    importing,
    news,
    personal,
    reviews,
    task_lists,
    time_spent,
    time_tables,
    with_tasks,
    work,
)
from services.tasks.cells import TASK_CELLS, TIME_CELLS
from services.tasks.entity_rows import ENTITY_ROWS, MAKE
from services.tasks.kinds import before_create_type, seed
from services.tasks.policy import task_directors, visible_tasks

TASKS = ServiceSpec(
    name="tasks",
    owns=kinds.RESOURCES,
    replicates=(
        production.PROJECT,
        production.ENTITY,
        production.ENTITY_TYPE,
        production.ENTITY_LINK,
        production.METADATA_DESCRIPTOR,
        production.PROJECT_STATUS,
        production.STATUS_AUTOMATION,
        media.PREVIEW_FILE,
        media.ATTACHMENT_FILE,
        auth.PERSON,
        auth.DEPARTMENT,
    ),
    cruds=(
        Crud(
            kinds.TASK_TYPE,
            read=signed_in,
            before_create=before_create_type,
            before_delete=definitions.before_delete_task_type,
        ),
        Crud(
            kinds.TASK_STATUS,
            read=signed_in,
            before_create=definitions.before_create_status,
            before_update=definitions.before_update_status,
        ),
        Crud(
            kinds.TASK,
            read=signed_in,
            create=signed_in,
            update=task_directors,
            visible=visible_tasks,
            before_create=work.before_create_task,
            before_update=work.before_update_task,
        ),
        comment_changes.CRUD,
        time_tables.CRUD,
        day_offs.CRUD,
        Crud(kinds.NOTIFICATION),
        Crud(kinds.SUBSCRIPTION),
        Crud(kinds.NEWS),
    ),
    derived=(ENTITY_ROWS, TASK_CELLS.derived, TIME_CELLS.derived),
    workers=(MAKE,),
    rooms=(
        health,
        intake,
        history,
        definitions,
        work,
        task_lists,
        assignments,
        comments,
        comment_lists,
        comment_changes,
        automations,
        importing,
        news,
        reviews,
        with_tasks,
        time_spent,
        time_tables,
        hours,
        day_offs,
        personal,
    ),
    seed=seed,
)
