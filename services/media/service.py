"""The media service: its rooms and its plain records."""

from chassis import health, history, intake
from chassis.crud import Crud
from chassis.policy import no_vendors, signed_in
from chassis.spec import ServiceSpec
from contracts import auth, production, tasks
from contracts import media as kinds
from contracts.access import my_projects
from services.media import (
    annotations,
    attachments,
    avatars,
    backgrounds,
    conversions,
    file_access,
    file_rules,
    guesses,
    lists,
    new_outputs,
    output_files,
    playlist_entries,
    playlists,
    serving,
    slots,
    working_files,
)
from services.media.access import editors

MEDIA = ServiceSpec(
    name="media",
    owns=kinds.RESOURCES,
    replicates=(
        auth.PERSON,
        auth.ORGANISATION,
        production.PROJECT,
        production.PROJECT_STATUS,
        production.ENTITY,
        production.ENTITY_TYPE,
        production.ASSET_INSTANCE,
        production.SOFTWARE,
        auth.DEPARTMENT,
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
        Crud(
            kinds.WORKING_FILE,
            read=no_vendors,
            update=working_files.editors,
            visible=file_access.my_working_files,
        ),
        Crud(
            kinds.OUTPUT_FILE,
            read=no_vendors,
            update=file_access.file_editors,
            visible=file_access.my_output_files,
        ),
        Crud(kinds.OUTPUT_TYPE, read=signed_in),
        Crud(kinds.FILE_STATUS, read=signed_in),
    ),
    rooms=(
        health,
        intake,
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
        playlist_entries,
        working_files,
        output_files,
        new_outputs,
        file_rules,
        guesses,
    ),
    workers=(conversions.CONVERT,),
)
