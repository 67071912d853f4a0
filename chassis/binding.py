"""From requests to arguments: ids, numbers, dates and lists, refused with the contract's words."""

import inspect
import re
import types
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, NewType, Union, get_args, get_origin
from uuid import UUID

import msgspec
import orjson

from chassis.errors import BadRequest, Invalid, InvalidBody
from chassis.messages import Request

Id = NewType("Id", str)
# The nil UUID, which no record has.
NIL = "00000000-0000-0000-0000-000000000000"
MISSING: Any = inspect.Parameter.empty
_UUID = re.compile(r"[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\Z")


@dataclass(frozen=True)
class Parameter:
    """One argument of an operation: its name, type and default (MISSING when required)."""

    name: str
    type: Any
    default: Any = MISSING

    @property
    def required(self) -> bool:
        """Tell whether a request must give it."""
        return self.default is MISSING


def parameter_of(parameter: inspect.Parameter, hints: dict[str, Any]) -> Parameter:
    """Return the Parameter that a signature declares."""
    return Parameter(parameter.name, hints.get(parameter.name, Any), parameter.default)


def is_uuid(text: Any) -> bool:
    """Tell whether `text` is an id."""
    return isinstance(text, str) and _UUID.match(text) is not None


def normal_id(text: str) -> str:
    """Return `text` in the 36 character form, lower case."""
    return text if len(text) == 36 and text.islower() else str(UUID(text))


def bind_path(parameters: Iterable[Parameter], request: Request, wrong_id: str) -> list[str]:
    """Return the path arguments in order; malformed ids raise Invalid(`wrong_id`)."""
    found = []
    for parameter in parameters:
        value: Any = request.path[parameter.name]
        if parameter.type is Id:
            if not is_uuid(value):
                raise Invalid(wrong_id)
            value = normal_id(value)
        elif parameter.type is not str:
            value = convert(value, parameter.type, text=True)
        found.append(value)
    return found


def bind_values(parameters: tuple[Parameter, ...], request: Request, *, writes: bool) -> dict[str, Any]:
    """Return the keyword arguments from body, form or query. Raises InvalidBody with all errors at once."""
    source, text = values_of(request, writes)
    found: dict[str, Any] = {}
    errors: list[dict[str, str]] = []
    for parameter in parameters:
        value = source.get(parameter.name, MISSING)
        if value is MISSING:
            if parameter.required:
                errors.append({"field": parameter.name, "message": "Field required"})
            found[parameter.name] = parameter.default
            continue
        try:
            found[parameter.name] = convert(value, parameter.type, text=text)
        except ValueError as refusal:
            errors.append({"field": parameter.name, "message": str(refusal)})
    if errors:
        raise InvalidBody(errors)
    return found


def values_of(request: Request, writes: bool) -> tuple[dict[str, Any], bool]:
    """Return the values a request gives, and whether they are texts: JSON first, then form, then query."""
    if writes and request.body is not None:
        if not isinstance(request.body, dict):
            raise InvalidBody([{"field": "body", "message": "Input should be a valid dictionary or object"}])
        return request.body, False
    if writes and request.form:
        return dict(request.form), True
    return {name: values[-1] for name, values in request.query.items()}, True


def convert(value: Any, kind: Any, *, text: bool = False) -> Any:
    """Return `value` as `kind`. Raises ValueError with the sentence clients get. `text` values come from a query."""
    limits: tuple[Any, ...] = ()
    if get_origin(kind) is Annotated:
        kind, *rest = get_args(kind)
        limits = tuple(rest)
    if get_origin(kind) in (Union, types.UnionType):
        options = get_args(kind)
        if type(None) in options and (value is None or (text and value == "" and str not in options)):
            return None
        kind = next(option for option in options if option is not type(None))
        if get_origin(kind) is Annotated:
            return convert(value, kind, text=text)
    converted = _plain(value, kind, text)
    for limit in limits:
        _check_limit(converted, limit)
    return converted


def _plain(value: Any, kind: Any, text: bool) -> Any:
    if kind is Any:
        return value
    if kind in CONVERTERS:
        return CONVERTERS[kind](value, text)
    origin = get_origin(kind) or kind
    if origin is list:
        return _list(value, kind, text)
    if origin is dict:
        return _mapping(value, text)
    if origin is typing.Literal:
        return _one_of(value, get_args(kind))
    try:
        return msgspec.convert(value, kind, strict=not text)
    except msgspec.ValidationError as refusal:
        raise ValueError(str(refusal)) from None


def _mapping(value: Any, text: bool) -> dict[str, Any]:
    if text and isinstance(value, str):
        value = _json(value)
    if not isinstance(value, dict):
        raise ValueError("Input should be a valid dictionary")
    return value


def _one_of(value: Any, options: tuple[Any, ...]) -> Any:
    if value not in options:
        raise ValueError(f"Input should be {' or '.join(repr(option) for option in options)}")
    return value


def _list(value: Any, kind: Any, text: bool) -> list[Any]:
    if text and isinstance(value, str):
        value = _json(value) if value.startswith("[") else [part for part in value.split(",") if part]
    if not isinstance(value, list):
        raise ValueError("Input should be a valid list")
    inner = get_args(kind)
    return [convert(item, inner[0], text=text) for item in value] if inner else value


def _json(value: str) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        raise ValueError("Input should be valid JSON") from None


def _id(value: Any, text: bool) -> str:
    if not isinstance(value, str):
        raise ValueError("UUID input should be a string, bytes or UUID object")
    if not is_uuid(value):
        length = len(value.replace("-", ""))
        raise ValueError(
            f"Input should be a valid UUID, invalid length: expected length 32 for simple format, found {length}"
            if length != 32
            else "Input should be a valid UUID, invalid character"
        )
    return normal_id(value)


def _string(value: Any, text: bool) -> str:
    if not isinstance(value, str):
        raise ValueError("Input should be a valid string")
    # PostgreSQL keeps no such text.
    if "\0" in value:
        raise ValueError("Input should be a string without NUL characters")
    return value


def _integer(value: Any, text: bool) -> int:
    if isinstance(value, bool):
        raise ValueError("Input should be a valid integer")
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d{1,18}", value.strip()):
        return int(value)
    if isinstance(value, float) and value == int(value):
        return int(value)
    if not isinstance(value, int):
        raise ValueError("Input should be a valid integer")
    return value


def _number(value: Any, text: bool) -> float:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise ValueError("Input should be a valid number") from None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # noqa: PLR0124 (NaN)
        raise ValueError("Input should be a valid number")
    return value


def _boolean(value: Any, text: bool) -> bool:
    if isinstance(value, str) and value.lower() in TRUTHS:
        return TRUTHS[value.lower()]
    if value in (0, 1):
        return bool(value)
    raise ValueError("Input should be a valid boolean")


TRUTHS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def _day(value: Any, text: bool) -> str:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value[:10]).isoformat()
        except ValueError:
            pass
    raise ValueError("Input should be a valid date in the format YYYY-MM-DD")


def _moment(value: Any, text: bool) -> str:
    """Return ISO text in UTC to the second, as the wire has it."""
    try:
        return wire_moment(value)
    except (ValueError, TypeError, AttributeError):
        raise ValueError("Input should be a valid datetime in ISO 8601 format") from None


def wire_moment(value: str) -> str:
    """Return ISO 8601 text as UTC `YYYY-MM-DDTHH:MM:SS`. Raises ValueError."""
    parsed = datetime.fromisoformat(value)
    if parsed.tzinfo:
        parsed = parsed.astimezone(UTC)
    return parsed.strftime("%Y-%m-%dT%H:%M:%S")


CONVERTERS: dict[Any, Callable[[Any, bool], Any]] = {
    Id: _id,
    str: _string,
    int: _integer,
    float: _number,
    bool: _boolean,
    date: _day,
    datetime: _moment,
}


def _check_limit(value: Any, limit: Any) -> None:
    if not isinstance(limit, msgspec.Meta):
        return
    if limit.ge is not None and value < limit.ge:
        raise ValueError(f"Input should be greater than or equal to {limit.ge}")
    if limit.gt is not None and value <= limit.gt:
        raise ValueError(f"Input should be greater than {limit.gt}")
    if limit.le is not None and value > limit.le:
        raise ValueError(f"Input should be less than or equal to {limit.le}")
    if limit.max_length is not None and len(value) > limit.max_length:
        raise ValueError(f"String should have at most {limit.max_length} characters")
    if limit.min_length is not None and len(value) < limit.min_length:
        raise ValueError(f"String should have at least {limit.min_length} character")


def parse_json(raw: bytes) -> Any:
    """Return the value of a JSON body. Raises BadRequest with the contract's sentence."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise BadRequest("The browser (or proxy) sent a request that this server could not understand.") from None
