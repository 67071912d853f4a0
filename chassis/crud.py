"""Generic list, get, create, update and delete of a resource, as operations."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chassis import filters
from chassis.binding import CONVERTERS, Id, Parameter, is_uuid, normal_id, wire_moment
from chassis.errors import BadRequest, Invalid, NotFound, PreconditionFailed, Refused, UnknownParent
from chassis.messages import Reply
from chassis.operations import Operation
from chassis.policy import Policy, admins
from chassis.resources import Field, Fields, Record, Resource

if TYPE_CHECKING:
    from chassis.unit import Unit

Visible = Callable[["Unit"], tuple[str, Sequence[Any]] | None]
DROPPED = {"id", "created_at", "updated_at", "type"}


@dataclass(frozen=True)
class Crud:
    """The generic operations of one resource, the policies of each, and hooks for rules that are not data."""

    resource: Resource
    read: Policy = admins
    create: Policy = admins
    update: Policy = admins
    delete: Policy = admins
    visible: Visible | None = None
    before_create: Callable[["Unit", Fields], Mapping[str, Any]] | None = None
    before_update: Callable[["Unit", Record, Fields], Mapping[str, Any]] | None = None
    before_delete: Callable[["Unit", Record], None] | None = None
    order: str = "t.created_at, t.id"
    only: tuple[str, ...] = ("list", "get", "create", "update", "delete")

    def operations(self) -> dict[str, Operation]:
        """Return the operations by name."""
        kind, plural = self.resource.kind, self.resource.plural.replace("-", "_")
        one = (Parameter("instance_id", Id),)
        table: tuple[
            tuple[str, str, Callable[..., Any], Policy, bool, int, tuple[Parameter, ...], tuple[str, ...]], ...
        ]
        table = (
            ("list", f"list_{plural}", self._list, self.read, False, 200, (), ()),
            ("get", f"get_{kind}", self._get, self.read, False, 200, one, ()),
            ("create", f"create_{kind}", self._create, self.create, True, 201, (), ("body",)),
            ("update", f"update_{kind}", self._update, self.update, True, 200, one, ("body",)),
            ("delete", f"delete_{kind}", self._delete, self.delete, True, 204, one, ()),
        )
        found = {}
        for verb, name, run, allow, writes, status, path, whole in table:
            if verb in self.only:
                doc = f"{verb.capitalize()} {self.resource.plural} (generic)."
                found[name] = Operation(
                    name, run, allow, writes, status, doc, path, (), whole, wrong_id="Malformed ID.", kind=kind,
                    kept=not writes,
                )  # fmt: skip
        return found

    def _where(self, unit: "Unit") -> tuple[list[str], list[Any]]:
        shown = self.visible(unit) if self.visible else None
        return ([shown[0]], list(shown[1])) if shown else ([], [])

    def _list(self, unit: "Unit") -> bytes:
        where, args = self._where(unit)
        more, values = filters.conditions(self.resource, unit.request)
        return filters.listing(unit, self.resource, where + more, args + values, order=self.order)

    def _find(self, unit: "Unit", id_: str) -> Record:
        where, args = self._where(unit)
        if not where:
            return unit.need(self.resource.kind, id_)
        found = unit.first(self.resource.kind, f"t.id = %s AND ({where[0]})", [id_, *args])
        if found is None:
            raise NotFound
        return found

    def _get(self, unit: "Unit", instance_id: str) -> Reply:
        record = self._find(unit, instance_id)
        relations = unit.request.truth("relations", True)
        return Reply(body=render(self.resource, record, relations), headers={"X-Version": str(record.version)})

    def _create(self, unit: "Unit", *, body: Any) -> Record:
        fields = self.checked(unit, _object(body), creating=True)
        if self.before_create:
            fields = dict(self.before_create(unit, fields))
        for field in self.resource.fields:
            if field.required and fields.get(field.name) is None:
                raise Refused("A required field is missing.")
        return unit.create(self.resource.kind, fields)

    def _update(self, unit: "Unit", instance_id: str, *, body: Any) -> bytes:
        record = self._find(unit, instance_id)
        expect_version(unit, record)
        changes = self.checked(unit, _object(body), creating=False)
        if self.before_update:
            changes = dict(self.before_update(unit, record, changes))
        for name, value in changes.items():
            field = self.resource.by_name[name]
            if value is None and (field.required or not field.nullable):
                raise Refused("A required field is missing.")
        return render(self.resource, unit.update(record, changes), False)

    def _delete(self, unit: "Unit", instance_id: str) -> None:
        record = unit.need(self.resource.kind, instance_id)
        expect_version(unit, record)
        if self.before_delete:
            self.before_delete(unit, record)
        refuse_referenced(unit, record)
        unit.delete(record)

    def checked(self, unit: "Unit", body: Fields, *, creating: bool) -> Fields:
        """Return the body's values as stored. Raises Refused for unknown keys, wrong values and unknown parents."""
        found: Fields = {}
        for name, value in body.items():
            if name in DROPPED:
                continue
            field = self.resource.by_name.get(name)
            if field is None or field.hidden:
                if creating:
                    raise Refused(f"'{name}' is an invalid keyword argument for {self.resource.type}")
                continue
            if field.read_only_post if creating else (field.read_only_put or name == "project_id"):
                continue
            found[name] = stored(field, value)
        check_parents(unit, self.resource, found)
        return found


def _object(body: Any) -> Fields:
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object.")
    return body


def render(resource: Resource, record: Record, relations: bool) -> bytes:
    """Return the wire document of `record`."""
    doc = resource.doc(record)
    return (doc[:-1] + resource.rel(record) if relations else doc).encode()


def stored(field: Field, value: Any) -> Any:
    """Return `value` as the field keeps it. Raises Refused or Invalid."""
    if value is None or field.type == "json":
        return value
    if field.type in ("uuids", "strings"):
        if not isinstance(value, list):
            raise Refused("One of the provided values has an invalid format.")
        return [stored(Field(field.name, field.type[:-1]), item) for item in value]
    if field.type in ("date", "datetime"):
        return _time(field, value)
    if field.type == "uuid":
        if not is_uuid(value):
            raise Refused("One of the provided values has an invalid format.")
        return normal_id(value)
    return _plain(field, value)


def _plain(field: Field, value: Any) -> Any:
    kinds: dict[str, Any] = {"integer": int, "float": float, "boolean": bool}
    try:
        found = CONVERTERS[kinds.get(field.type, str)](value, False)
    except ValueError:
        raise Refused("One of the provided values has an invalid format.") from None
    if (field.max and len(found) > field.max) or (field.choices and found not in field.choices):
        raise Refused("One of the provided values has an invalid format.")
    return found


def _time(field: Field, value: Any) -> str:
    try:
        return wire_moment(value)[: 10 if field.type == "date" else 19]
    except (ValueError, TypeError):
        raise Invalid(
            f"Invalid date format for '{field.name}': '{value}'. Expected an ISO 8601 date or datetime."
        ) from None


def check_parents(unit: "Unit", resource: Resource, fields: Fields) -> None:
    """Raise UnknownParent when a link names a record that this service knows not to exist."""
    for ref, wanted in parents_of(unit, resource, fields):
        if not unit.has(ref, wanted):
            raise UnknownParent("The change conflicts with records referencing this one.")


def parents_of(unit: "Unit", resource: Resource, fields: Fields) -> Iterator[tuple[str, list[str]]]:
    """Yield kind and ids of what `fields` link to, as far as this service knows records of the kind."""
    for name, value in fields.items():
        ref = resource.by_name[name].ref
        if value and ref and ref in unit.resources:
            yield ref, value if isinstance(value, list) else [value]


def refuse_referenced(unit: "Unit", record: Record) -> None:
    """Raise Refused when another owned record still links to `record`."""
    for resource in unit.owned.values():
        for field in resource.fields:
            kept = field in resource.columns or field.name == "project_id"
            if field.ref != record.kind or field.type != "uuid" or not kept or resource.kind == record.kind:
                continue
            if unit.count(resource.kind, f't."{field.name}" = %s', (record.id,)):
                raise Refused("The change conflicts with records referencing this one.")


def expect_version(unit: "Unit", record: Record) -> None:
    """Raise PreconditionFailed when If-Match names another version than the record's."""
    wanted = unit.request.if_match
    if wanted and wanted.strip('"') not in ("*", str(record.version)):
        raise PreconditionFailed(f"The record is at version {record.version} now: read it again, then write.")
