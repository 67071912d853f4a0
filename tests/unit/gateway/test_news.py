"""What a gateway tells services to know, of what it has answered and heard."""

from chassis.moves import ALL, Move
from gateway.kept import Moves, later

FOLLOWS = {"media": {"tasks": ["task", "comment"], "auth": ["person"]}, "auth": {}}


def moves() -> Moves:
    made = Moves(dict.fromkeys(("media", "tasks", "auth"), frozenset()), FOLLOWS)
    made.listen()
    assert all(made.look(service, lambda _: (10, 0)) for service in made.services)
    return made


def test_what_was_heard_of_is_news_where_it_is_followed() -> None:
    known = moves()
    assert known.news("media") == {}
    known.heard("tasks", Move(10, 11, ("task", "#1")))
    assert known.news("media") == {"tasks": 11}
    assert known.news("auth") == known.news("tasks") == {}
    known.heard("tasks", Move(11, 12, ("time_spent", "#1")))
    assert known.news("media") == {"tasks": 11}
    known.heard("tasks", Move(12, 15, (ALL,)))
    known.heard("auth", Move(10, 12, ("person",)))
    assert known.news("media") == {"tasks": 15, "auth": 12}


def test_what_was_answered_here_is_news_before_it_is_heard_of_and_then_only_if_it_is_followed() -> None:
    known = moves()
    known.written({"tasks": 11})
    assert known.news("media") == {"tasks": 11}
    known.heard("tasks", Move(10, 11, ("time_spent", "#1")))
    assert known.news("media") == {}


def test_of_two_positions_the_later_one_counts() -> None:
    assert later({"a": 1, "b": 5}, {"b": 3, "c": 2}) == {"a": 1, "b": 5, "c": 2}
    assert later({"a": 1}, {}) == {"a": 1}
