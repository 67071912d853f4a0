"""Patches as Kustomize applies them: strategic merges of pod templates, and JSON patches. Pure."""

from copy import deepcopy
from typing import Any

# What identifies the items of a list in a pod template; other lists are replaced as a whole.
KEYS = {
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "ports": "containerPort",
    "topologySpreadConstraints": "topologyKey",
}


def merged(base: Any, patch: Any, field: str = "") -> Any:
    """Return `base` with the strategic merge `patch` over it."""
    if isinstance(base, dict) and isinstance(patch, dict):
        found = {name: deepcopy(value) for name, value in base.items() if patch.get(name, "") is not None}
        for name, value in patch.items():
            if value is not None:
                found[name] = merged(base[name], value, name) if name in base else deepcopy(value)
        return found
    if isinstance(base, list) and isinstance(patch, list) and field in KEYS:
        return _merged_lists(base, patch, KEYS[field])
    return deepcopy(patch)


def _merged_lists(base: list[Any], patch: list[Any], key: str) -> list[Any]:
    left = {item[key]: item for item in patch}
    kept = [merged(item, left.pop(item[key])) if item[key] in left else deepcopy(item) for item in base]
    return [deepcopy(item) for item in patch if item[key] in left] + kept


def changed(document: Any, operations: list[dict[str, Any]]) -> Any:
    """Return `document` after a JSON patch of add, replace and remove. Raises KeyError, IndexError for a dead path."""
    found = deepcopy(document)
    for operation in operations:
        steps = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        place = found
        for step in steps[:-1]:
            place = place[int(step)] if isinstance(place, list) else place[step]
        _change(place, steps[-1], operation)
    return found


def _change(place: Any, name: str, operation: dict[str, Any]) -> None:
    what, value = operation["op"], operation.get("value")
    if what not in ("add", "replace", "remove"):
        raise ValueError(f"unknown operation {what!r} in a patch")
    if isinstance(place, list):
        if what == "add":
            place.insert(len(place) if name == "-" else int(name), value)
        elif what == "remove":
            del place[int(name)]
        else:
            place[int(name)] = value
    elif what == "remove":
        del place[name]
    elif what == "replace" and name not in place:
        raise KeyError(operation["path"])
    else:
        place[name] = value
