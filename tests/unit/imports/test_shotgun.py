"""What ShotGrid sends becomes our fields, and nothing it could send makes the import fall over."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import Invalid
from services.imports import shotgun_rows as rows
from services.imports.shotgun import SHOTS, linked_numbers, mapped
from services.imports.shotgun_rows import Index, MissingKey

INDEX = Index(
    projects={1: "film"},
    project_names={"Film": "film"},
    persons={7: "ana"},
    departments={"Anim": "department", "Modeling": "modeling"},
    project_statuses={"Active": "open"},
    statuses={"wip": "status"},
    steps={3: "step"},
    types={"prop": "prop", "shot": "shot", "sequence": "sequence", "scene": "scene", "episode": "episode"},
    entities={("asset", 5): "lamp", ("sequence", 6): "sq", ("episode", 8): "e1", ("scene", 9): "sc"},
    tasks={11: "task"},
)
FILM = {"type": "Project", "id": 1, "name": "Film"}


def test_a_shot_has_its_frames_from_the_cut_and_keeps_the_studios_own_values() -> None:
    entry = {
        "id": 4, "code": "SH01", "project": FILM, "sg_sequence": {"id": 6}, "sg_scene": {"id": 9},
        "sg_cut_in": 1001, "sg_cut_duration": 24, "sg_mood": "dark", "sg_nothing": None, "description": "d",
    }  # fmt: skip
    assert rows.shot(entry, INDEX) == {
        "shotgun_id": 4, "name": "SH01", "description": "d", "project_id": "film", "entity_type_id": "shot",
        "kind": "shot", "parent_id": "sq", "source_id": "sc", "nb_frames": 24,
        "data": {"sg_mood": "dark", "frame_in": 1001, "frame_out": 1025},
    }  # fmt: skip


def test_people_without_an_address_are_skipped_and_rules_become_roles() -> None:
    entry = {"id": 7, "firstname": "Ana", "lastname": "B", "email": "Ana@Studio.com",
             "login": "ana", "sg_status_list": "act", "permission_rule_set": {"name": "Manager"},
             "department": {"name": "Anim"}}  # fmt: skip
    found = rows.person(entry, INDEX)
    assert found is not None
    assert (found["email"], found["role"], found["active"], found["departments"]) == (
        "ana@studio.com", "manager", True, ["department"],
    )  # fmt: skip
    assert rows.person({**entry, "permission_rule_set": {"name": "Artist"}}, INDEX)["role"] == "user"  # type: ignore[index]
    assert rows.person({**entry, "email": rows.UNKNOWN_EMAIL}, INDEX) is None


def test_a_task_stands_on_what_is_known_and_keeps_only_known_people() -> None:
    entry = {
        "id": 2, "cached_display_name": "Model", "project": FILM, "step": {"id": 3},
        "entity": {"type": "Asset", "id": 5},
        "task_assignees": [{"id": 7}, {"id": 99}], "sg_status_list": "wip", "created_by": {"id": 7},
    }  # fmt: skip
    found = rows.task(entry, INDEX)
    assert found is not None
    assert (found["entity_id"], found["task_type_id"], found["assignees"]) == ("lamp", "step", ["ana"])
    for key in ("project", "step", "entity"):
        assert rows.task({**entry, key: None}, INDEX) is None


def test_colours_are_written_as_the_web_writes_them() -> None:
    assert rows.colour("12, 255,0") == "#0cff00"
    for wrong in (None, "red", "1,2", "1,2,3,4"):
        with pytest.raises(MissingKey, match="color"):
            rows.colour(wrong)


def test_castings_are_pairs_of_numbers_once_each() -> None:
    entries: list[Any] = [
        {"id": 1, "assets": [{"id": 5}, {"id": 5}, {"id": "6"}, None, 7]}, {"id": 2, "assets": "many"}, {"id": 3},
    ]  # fmt: skip
    assert linked_numbers(entries, "assets") == [(1, 5)]


json = st.recursive(
    st.none() | st.booleans() | st.integers(0, 12) | st.sampled_from(("Film", "prop", "Anim x", "1,2,3", "wip", "")),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(("id", "name", "type")), inner),
    max_leaves=5,
)
KEYS = (
    "code", "name", "project", "sg_asset_type", "sg_sequence", "sg_scene", "sg_cut_in", "sg_cut_duration", "entity",
    "step", "task_assignees", "sg_task", "tasks", "user", "email", "firstname", "lastname", "permission_rule_set",
    "department", "color", "bg_color", "sg_status", "sg_uploaded_movie",
)  # fmt: skip
MAPS = (rows.project, rows.person, rows.status, rows.step, rows.asset, rows.sequence, rows.shot, rows.task,
        rows.version, rows.note)  # fmt: skip


@given(st.fixed_dictionaries({"id": json}, optional=dict.fromkeys(KEYS, json)), st.sampled_from(MAPS))
def test_whatever_an_entry_holds_it_is_mapped_skipped_or_refused(
    entry: dict[str, Any], mapping: Callable[[rows.Entry, Index], rows.Fields | None]
) -> None:
    kind = replace(SHOTS, map=lambda given, _: mapping(given, INDEX), prepare=())
    unit: Any = None
    with suppress(Invalid):
        [fate] = mapped(unit, [entry], kind)
        assert fate is None or fate["shotgun_id"] == entry["id"]
