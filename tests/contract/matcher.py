"""Compare a reply with the recorded one, where parts of the recording are typed placeholders."""

import re
import uuid
from collections.abc import Callable
from typing import Any

Refs = dict[str, str]

PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class MissingRefError(KeyError):
    """A case names a thing of the world that does not exist."""


def resolve(value: Any, refs: Refs) -> Any:
    """Replace every `{{name}}` in strings, keys and nested values by its id."""
    if isinstance(value, str):
        return PLACEHOLDER.sub(lambda found: _known(found.group(1), refs), value)
    if isinstance(value, list):
        return [resolve(item, refs) for item in value]
    if isinstance(value, dict):
        return {resolve(key, refs): resolve(item, refs) for key, item in value.items()}
    return value


def names_in(value: Any) -> set[str]:
    """List the names that `{{name}}` placeholders of a value use."""
    if isinstance(value, str):
        return set(PLACEHOLDER.findall(value))
    if isinstance(value, list):
        return set().union(*map(names_in, value)) if value else set()
    if isinstance(value, dict):
        return set().union(*(names_in(key) | names_in(item) for key, item in value.items())) if value else set()
    return set()


def differences(expected: Any, actual: Any, refs: Refs, where: str = "$") -> list[str]:
    """Tell in words where `actual` is not what `expected` (resolved) asks for; [] when it fits.

    `{"$same": name}` binds the id at first sight in `refs` and asks for the same one afterwards.
    """
    if isinstance(expected, dict):
        special = next((key for key in expected if key in _SPECIAL), None)
        if special is not None:
            return _SPECIAL[special](expected[special], actual, refs, where)
        return _object(expected, actual, refs, where)
    if isinstance(expected, list):
        return _array(expected, actual, refs, where)
    if isinstance(expected, bool) != isinstance(actual, bool) or expected != actual:
        return [f"{where}: expected {expected!r}, got {_short(actual)}"]
    return []


def _known(name: str, refs: Refs) -> str:
    if name not in refs:
        raise MissingRefError(name)
    return refs[name]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 160 else text[:157] + "..."


def _object(expected: dict[str, Any], actual: Any, refs: Refs, where: str) -> list[str]:
    """Match key by key; `$more` counts the keys left out of the recording, `$keys` names all of them."""
    if not isinstance(actual, dict):
        return [f"{where}: expected an object, got {_short(actual)}"]
    wanted = {key: item for key, item in expected.items() if key not in ("$more", "$keys")}
    found = []
    for key, item in wanted.items():
        if key not in actual:
            found.append(f"{where}: key {key!r} is missing")
        else:
            found += differences(item, actual[key], refs, f"{where}.{key}")
    found += _extra_keys(expected, wanted, actual, where)
    return found


def _extra_keys(expected: dict[str, Any], wanted: dict[str, Any], actual: dict[str, Any], where: str) -> list[str]:
    if "$keys" in expected:
        lacking, strange = set(expected["$keys"]) - set(actual), set(actual) - set(expected["$keys"])
        texts = [f"{where}: keys {sorted(lacking)} are missing"] if lacking else []
        return texts + ([f"{where}: keys {sorted(strange)} are not expected"] if strange else [])
    extra = sorted(set(actual) - set(wanted))
    low, high = _bounds(expected.get("$more", 0))
    if low <= len(extra) <= high:
        return []
    if not high:
        return [f"{where}: keys {extra} are not expected"]
    return [f"{where}: {len(extra)} more keys, the recording has {expected['$more']}: {extra}"]


def _bounds(more: Any) -> tuple[int, float]:
    if more == "any":
        return 0, float("inf")
    if isinstance(more, list):
        return more[0], more[1]
    return more, more


def _array(expected: list[Any], actual: Any, refs: Refs, where: str) -> list[str]:
    """Match item by item in order; a list cut by `{"$more": n}` in any order."""
    if not isinstance(actual, list):
        return [f"{where}: expected a list, got {_short(actual)}"]
    cut = bool(expected) and isinstance(expected[-1], dict) and list(expected[-1]) == ["$more"]
    items = expected[:-1] if cut else expected
    low, high = _bounds(expected[-1]["$more"]) if cut else (0, 0)
    if not len(items) + low <= len(actual) <= len(items) + high:
        return [f"{where}: expected {len(items)} + {low} items, got {len(actual)}: {_short(actual)}"]
    if cut:
        return _any_order(items, list(actual), refs, where)
    found: list[str] = []
    for index, item in enumerate(items):
        found += differences(item, actual[index], refs, f"{where}[{index}]")
    return found


def _any_order(items: list[Any], left: list[Any], refs: Refs, where: str) -> list[str]:
    found = []
    for index, item in enumerate(items):
        tries = [(differences(item, candidate, dict(refs), f"{where}[{index}]"), candidate) for candidate in left]
        best = min(tries, key=lambda tried: len(tried[0]), default=([f"{where}[{index}]: nothing is like it"], None))
        found += best[0]
        if best[1] is not None and not best[0]:
            differences(item, best[1], refs)
            left.remove(best[1])
    return found


def _shape(name: str, check: Callable[[Any], bool]) -> Callable[[Any, Any, Refs, str], list[str]]:
    def compare(_argument: Any, actual: Any, _refs: Refs, where: str) -> list[str]:
        return [] if check(actual) else [f"{where}: expected {name}, got {_short(actual)}"]

    return compare


def _is_uuid(value: Any) -> bool:
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value
    except ValueError:
        return False


def _same(name: str, actual: Any, refs: Refs, where: str) -> list[str]:
    if not _is_uuid(actual):
        return [f"{where}: expected an id, got {_short(actual)}"]
    if refs.setdefault(name, actual) != actual:
        return [f"{where}: expected the id {refs[name]} ({name}), got {actual}"]
    return []


def _regex(pattern: str, actual: Any, _refs: Refs, where: str) -> list[str]:
    if isinstance(actual, str) and re.search(pattern, actual):
        return []
    return [f"{where}: expected text like {pattern!r}, got {_short(actual)}"]


def _one_of(choices: list[Any], actual: Any, refs: Refs, where: str) -> list[str]:
    if any(not differences(choice, actual, refs, where) for choice in choices):
        return []
    return [f"{where}: expected one of {_short(choices)}, got {_short(actual)}"]


def _file_tree(modes: list[str], actual: Any, _refs: Refs, where: str) -> list[str]:
    if isinstance(actual, dict) and set(modes) <= set(actual):
        return []
    return [f"{where}: expected a file tree with {modes}, got {_short(actual)}"]


_SPECIAL: dict[str, Callable[[Any, Any, Refs, str], list[str]]] = {
    "$any": _shape("anything", lambda _value: True),
    "$uuid": _shape("a uuid", _is_uuid),
    "$datetime": _shape("a datetime", lambda value: isinstance(value, str) and bool(DATETIME.fullmatch(value))),
    "$date": _shape("a date", lambda value: isinstance(value, str) and bool(DATE.fullmatch(value))),
    "$int": _shape("an integer", lambda value: isinstance(value, int) and not isinstance(value, bool)),
    "$same": _same,
    "$regex": _regex,
    "$one_of": _one_of,
    "$file_tree": _file_tree,
}
