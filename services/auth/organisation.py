"""The organisation: one record that everybody reads and admins change."""

from typing import Any

import orjson

from chassis.binding import Id
from chassis.crud import expect_version, stored
from chassis.errors import BadRequest, Invalid, Refused
from chassis.messages import ADMIN
from chassis.operations import command, query
from chassis.policy import admins, signed_in
from chassis.resources import Fields
from chassis.unit import Unit

CHAT = ("chat_token_slack", "chat_webhook_mattermost", "chat_token_discord")


def organisation_for(unit: Unit, role: str) -> dict[str, Any]:
    """Return the organisation as a person of `role` sees it: chat tokens for admins alone."""
    record = unit.first("organisation", order="t.created_at")
    found: dict[str, Any] = orjson.loads(unit.resource("organisation").doc(record)) if record else {}
    return found if role == ADMIN else {k: v for k, v in found.items() if k not in CHAT}


@query(allow=signed_in, kept=True)
def list_organisations(unit: Unit) -> list[dict[str, Any]]:
    """List the one organisation. Source: GET /data/organisations."""
    return [organisation_for(unit, unit.actor.role)]


@query(allow=signed_in, wrong_id="Malformed ID.", kept=True)
def get_organisation(unit: Unit, instance_id: Id) -> dict[str, Any]:
    """Return the organisation. Source: GET /data/organisations/{instance_id}."""
    unit.need("organisation", instance_id)
    return organisation_for(unit, unit.actor.role)


def _number(value: Any) -> float:
    try:
        if isinstance(value, bool):
            raise ValueError
        return float(value)
    except (TypeError, ValueError):
        raise Invalid("hours_by_day must be a number.") from None


@command(allow=admins, wrong_id="Malformed ID.")
def update_organisation(unit: Unit, instance_id: Id, *, body: Any) -> dict[str, Any]:
    """Change the organisation. Source: PUT /data/organisations/{instance_id}."""
    record = unit.need("organisation", instance_id)
    expect_version(unit, record)
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object.")
    if "hours_by_day" in body:
        body = {**body, "hours_by_day": _number(body["hours_by_day"])}
    if "name" in body and not body["name"]:
        raise Refused("A required field is missing.")
    by_name = unit.resource("organisation").by_name
    changes: Fields = {name: stored(by_name[name], value) for name, value in body.items() if name in by_name}
    unit.update(record, changes)
    return organisation_for(unit, ADMIN)
