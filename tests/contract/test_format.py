"""The case files and the matcher themselves, without a server."""

from typing import Any

import pytest

from .cases import load_routes
from .client import PEOPLE
from .fixtures import FIXTURES, HDR_BYTES, content, hdr, obj, png
from .matcher import MissingRefError, differences, names_in, resolve
from .world import WORLD_STEPS, world_names

SERVICES = {"auth", "production", "tasks", "media", "imports"}
ID = "3465523e-dc04-4510-8239-d8e9a8091024"
OTHER_ID = "26fb460f-21ea-482f-853e-88024eeb1ec9"


def _same_names(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(_same_names, value)) if value else set()
    if isinstance(value, dict):
        own = {value["$same"]} if "$same" in value else set()
        return own.union(*map(_same_names, value.values()))
    return set()


def test_all_recorded_cases_are_here() -> None:
    routes = load_routes()
    assert [route.number for route in routes] == list(range(1, 59))
    assert sum(len(route.cases) for route in routes) == 372


def test_cases_of_a_route_have_names_of_their_own_and_known_actors() -> None:
    for route in load_routes():
        names = [case.name for case in route.cases]
        assert len(set(names)) == len(names), route.label
        assert {case.actor for case in route.cases} <= {None, "admin", *PEOPLE}, route.label
        assert route.service in SERVICES


def test_every_placeholder_is_made_before_it_is_used() -> None:
    known = world_names()
    for route in load_routes():
        local = set(known)
        for step in route.setup:
            assert names_in(step.request()) <= local, route.label
            local |= set(step.save)
        for case in route.cases:
            assert names_in(case.request) <= local, (route.label, case.name)
            assert names_in(case.expect) <= local, (route.label, case.name)
            local |= _same_names(case.expect)


def test_every_step_of_the_world_uses_what_earlier_steps_made() -> None:
    known = {"admin", "admin_email"}
    for step in WORLD_STEPS:
        used = names_in(step.request()) | names_in(step.find)
        assert used <= known, (step.path, used - known)
        known |= set(step.save)


def test_every_request_fits_the_path_of_its_route() -> None:
    for route in load_routes():
        wanted = route.path.replace("{extension}", "x").strip("/").split("/")
        for case in route.cases:
            parts = case.request["path"].strip("/").split("/")
            assert len(parts) == len(wanted), (route.label, case.name)


def test_every_file_of_a_case_has_bytes() -> None:
    for route in load_routes():
        for case in route.cases:
            for file in case.request.get("files", {}).values():
                assert isinstance(content(file), bytes)
    assert set(FIXTURES) == {"png", "obj", "hdr", "mp4"}
    assert (len(hdr()), len(obj()), png()[:4]) == (HDR_BYTES, 12, b"\x89PNG")


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ({"a": 1, "b": None}, {"b": None, "a": 1.0}),
        ({"id": {"$uuid": True}}, {"id": ID}),
        ({"at": {"$datetime": True}}, {"at": "2026-11-23T16:00:49"}),
        ({"a": 1, "$more": 1}, {"a": 1, "b": 2}),
        ({"a": 1, "$more": [1, 2]}, {"a": 1, "b": 2, "c": 3}),
        ({"a": 1, "$more": "any"}, {"a": 1}),
        ({"a": 1, "$more": "any", "$keys": ["a", "b"]}, {"a": 1, "b": 2}),
        ([{"x": 2}, {"$more": 1}], [{"x": 1}, {"x": 2}]),
        ([{"$same": "one"}, {"$same": "one"}], [ID, ID]),
        ({"d": {"$one_of": [None, {"$date": True}]}}, {"d": None}),
        ({"tree": {"$file_tree": ["working"]}}, {"tree": {"working": {}, "output": {}}}),
        (True, True),
        ({"l": {"$regex": "^http"}}, {"l": "http://x"}),
    ],
)
def test_a_reply_that_fits_has_no_differences(expected: Any, actual: Any) -> None:
    assert differences(expected, actual, {}) == []


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1}, {}),
        ({"a": 1}, {"a": True}),
        ({"a": "1"}, {"a": 1}),
        ({"a": False}, {"a": 0}),
        ({"a": 1, "$more": 1}, {"a": 1}),
        ({"a": 1, "$more": "any", "$keys": ["a", "b"]}, {"a": 1, "c": 2}),
        ([1, 2], [2, 1]),
        ([1], [1, 1]),
        ([{"x": 2}, {"$more": 1}], [{"x": 1}, {"x": 3}]),
        ([{"x": 2}, {"x": 2}, {"$more": 1}], [{"x": 1}, {"x": 2}, {"x": 3}]),
        ([{"$same": "one"}, {"$same": "one"}], [ID, OTHER_ID]),
        ({"id": {"$uuid": True}}, {"id": "abc"}),
        ({"at": {"$datetime": True}}, {"at": "2026-11-23T16:00:49.123"}),
        ([], {}),
        ({}, []),
        ({}, None),
    ],
)
def test_a_reply_that_does_not_fit_has_differences(expected: Any, actual: Any) -> None:
    assert differences(expected, actual, {})


def test_placeholders_are_replaced_in_keys_and_values() -> None:
    refs = {"shot": ID}
    assert resolve({"{{shot}}": ["/data/shots/{{shot}}"]}, refs) == {ID: [f"/data/shots/{ID}"]}
    with pytest.raises(MissingRefError):
        resolve("{{edit}}", refs)
