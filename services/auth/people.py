"""People: who sees what of whom, what one may change of oneself, departments."""

from collections.abc import Mapping
from typing import Any

import orjson

from chassis import filters
from chassis.binding import Id
from chassis.errors import Forbidden, Invalid
from chassis.messages import ADMIN, CLIENT, MANAGER
from chassis.operations import command, query
from chassis.passwords import hashed
from chassis.policy import Policy, admins, signed_in
from chassis.resources import Fields, Record
from chassis.unit import Unit

MINIMAL = ("id", "type", "first_name", "last_name", "full_name", "has_avatar", "active", "archived", "departments",
           "studio_id", "role", "desktop_login", "is_bot", "created_at", "updated_at")  # fmt: skip
CLIENT_FORM = ("id", "type", "first_name", "last_name", "full_name", "has_avatar", "role")
NOT_ONESELF = {"role", "departments", "active", "is_bot", "archived", "ldap_uid", "is_generated_from_ldap",
               "last_presence", "studio_id"}  # fmt: skip
oneself_or_admin = Policy(
    "oneself or admin", lambda unit, path: unit.actor.role == ADMIN or unit.actor.person_id == path["instance_id"]
)
not_oneself = Policy("admin, not oneself", lambda unit, path: unit.actor.person_id != path["instance_id"]) & admins


def shown(unit: Unit, documents: bytes, full: tuple[str, ...]) -> bytes:
    """Return person `documents` as the actor may see them; roles in `full` see everything."""
    if unit.actor.role in full:
        return documents
    keys = CLIENT_FORM if unit.actor.role == CLIENT else MINIMAL
    return orjson.dumps([{k: row[k] for k in keys if k in row} for row in orjson.loads(documents)])


@query(allow=signed_in)
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


@query(allow=signed_in, wrong_id="Malformed ID.")
def get_person(unit: Unit, instance_id: Id) -> bytes:
    """Return one person: in full for managers and oneself. Source: GET /data/persons/{instance_id}."""
    person = unit.need("person", instance_id)
    resource = unit.resource("person")
    relations = unit.request.truth("relations", True)
    document = (resource.doc(person)[:-1] + resource.rel(person) if relations else resource.doc(person)).encode()
    if unit.actor.person_id == person.id:
        return document
    return shown(unit, b"[" + document + b"]", (ADMIN, MANAGER)).removeprefix(b"[").removesuffix(b"]")


def before_create(unit: Unit, fields: Fields) -> Mapping[str, Any]:
    """Check a new person: e-mails are kept in lower case."""
    if fields.get("email"):
        fields["email"] = fields["email"].strip().lower()
    elif not fields.get("is_bot"):
        raise Invalid("An email is required.")
    return fields


def before_update(unit: Unit, person: Record, changes: Fields) -> Mapping[str, Any]:
    """Drop what people may not change of themselves."""
    if unit.actor.role != ADMIN:
        return {name: value for name, value in changes.items() if name not in NOT_ONESELF}
    if changes.get("email"):
        changes["email"] = changes["email"].strip().lower()
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


@command(allow=admins, status=200)
def change_password_of(unit: Unit, person_id: Id, *, password: str, password_2: str) -> dict[str, bool]:
    """Set somebody's password as admin. Source: POST /actions/persons/{person_id}/change-password."""
    person = unit.need("person", person_id)
    if unit.actor.role != ADMIN:
        raise Forbidden
    if password != password_2 or len(password) < 8:
        raise Invalid("Passwords must be equal and have at least 8 characters.")
    unit.update(person, {"password": hashed(password)}, name="auth.password-changed", live=[])
    return {"success": True}
