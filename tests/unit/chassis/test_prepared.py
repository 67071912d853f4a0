"""Statements that are planned once per connection."""

from types import SimpleNamespace
from typing import Any

from chassis.prepared import Prepared, plan_of, prepared_for


class Connection:
    """A connection that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        prepared = SimpleNamespace(prepared=set())
        self.cursor = SimpleNamespace(
            connection=prepared, execute=lambda text, args=None: self.told.append((text, args))
        )


def test_a_statement_is_prepared_once_per_connection() -> None:
    statement = Prepared("get it", ["uuid"], "SELECT 1 WHERE id = $1")
    for connection in (Connection(), Connection()):
        statement.run(connection.cursor, ("a",))
        statement.run(connection.cursor, ("b",))
        assert connection.told == [
            ('PREPARE "get it" (uuid) AS SELECT 1 WHERE id = $1', None),
            ('EXECUTE "get it" (%s::uuid)', ("a",)),
            ('EXECUTE "get it" (%s::uuid)', ("b",)),
        ]


def test_arguments_are_numbered_and_their_types_are_those_that_are_said() -> None:
    connection = Connection()
    plan = plan_of("SELECT '%%' WHERE a = %s AND b = ANY(%s::uuid[]) AND c = %s::int")
    plan.run(connection.cursor, (1, ["x"], 3))
    assert connection.told == [
        (
            f'PREPARE "{plan.name}" (unknown, uuid[], int) AS '
            "SELECT '%' WHERE a = $1 AND b = ANY($2::uuid[]) AND c = $3::int",
            None,
        ),
        (f'EXECUTE "{plan.name}" (%s, %s::uuid[], %s::int)', (1, ["x"], 3)),
    ]


def test_without_arguments_there_is_nothing_in_brackets() -> None:
    connection = Connection()
    plan = plan_of("SELECT 2")
    plan.run(connection.cursor, ())
    assert [text for text, _ in connection.told] == [f'PREPARE "{plan.name}" AS SELECT 2', f'EXECUTE "{plan.name}"']


def test_the_same_text_has_one_plan_and_another_text_another() -> None:
    assert plan_of("SELECT 3") is plan_of("SELECT 3")
    assert plan_of("SELECT 3").name != plan_of("SELECT 4").name


def test_what_is_made_for_a_thing_is_made_once_for_each_purpose() -> None:
    thing, made = object(), []

    def make(_: Any, how: str) -> Prepared:
        made.append(how)
        return Prepared(how, [], "SELECT 1")

    assert prepared_for(thing, "get", make) is prepared_for(thing, "get", make)
    prepared_for(thing, "keep", make)
    assert made == ["get", "keep"]
