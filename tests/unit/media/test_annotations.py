"""How drawings on a preview are merged when several people draw at once."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import Invalid
from services.media.annotations import merged


def at(time: float, *names: str, **more: Any) -> dict[str, Any]:
    """Return an annotation at `time` with an object of each name."""
    return {"time": time, "drawing": {"objects": [{"id": name, **more} for name in names]}}


def shown(annotations: list[dict[str, Any]]) -> dict[float, list[str]]:
    """Return the ids of the objects by time."""
    return {each["time"]: [thing["id"] for thing in each["drawing"]["objects"]] for each in annotations}


def test_what_two_people_draw_at_one_time_is_kept_side_by_side() -> None:
    found = merged(merged([], [at(1.0, "maya")], [], []), [at(1.0, "ivy")], [], [])
    assert shown(found) == {1.0: ["maya", "ivy"]}


def test_an_object_drawn_again_takes_the_place_of_the_old_one() -> None:
    found = merged([at(1.0, "a", color="red"), at(2.0, "b")], [], [at(1.0, "a", color="blue")], [])
    assert found[0]["drawing"]["objects"] == [{"id": "a", "color": "blue"}]
    assert shown(found) == {1.0: ["a"], 2.0: ["b"]}


def test_a_time_without_objects_vanishes() -> None:
    assert shown(merged([at(1.0, "a"), at(2.0, "b")], [], [], [{"time": 1.0, "objects": ["a"]}])) == {2.0: ["b"]}


def test_objects_are_erased_by_name_or_as_they_were_drawn() -> None:
    known = [at(1.0, "a", "b", "c")]
    assert shown(merged(known, [], [], [{"time": 1.0, "objects": ["a", {"id": "b"}]}])) == {1.0: ["c"]}
    assert shown(merged(known, [], [], [at(1.0, "c")])) == {1.0: ["a", "b"]}


def test_erasing_what_is_not_there_changes_nothing() -> None:
    known = [at(1.0, "a")]
    assert merged(known, [], [], [{"time": 9.0, "objects": ["a"]}, {"time": 1.0, "objects": ["z"]}, "noise"]) == known


def test_an_object_without_an_id_gets_one() -> None:
    found = merged([], [{"time": 0, "drawing": {"objects": [{"type": "path"}]}}], [], [])
    assert found[0]["drawing"]["objects"][0]["id"]


def test_what_was_known_is_not_touched() -> None:
    known = [at(1.0, "a")]
    merged(known, [at(1.0, "b")], [], [{"time": 1.0, "objects": ["a"]}])
    assert known == [at(1.0, "a")]


@pytest.mark.parametrize("time", ["soon", [1], "nan", "inf", 10**400])
def test_a_time_that_is_no_number_is_refused(time: Any) -> None:
    with pytest.raises(Invalid, match="must be a number"):
        merged([], [{"time": time, "drawing": {"objects": [{"id": "a"}]}}], [], [])


drawings = st.lists(st.builds(at, st.sampled_from([0.0, 0.5, 1.25]), st.sampled_from("abcd")), max_size=6)


@given(drawings, drawings)
def test_drawing_the_same_again_changes_nothing(first: list[Any], second: list[Any]) -> None:
    found = merged([], first, second, [])
    assert merged(found, first, second, []) == found
    assert [each["time"] for each in found] == sorted({each["time"] for each in found})
