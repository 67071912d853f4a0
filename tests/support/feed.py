"""The feed of events as another system reads it, and the schemas that the server publishes for them."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import requests
from jsonschema import Draft202012Validator


def all_events(url: str, headers: dict[str, str], service: str, limit: int = 500) -> Iterator[dict[str, Any]]:
    """Yield the whole log of a service, page by page; positions must be 1, 2, 3 … without a gap."""
    position, head = 0, 1
    while position < head:
        query: dict[str, str | int] = {"service": service, "after": position, "limit": limit}
        reply = requests.get(f"{url}/data/events/feed", query, headers=headers, timeout=60)
        reply.raise_for_status()
        page = reply.json()
        assert [e["position"] for e in page["events"]] == list(range(position + 1, page["position"] + 1))
        yield from page["events"]
        position, head = page["position"], page["head"]


@cache
def validator(url: str, event_type: str) -> Draft202012Validator:
    """Return the validator of the schema that the server publishes."""
    reply = requests.get(f"{url}/docs/events/{event_type}.json", timeout=30)
    reply.raise_for_status()
    return Draft202012Validator(reply.json(), format_checker=Draft202012Validator.FORMAT_CHECKER)


def expect_fit(url: str, event: dict[str, Any]) -> None:
    """Fail unless an event fits its schema, which knows each of its fields."""
    found = validator(url, event["type"])
    found.validate(event)
    data = found.schema["properties"]["data"]["properties"]
    for side in ("new", "old"):
        unknown = set(event["data"][side]) - set(data[side].get("properties", {}))
        assert not unknown, f"{event['type']} tells of {unknown}"
