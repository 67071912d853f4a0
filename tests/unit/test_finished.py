"""Large answers are kept while they are the same, for as long as there is room and somebody asks."""

import pytest

from chassis.finished import Finished
from tests.support.waiting import wait_for


@pytest.fixture
def finished() -> Finished:
    return Finished(limit=100, seconds=3600)


def test_an_answer_is_kept_for_its_question_and_tag_alone(finished: Finished) -> None:
    finished.put("shots", "7", b"one", 3)
    assert finished.get("shots", "7") == b"one"
    assert finished.get("assets", "7") is None
    assert finished.get("shots", "8") is None


def test_what_was_made_of_something_older_helps_to_make_it_anew(finished: Finished) -> None:
    finished.put("shots", "7", b"one", 3)
    assert finished.get("shots", "8") is None
    assert finished.last("shots") == ("7", b"one")
    assert finished.last("assets") == ("", None)


def test_the_answer_that_nobody_has_used_for_longest_makes_room(finished: Finished) -> None:
    for name in ("one", "two"):
        finished.put(name, "1", name, 50)
    finished.get("one", "1")
    finished.put("three", "1", "three", 50)
    assert [finished.get(name, "1") for name in ("one", "two", "three")] == ["one", None, "three"]
    assert finished.size == 100


def test_an_answer_that_is_too_large_is_not_kept_and_takes_nobodys_place(finished: Finished) -> None:
    finished.put("one", "1", "one", 50)
    finished.put("all", "1", "all", 101)
    assert finished.get("all", "1") is None
    assert finished.get("one", "1") == "one"


def test_an_answer_takes_the_place_of_the_one_before(finished: Finished) -> None:
    for tag in ("1", "2", "3"):
        finished.put("one", tag, tag, 60)
    assert finished.size == 60
    assert finished.get("one", "3") == "3"


def test_memory_is_given_back_when_nobody_asks() -> None:
    finished = Finished(seconds=0.1)
    for _ in range(2):
        finished.put("one", "1", "one", 50)
        assert finished.size == 50
        wait_for(lambda: finished.size == 0, 5)
