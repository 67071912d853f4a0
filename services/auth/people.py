"""People: who sees what of whom, what one may change of oneself, departments."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import orjson

from chassis import filters
from chassis.binding import Id
from chassis.crud import Crud, expect_version
from chassis.errors import BadRequest, Invalid, Refused
from chassis.messages import ADMIN, CLIENT, MANAGER
from chassis.operations import command, query
from chassis.passwords import hashed
from chassis.policy import Policy, admins, nobody, signed_in
from chassis.resources import Fields, Record
from chassis.unit import Unit
from contracts.auth import PERSON
from services.auth.tokens import lasting_token

MINIMAL = ("id", "type", "first_name", "last_name", "full_name", "has_avatar", "active", "archived", "departments",
           "studio_id", "role", "desktop_login", "is_bot", "created_at", "updated_at")  # fmt: skip
CLIENT_FORM = ("id", "type", "first_name", "last_name", "full_name", "has_avatar", "role")
NOT_ONESELF = {"role", "departments", "active", "is_bot", "archived", "ldap_uid", "is_generated_from_ldap",
               "last_presence", "studio_id"}  # fmt: skip
oneself_or_admin = Policy(
    "oneself or admin", lambda unit, path: unit.actor.role == ADMIN or unit.actor.person_id == path["instance_id"]
)
not_oneself = Policy("admin, not oneself", lambda unit, path: unit.actor.person_id != path["instance_id"]) & admins


CRUD = Crud(PERSON, read=signed_in, delete=not_oneself, only=("list", "get", "delete"))


def shown(unit: Unit, documents: bytes, full: tuple[str, ...]) -> bytes:
    """Return person `documents` as the actor may see them; roles in `full` see everything."""
    if unit.actor.role in full:
        return documents
    keys = CLIENT_FORM if unit.actor.role == CLIENT else MINIMAL
    return orjson.dumps([{k: row[k] for k in keys if k in row} for row in orjson.loads(documents)])


@query(allow=signed_in, kept=True)
def list_persons(unit: Unit) -> bytes:
    """List people: in full for admins, else in short. Source: GET /data/persons."""
    resource = unit.resource("person")
    where, args = filters.conditions(resource, unit.request)
    found = filters.listing(unit, resource, ["t.is_guest IS NOT TRUE", *where], args)
    if unit.actor.role == ADMIN or found.startswith(b"{"):
        return found if unit.actor.role == ADMIN else _paged(unit, found)
    return shown(unit, found, (ADMIN,))


def _paged(unit: Unit, found: bytes) -> bytes:
    page = orjson.loads(found)
    page["data"] = orjson.loads(shown(unit, orjson.dumps(page["data"]), (ADMIN,)))
    return orjson.dumps(page)


@query(allow=signed_in, wrong_id="Malformed ID.", kept=True)
def get_person(unit: Unit, instance_id: Id) -> bytes:
    """Return one person: in full for managers and oneself. Source: GET /data/persons/{instance_id}."""
    person = unit.need("person", instance_id)
    resource = unit.resource("person")
    relations = unit.request.truth("relations", True)
    document = (resource.doc(person)[:-1] + resource.rel(person) if relations else resource.doc(person)).encode()
    if unit.actor.person_id == person.id:
        return document
    return shown(unit, b"[" + document + b"]", (ADMIN, MANAGER)).removeprefix(b"[").removesuffix(b"]")


@command(allow=admins, status=201)
def create_person(unit: Unit, *, body: Any) -> dict[str, Any]:
    """Create a person or a bot, whose token is shown this once. Source: POST /data/persons."""
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object.")
    password = body.get("password")
    fields = CRUD.checked(unit, {k: v for k, v in body.items() if k != "password"}, creating=True)
    fields = dict(before_create(unit, fields))
    if password is not None:
        if not isinstance(password, str) or not password:
            raise Invalid("The password must be a text.")
        fields["password"] = password if password.startswith("$2") else hashed(password)
    if any(fields.get(name) is None for name in ("first_name", "last_name")):
        raise Refused("A required field is missing.")
    jti = str(uuid4()) if fields.get("is_bot") else None
    person = unit.create("person", {**fields, "jti": jti})
    return _with_token(unit, person, jti)


def _with_token(unit: Unit, person: Record, jti: str | None) -> dict[str, Any]:
    resource = unit.resource("person")
    found: dict[str, Any] = orjson.loads(resource.doc(person)[:-1] + resource.rel(person))
    return {**found, "access_token": lasting_token(unit, person, "bot", jti)} if jti else found


@command(allow=oneself_or_admin, wrong_id="Malformed ID.")
def update_person(unit: Unit, instance_id: Id, *, body: Any) -> dict[str, Any]:
    """Change a person; a bot's new expiration date comes with a new token. Source: PUT /data/persons/{instance_id}."""
    person = unit.need("person", instance_id)
    expect_version(unit, person)
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object.")
    changes = dict(before_update(unit, person, CRUD.checked(unit, body, creating=False)))
    for name, value in changes.items():
        field = unit.resource("person").by_name[name]
        if value is None and (field.required or not field.nullable):
            raise Refused("A required field is missing.")
    renewed = (
        person["is_bot"] and changes.get("expiration_date", person["expiration_date"]) != person["expiration_date"]
    )
    jti = str(uuid4()) if renewed else None
    person = unit.update(person, {**changes, **({"jti": jti} if jti else {})})
    found: dict[str, Any] = orjson.loads(unit.resource("person").doc(person))
    return {**found, "access_token": lasting_token(unit, person, "bot", jti)} if jti else found


@command(allow=nobody)
def mark_avatar(unit: Unit, *, kind: str, id: Id, has_avatar: bool = True) -> None:
    """Note that a person or the organisation has a picture, or none any more; asked by media."""
    record = unit.need(kind, id)
    live = [(f"{kind}:set-thumbnail", {f"{kind}_id": id})] if has_avatar else None
    name = f"auth.{kind}-pictured"
    if record["has_avatar"] == has_avatar:
        unit.note(record, name=name, live=live)
    else:
        unit.update(record, {"has_avatar": has_avatar}, name=name, live=live)


@command(allow=admins, status=204)
def clear_avatar(unit: Unit, person_id: Id) -> None:
    """Take a person's picture away. Source: DELETE /actions/persons/{person_id}/clear-avatar."""
    unit.update(unit.need("person", person_id), {"has_avatar": False})


def before_create(unit: Unit, fields: Fields) -> Mapping[str, Any]:
    """Check a new person: e-mails are kept in lower case."""
    if fields.get("email"):
        fields["email"] = fields["email"].strip().lower()
    elif not fields.get("is_bot"):
        raise Invalid("An email is required.")
    return fields


def before_update(unit: Unit, person: Record, changes: Fields) -> Mapping[str, Any]:
    """Drop what people may not change of themselves."""
    if changes.get("email"):
        changes["email"] = changes["email"].strip().lower()
    if unit.actor.role != ADMIN:
        return {name: value for name, value in changes.items() if name not in NOT_ONESELF}
    return changes


@command(allow=admins, status=201)
def add_department(unit: Unit, person_id: Id, *, department_id: Id) -> Record:
    """Put a person into a department. Source: POST /actions/persons/{person_id}/departments/add."""
    person = unit.need("person", person_id)
    if unit.get("department", department_id) is None:
        raise Invalid("Department ID matches no department")
    return unit.update(person, {"departments": [*{*(person["departments"] or []), department_id}]})


@command(allow=admins)
def remove_department(unit: Unit, person_id: Id, department_id: Id) -> None:
    """Take a person out of a department. Source: DELETE /actions/persons/{person_id}/departments/{department_id}."""
    person = unit.need("person", person_id)
    if unit.get("department", department_id) is None:
        raise Invalid("Department ID matches no department")
    unit.update(person, {"departments": [d for d in person["departments"] or [] if d != department_id]})
