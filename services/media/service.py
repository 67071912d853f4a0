"""The media service: its rooms and its plain records."""

from chassis import health, history
from chassis.crud import Crud
from chassis.policy import signed_in
from chassis.service import ServiceSpec
from contracts import auth, production, tasks
from contracts import media as kinds
from contracts.access import my_projects
from services.media import annotations, attachments, avatars, backgrounds, conversions, lists, playlists, serving, slots
from services.media.access import editors

MEDIA = ServiceSpec(
    name="media",
    owns=kinds.RESOURCES,
    replicates=(
        auth.PERSON,
        auth.ORGANISATION,
        production.PROJECT,
        production.ENTITY,
        production.ENTITY_TYPE,
        tasks.TASK,
        tasks.TASK_TYPE,
        tasks.COMMENT,
    ),
    cruds=(
        Crud(kinds.PREVIEW_FILE, read=signed_in, update=editors, visible=my_projects),
        Crud(
            kinds.PREVIEW_BACKGROUND_FILE,
            read=signed_in,
            before_create=backgrounds.before_create,
            before_update=backgrounds.before_update,
        ),
        playlists.CRUD,
        Crud(kinds.ATTACHMENT_FILE),
    ),
    rooms=(
        health,
        history,
        slots,
        lists,
        serving,
        conversions,
        annotations,
        avatars,
        attachments,
        backgrounds,
        playlists,
    ),
    workers=(conversions.CONVERT,),
)
