"""A finished row shows its entity, the names around it, and its tasks in both forms."""

from typing import Any

import orjson

from chassis.changes import Change
from chassis.events import Event
from chassis.resources import Record
from services.tasks.entity_rows import ASSET, ASSET_TASK, SHOT, SHOT_TASK, row_of, touched
from tests.support.moments import NOON

SHOT_DOC = {"id": "s", "name": "SH01", "data": {"fps": "25", "frame_in": 1001, "mood": "dark"}, "parent_id": "q",
            "project_id": "p", "type": "Shot", "nb_frames": 24, "source_id": None}  # fmt: skip
FOUND = ("shot", orjson.dumps(SHOT_DOC).decode(), "Shot", "Film", "q", "SQ01", "e", "E01", [])
TASK = {"id": "t", "entity_id": "s", "duration": 480, "nb_drawings": 3, "assignees": ["a"], "is_subscribed": False,
        "project_id": "p"}  # fmt: skip


def test_a_shot_has_its_place_its_frames_and_its_tasks() -> None:
    body, _ = row_of(FOUND, [TASK])
    row = orjson.loads(body)
    assert list(row) == [*SHOT, "tasks"]
    assert (row["sequence_name"], row["episode_id"], row["project_name"]) == ("SQ01", "e", "Film")
    assert (row["fps"], row["frame_in"], row["frame_out"]) == ("25", 1001, None)
    [task] = row["tasks"]
    assert list(task) == list(SHOT_TASK)
    assert (task["duration"], task["assignees"], task["is_subscribed"]) == (480, ["a"], False)


def test_the_array_holds_the_same_values_in_the_same_order() -> None:
    body, compact = row_of(FOUND, [TASK, {**TASK, "id": "u"}])
    row, array = orjson.loads(body), orjson.loads(compact)
    assert array == [*list(row.values())[:-1], [list(task.values()) for task in row["tasks"]]]


def test_a_shot_outside_of_episodes_has_an_empty_episode_name() -> None:
    body, _ = row_of((*FOUND[:6], None, None, []), [])
    row = orjson.loads(body)
    assert (row["episode_id"], row["episode_name"], row["tasks"]) == (None, "", [])


def test_an_asset_names_its_type_and_the_episodes_it_plays_in() -> None:
    doc = {"id": "a", "entity_type_id": "k", "source_id": "e", "name": "Lamp", "data": None}
    body, _ = row_of(("asset", orjson.dumps(doc).decode(), "Prop", "Film", None, None, None, None, ["e2"]), [TASK])
    row = orjson.loads(body)
    assert list(row) == [*ASSET, "tasks"]
    assert (row["asset_type_name"], row["asset_type_id"], row["episode_id"]) == ("Prop", "k", "e")
    assert row["casting_episode_ids"] == ["e2"]
    assert list(row["tasks"][0]) == list(ASSET_TASK)


def change(of: str, id_: str, op: str, new: dict[str, Any], old: dict[str, Any], **fields: Any) -> Change:
    event = Event(f"x.{of}", of, id_, 2, op, new, old, NOON)
    return Change(event, Record(of, id_, 2, fields, "p", NOON, NOON))


class Answers:
    """A cursor that answers each statement with the same ids, and remembers what was asked."""

    def __init__(self, *ids: str) -> None:
        self.ids, self.asked = ids, 0

    def execute(self, statement: str, args: Any) -> None:
        self.asked += 1

    def fetchall(self) -> list[tuple[str]]:
        return [(id_,) for id_ in self.ids]


def test_a_task_that_moves_touches_the_entity_it_left_and_the_one_it_came_to() -> None:
    moved = change("task", "t", "update", {"entity_id": "b"}, {"entity_id": "a"}, entity_id="b")
    assert touched(Answers(), [moved]) == ["a", "b"]


def test_only_a_new_name_of_a_sequence_touches_its_shots() -> None:
    renamed = change("entity", "q", "update", {"name": "SQ02"}, {"name": "SQ01"}, kind="sequence")
    assert touched(Answers("s1", "s2"), [renamed]) == ["q", "s1", "s2"]
    described = change("entity", "q", "update", {"description": "x"}, {"description": ""}, kind="sequence")
    cursor = Answers("s1")
    assert (touched(cursor, [described]), cursor.asked) == (["q"], 0)


def test_only_a_part_in_an_episode_touches_an_asset() -> None:
    link = {"entity_in_id": "e", "entity_out_id": "a"}
    assert touched(Answers("e"), [change("entity_link", "l", "create", link, {}, **link)]) == ["a"]
    assert touched(Answers(), [change("entity_link", "l", "create", link, {}, **link)]) == []
    counted = change("entity_link", "l", "update", {"nb_occurences": 2}, {"nb_occurences": 1}, **link)
    assert touched(Answers("e"), [counted]) == []
