"""The tasks service: its rooms and its plain records."""

from chassis.crud import Crud
from chassis.policy import managers, signed_in
from chassis.service import ServiceSpec
from contracts import auth, production
from contracts import tasks as kinds
from services.tasks import comments, time_spent, with_tasks, work
from services.tasks.kinds import before_create_status, before_create_type, before_update_status, seed

TASKS = ServiceSpec(
    name="tasks",
    owns=kinds.RESOURCES,
    replicates=(
        auth.PERSON,
        auth.DEPARTMENT,
        production.PROJECT,
        production.ENTITY_TYPE,
        production.ENTITY,
        production.ENTITY_LINK,
        production.METADATA_DESCRIPTOR,
    ),
    cruds=(
        Crud(kinds.TASK_TYPE, read=signed_in, before_create=before_create_type),
        Crud(
            kinds.TASK_STATUS,
            read=signed_in,
            before_create=before_create_status,
            before_update=before_update_status,
        ),
        Crud(
            kinds.TASK,
            read=signed_in,
            create=managers,
            update=managers,
            delete=managers,
            visible=work.visible,
            before_create=work.before_create,
            before_delete=work.before_delete,
        ),
        Crud(kinds.COMMENT, read=signed_in, visible=work.visible, only=("list", "get")),
        Crud(kinds.TIME_SPENT, read=signed_in, visible=work.visible, only=("list", "get", "update", "delete")),
    ),
    rooms=(work, comments, time_spent, with_tasks),
    seed=seed,
)
