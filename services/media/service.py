"""The media service: its rooms and its plain records."""

from chassis.crud import Crud
from chassis.policy import signed_in
from chassis.service import ServiceSpec
from contracts import auth, production, tasks
from contracts import media as kinds
from contracts.access import my_projects
from services.media import previews

MEDIA = ServiceSpec(
    name="media",
    owns=kinds.RESOURCES,
    replicates=(auth.PERSON, production.PROJECT, production.ENTITY, tasks.TASK, tasks.COMMENT),
    cruds=(Crud(kinds.PREVIEW_FILE, read=signed_in, visible=my_projects, only=("list", "get", "update")),),
    rooms=(previews,),
)
