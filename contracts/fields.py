"""Short words for the fields of records: `text("name", 80, required=True)`, `link("task_id", "task")`."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypedDict, Unpack

from chassis.resources import Field


class Traits(TypedDict, total=False):
    """What any field may be beside its type."""

    required: bool
    nullable: bool
    column: bool


def _field(name: str, type_: str, default: Any = None, *, max: int | None = None, **traits: Unpack[Traits]) -> Field:
    required = traits.get("required", False)
    nullable = traits.get("nullable", not required)
    column = traits.get("column", False)
    return Field(name, type_, default, required=required, nullable=nullable, column=column, max=max)


def text(name: str, max: int | None = None, default: str | None = None, **traits: Unpack[Traits]) -> Field:
    """Return a text of at most `max` characters."""
    return _field(name, "string", default, max=max, **traits)


def name(max: int) -> Field:
    """Return the required name that lists filter by."""
    return _field("name", "string", max=max, required=True, column=True)


def number(name: str, default: int | None = None, **traits: Unpack[Traits]) -> Field:
    """Return a whole number."""
    return _field(name, "integer", default, **traits)


def decimal(name: str, default: float | None = None, **traits: Unpack[Traits]) -> Field:
    """Return a number with a fraction."""
    return _field(name, "float", default, **traits)


def flag(name: str, default: bool | None = False, **traits: Unpack[Traits]) -> Field:
    """Return a yes or no; `default` None leaves it undecided."""
    return _field(name, "boolean", default, **traits)


def flags(*names: str) -> Iterator[Field]:
    """Yield flags that are off unless set."""
    return (flag(name) for name in names)


def choice(name: str, choices: tuple[str, ...], default: str | None = None, **traits: Unpack[Traits]) -> Field:
    """Return one of a few words."""
    return replace(_field(name, "enum", default, **traits), choices=choices)


def day(name: str, **traits: Unpack[Traits]) -> Field:
    """Return a date, `YYYY-MM-DD`."""
    return _field(name, "date", **traits)


def moment(name: str, **traits: Unpack[Traits]) -> Field:
    """Return a datetime, `YYYY-MM-DDTHH:MM:SS` in UTC."""
    return _field(name, "datetime", **traits)


def blob(name: str, default: Any = None, **traits: Unpack[Traits]) -> Field:
    """Return free JSON."""
    return _field(name, "json", default, **traits)


def strings(name: str) -> Field:
    """Return a list of texts."""
    return _field(name, "strings")


def link(name: str, kind: str | None = None, *, required: bool = False) -> Field:
    """Return the id of a record of `kind`; without `kind` it may be one of several."""
    return replace(_field(name, "uuid", required=required, column=True), ref=kind)


def ids(name: str, kind: str, *, column: bool = False) -> Field:
    """Return a list of ids that every form of the record shows."""
    return replace(_field(name, "uuids", [], column=column), ref=kind)


def links(name: str, kind: str, *, column: bool = False) -> Field:
    """Return a list of ids that only the relations form shows."""
    return replace(_field(name, "uuids", column=column), ref=kind, relation=True)


def mirror(name: str, kind: str, other: str, *, shown: bool = False) -> Field:
    """Return a list that `other` (`kind.field`) fills, a relation unless `shown`; writes to it are dropped."""
    return protected(replace((ids if shown else links)(name, kind), mirror=other))


def kept(field: Field) -> Field:
    """Return `field` as ours: not of the contract, never on the wire, not written by clients."""
    return protected(replace(field, hidden=True))


def hidden(field: Field) -> Field:
    """Return `field` off the wire; clients may write it."""
    return replace(field, hidden=True)


def secret(field: Field) -> Field:
    """Return `field` off the wire and out of the events that other services read."""
    return replace(field, hidden=True, secret=True)


def fixed(field: Field) -> Field:
    """Return `field` set at creation only: PUT drops it."""
    return replace(field, read_only_put=True)


def protected(field: Field) -> Field:
    """Return `field` closed to generic writes: PUT and POST drop it."""
    return replace(field, read_only_put=True, read_only_post=True)
