"""What imports bring in: people in bulk."""

from typing import Any

import orjson

from chassis.crud import stored
from chassis.operations import command
from chassis.policy import nobody
from chassis.unit import Unit


@command(allow=nobody)
def import_persons(unit: Unit, *, body: Any) -> list[dict[str, Any]]:
    """Create or change people, known by e-mail: {rows, update}; without `update` known ones stay as they are."""
    resource = unit.resource("person")
    emails = [row["email"] for row in body["rows"]]
    known = {p["email"]: p for p in unit.find("person", "t.email = ANY(%s) AND t.is_bot IS NOT TRUE", (emails,))}
    found = []
    for row in body["rows"]:
        fields = {name: stored(resource.by_name[name], value) for name, value in row.items()}
        person = known.get(row["email"])
        if person is None:
            person = unit.create("person", fields)
        elif body.get("update"):
            person = unit.update(person, fields)
        known[row["email"]] = person
        found.append(orjson.loads(resource.doc(person)[:-1] + resource.rel(person)))
    return found
