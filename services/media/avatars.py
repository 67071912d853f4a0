"""Faces of people, productions and the studio: 400 × 400 pictures."""

import tempfile
from pathlib import Path

from chassis.binding import Id
from chassis.errors import Invalid, NotFound
from chassis.messages import ADMIN, MANAGER, Reply, Upload
from chassis.operations import command, query
from chassis.policy import Policy, admins, signed_in
from chassis.storage import media_key
from chassis.unit import Unit
from contracts.access import role_in
from services.media.storing import PICTURES, parts_of, store_of, the_file
from services.media.transcoding import BrokenPicture
from services.media.transcoding.pictures import make_avatar, probe_picture

MAX_PIXELS = 100_000_000


def _role(unit: Unit, instance_id: str) -> str | None:
    return role_in(unit, unit.need("project", instance_id))


oneself_or_admin = Policy(
    "oneself or admin", lambda unit, path: unit.actor.role == ADMIN or unit.actor.person_id == path["instance_id"]
)
project_managers = Policy(
    "manager of the project", lambda unit, path: _role(unit, path["instance_id"]) in (ADMIN, MANAGER)
)
project_viewers = Policy(
    "manager or project team",
    lambda unit, path: unit.actor.role == MANAGER or _role(unit, path["instance_id"]) is not None,
)


def _store(unit: Unit, id_: str, files: list[Upload]) -> None:
    """Cut the uploaded picture to size and keep it. Raises BadRequest and Invalid."""
    upload, store = the_file(files), store_of(unit)
    if parts_of(upload.filename)[1] not in PICTURES:
        raise Invalid(f"Wrong file format, extension: {parts_of(upload.filename)[1]}")
    with store.local_path(upload.key) as source, tempfile.TemporaryDirectory(prefix="kiroku-") as folder:
        try:
            found = probe_picture(source)
            if found.width * found.height > MAX_PIXELS:
                raise Invalid("The picture is too large: a face of 400 × 400 is made of it.")
            made = make_avatar(source, Path(folder) / "avatar.png")
        except BrokenPicture as broken:
            raise Invalid(broken.reason) from None
        with made.open("rb") as file:
            store.put(media_key("pictures", "thumbnails", id_), file)


def _face(unit: Unit, id_: str) -> Reply:
    return Reply(file=media_key("pictures", "thumbnails", id_), content_type="image/png")


@command(allow=oneself_or_admin, status=201)
def set_person_face(unit: Unit, instance_id: Id, *, files: list[Upload]) -> dict[str, str]:
    """Give a person a face. Source: POST /pictures/thumbnails/persons/{instance_id}."""
    unit.need("person", instance_id)
    _store(unit, instance_id, files)
    unit.ask("auth.mark_avatar", body={"kind": "person", "id": instance_id, "has_avatar": True})
    return {"thumbnail_path": f"/pictures/thumbnails/persons/{instance_id}.png"}


@query(allow=signed_in, kept=True)
def get_person_face(unit: Unit, instance_id: Id) -> Reply:
    """Return a person's face. Source: GET /pictures/thumbnails/persons/{instance_id}.png."""
    if not unit.need("person", instance_id)["has_avatar"]:
        raise NotFound
    return _face(unit, instance_id)


@command(allow=admins, status=201)
def set_organisation_face(unit: Unit, instance_id: Id, *, files: list[Upload]) -> dict[str, str]:
    """Give the studio a logo. Source: POST /pictures/thumbnails/organisations/{instance_id}."""
    unit.need("organisation", instance_id)
    _store(unit, instance_id, files)
    unit.ask("auth.mark_avatar", body={"kind": "organisation", "id": instance_id, "has_avatar": True})
    return {"thumbnail_path": f"/pictures/thumbnails/organisations/{instance_id}.png"}


@query(allow=signed_in, kept=True)
def get_organisation_face(unit: Unit, instance_id: Id) -> Reply:
    """Return the studio's logo. Source: GET /pictures/thumbnails/organisations/{instance_id}.png."""
    unit.need("organisation", instance_id)
    return _face(unit, instance_id)


@command(allow=project_managers, status=201)
def set_project_face(unit: Unit, instance_id: Id, *, files: list[Upload]) -> dict[str, str]:
    """Give a production a picture. Source: POST /pictures/thumbnails/projects/{instance_id}."""
    _store(unit, instance_id, files)
    unit.ask("production.mark_avatar", {"project_id": instance_id})
    return {"thumbnail_path": f"/pictures/thumbnails/projects/{instance_id}.png"}


@query(allow=project_viewers, kept=True)
def get_project_face(unit: Unit, instance_id: Id) -> Reply:
    """Return a production's picture. Source: GET /pictures/thumbnails/projects/{instance_id}.png."""
    return _face(unit, instance_id)
