"""The tasks service: its rooms and its plain records."""

from chassis.crud import Crud
from chassis.policy import signed_in
from chassis.service import ServiceSpec
from contracts import auth, production
from contracts import tasks as kinds
from services.tasks import assignments, comments, definitions, personal, time_spent, with_tasks, work
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
        ),
        Crud(kinds.COMMENT),
        Crud(kinds.TIME_SPENT),
        Crud(kinds.DAY_OFF),
        Crud(kinds.NOTIFICATION),
        Crud(kinds.SUBSCRIPTION),
        Crud(kinds.NEWS),
    ),
    rooms=(definitions, work, assignments, comments, with_tasks, time_spent, personal),
    seed=seed,
)
