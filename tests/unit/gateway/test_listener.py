"""What each listener of the live events may hear, and by which token they come."""

from typing import Any

import pytest

from chassis.messages import Actor
from gateway.live.hub import token_of
from gateway.live.listener import Listener

MINE, FOREIGN, PERSON, TASK, OTHER_TASK, PLAYLIST = (f"0000000{n}-0000-4000-8000-000000000000" for n in range(6))


def listener(role: str) -> Listener:
    """Return somebody of `role` in the project MINE who is assigned to TASK; administrators are in all."""
    actor = Actor(person_id=PERSON, role=role, identity="person")
    return Listener("token", actor, None if role == "admin" else {MINE}, {TASK})


@pytest.mark.parametrize(
    ("role", "name", "payload", "project_id", "heard"),
    [
        ("user", "task:update", {"task_id": OTHER_TASK}, MINE, True),
        ("user", "task:update", {"task_id": OTHER_TASK}, FOREIGN, False),
        ("manager", "task:update", {"task_id": OTHER_TASK}, FOREIGN, False),
        ("admin", "task:update", {"task_id": OTHER_TASK}, FOREIGN, True),
        ("user", "task-type:update", {"task_type_id": TASK}, None, True),
        ("admin", "notification:new", {"person_id": TASK}, None, False),
        ("user", "notification:new", {"person_id": PERSON}, MINE, True),
        ("vendor", "task:update", {"task_id": TASK}, MINE, True),
        ("vendor", "task:update", {"task_id": OTHER_TASK}, MINE, False),
        ("vendor", "playlist:update", {"playlist_id": PLAYLIST, "task_id": TASK}, MINE, False),
        ("client", "playlist:update", {"playlist_id": PLAYLIST}, MINE, True),
        ("client", "time-spent:new", {"task_id": TASK}, MINE, False),
        ("client", "comment:acknowledge", {"comment_id": TASK}, MINE, False),
        ("client", "playlist:new", {"for_client": False}, MINE, False),
        ("client", "playlist:new", {"for_client": True}, MINE, True),
        ("client", "playlist:new", {"for_client": False, "person_id": PERSON}, MINE, True),
    ],
)
def test_people_hear_what_they_may_see(
    role: str, name: str, payload: dict[str, Any], project_id: str | None, heard: bool
) -> None:
    assert listener(role).may_hear(name, payload, project_id) is heard


@pytest.mark.parametrize(
    ("environ", "auth", "token"),
    [
        ({"HTTP_AUTHORIZATION": "Bearer abc"}, None, "abc"),
        ({"HTTP_COOKIE": "other=1; access_token_cookie=abc"}, None, "abc"),
        ({}, {"token": "abc"}, "abc"),
        ({"HTTP_AUTHORIZATION": "Basic abc"}, None, None),
        ({"HTTP_AUTHORIZATION": "Bearer "}, None, None),
        ({}, {"token": ["abc"]}, None),
        ({}, "abc", None),
        ({}, None, None),
    ],
)
def test_a_token_comes_in_a_header_a_cookie_or_the_greeting(environ: Any, auth: Any, token: str | None) -> None:
    assert token_of(environ, auth) == token
