"""The list of events: complete, in the words of the routing keys, each with a schema that holds."""

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator, ValidationError

from chassis.cloud import cloud_event, routing_key
from chassis.events import CREATE, UPDATE, Event
from contracts.event_schemas import event_schema
from contracts.events import FACTS, KINDS
from kiroku.system import specs

ID = "6f0c1a52-0f3b-4b8e-9f0e-0d6f5f7f5b1a"
ROOT = Path(__file__).parents[3]


def an_event(name: str = "tasks.task-progressed", kind: str = "task", op: str = UPDATE, **more: object) -> Event:
    told = {"new": {"priority": 2}, "old": {"priority": 1}, "recorded_at": datetime.now(UTC), "position": 7, **more}
    return Event(name, kind, ID, 2, op, **told)  # type: ignore[arg-type]


def named_facts() -> Iterator[tuple[str, str]]:
    """Yield (place, name) of every event name that services give by hand."""
    for path in sorted((ROOT / "services").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                service, _, what = node.value.partition(".")
                if service in specs() and "-" in what and what.replace("-", "").isalpha():
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value


def test_every_event_that_services_name_by_hand_is_in_the_list() -> None:
    known = {fact.name for fact in FACTS.values()}
    found = list(named_facts())
    assert len(found) > 15
    assert [(place, name) for place, name in found if name not in known] == []


def test_every_event_is_about_a_record_that_its_service_owns() -> None:
    owned = {resource.kind: name for name, spec in specs().items() for resource in spec.owns}
    assert all(owned[fact.kind] == fact.service for fact in FACTS.values())
    assert set(owned) == set(KINDS)


def test_the_list_names_the_version_that_services_write() -> None:
    for fact in FACTS.values():
        assert specs()[fact.service].upcasters.current(fact.name) == fact.version


def parts(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a schema without those of its properties, and these by themselves."""
    inner = schema.get("properties", {})
    yield {**schema, "properties": {name: {} for name in inner}}
    for each in inner.values():
        yield from parts(each)


def test_every_schema_is_a_valid_schema() -> None:
    """The same parts are in many of them, and each is checked once."""
    found = {orjson.dumps(part): part for type_ in FACTS for part in parts(event_schema(type_))}
    assert len(found) > len(FACTS)
    validator = Draft202012Validator(Draft202012Validator.META_SCHEMA)
    assert [part for part in found.values() if not validator.is_valid(part)] == []


def test_an_event_in_the_wrong_shape_does_not_fit_its_schema() -> None:
    validator = Draft202012Validator(event_schema("tasks.task-progressed.v1"))
    validator.validate(cloud_event("tasks", an_event()))
    for wrong in ({"new": {"priority": "high"}}, {"position": 0}, {"op": CREATE}, {"kind": "comment"}):
        with pytest.raises(ValidationError):
            validator.validate(cloud_event("tasks", an_event(**wrong)))


def test_no_schema_tells_of_a_secret() -> None:
    for type_, fact in FACTS.items():
        secrets = {field.name for field in KINDS[fact.kind].fields if field.secret}
        data = event_schema(type_)["properties"]["data"]["properties"]
        assert not secrets & {*data["new"].get("properties", {}), *data["old"].get("properties", {})}


def test_an_event_becomes_a_cloud_event_with_its_position_and_project() -> None:
    told = cloud_event("tasks", an_event(project_id=ID))
    assert (told["specversion"], told["id"], told["source"]) == ("1.0", "tasks-7", "/kiroku/tasks")
    assert (told["type"], told["subject"]) == ("tasks.task-progressed.v1", f"task-{ID}")
    assert (told["position"], told["project"]) == (7, ID)
    assert "project" not in cloud_event("tasks", an_event())


def test_routing_keys_have_three_words() -> None:
    assert routing_key("preview_file", "media.preview-file-broken") == "media.preview-file.preview-file-broken"
    assert all(routing_key(fact.kind, fact.name).count(".") == 2 for fact in FACTS.values())


def test_the_consumer_of_the_guide_is_the_tested_example() -> None:
    code = (ROOT / "examples" / "subscribe.py").read_text()
    assert len(code.splitlines()) < 40
    assert f"```python\n{code}```" in (ROOT / "docs" / "how-to" / "subscribe.md").read_text()
