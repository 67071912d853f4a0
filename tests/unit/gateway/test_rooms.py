"""Who may be in a review room, and what is passed on there."""

import asyncio
from types import SimpleNamespace
from typing import Any

from chassis.messages import Actor
from gateway.live.rooms import Rooms

PLAYLIST = "00000005-0000-4000-8000-000000000000"


class House:
    """Rooms with a server that writes down what it is told, and a list of who may watch."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self.inside: set[str] = set()
        self.allowed = {"maya", "ivy"}
        server = SimpleNamespace(emit=self._emit, enter_room=self._enter, leave_room=self._leave)
        self.rooms = Rooms(server, "/events", lambda actor, _: actor.person_id in self.allowed)

    async def _emit(self, name: str, payload: Any, **_: Any) -> None:
        self.told.append((name, payload))

    async def _enter(self, sid: str, *_: Any, **__: Any) -> None:
        self.inside.add(sid)

    async def _leave(self, sid: str, *_: Any, **__: Any) -> None:
        self.inside.discard(sid)

    def names(self) -> list[str]:
        """Return the names of what was told, and forget it."""
        names = [name for name, _ in self.told]
        self.told.clear()
        return names


async def joined(*people: str) -> House:
    """Return a house in whose one room these people asked to be."""
    house = House()
    for person in people:
        house.rooms.know(person, Actor(person_id=person, role="user"))
        await house.rooms.heard("preview-room:join", person, {"playlist_id": PLAYLIST, "current": 3})
    return house


def test_the_first_in_a_room_says_what_is_watched_and_the_next_is_told() -> None:
    house = asyncio.run(joined("maya", "ivy"))
    assert house.told[-1] == (
        "preview-room:room-updated",
        {"playlist_id": PLAYLIST, "current": 3, "people": ["maya", "ivy"]},
    )


def test_strangers_neither_enter_nor_relay() -> None:
    async def story() -> House:
        house = await joined("maya", "stranger")
        house.told.clear()
        await house.rooms.heard("preview-room:panzoom-changed", "stranger", {"playlist_id": PLAYLIST})
        return house

    house = asyncio.run(story())
    assert house.inside == {"maya"}
    assert house.names() == []


def test_annotations_are_relayed_and_unknown_messages_are_not() -> None:
    async def story() -> House:
        house = await joined("maya")
        house.told.clear()
        await house.rooms.heard("preview-room:add-annotation", "maya", {"playlist_id": PLAYLIST})
        await house.rooms.heard("preview-room:reboot", "maya", {"playlist_id": PLAYLIST})
        await house.rooms.heard("task:update", "maya", {"playlist_id": PLAYLIST})
        await house.rooms.heard("preview-room:add-annotation", "maya", {"playlist_id": "../x"})
        return house

    assert asyncio.run(story()).names() == ["preview-room:add-annotation"]


def test_who_leaves_the_team_leaves_the_room() -> None:
    async def story() -> House:
        house = await joined("maya", "ivy")
        house.told.clear()
        house.allowed = {"maya"}
        await house.rooms.look_again({person: Actor(person_id=person, role="user") for person in ("maya", "ivy")})
        await house.rooms.heard("preview-room:panzoom-changed", "ivy", {"playlist_id": PLAYLIST})
        return house

    house = asyncio.run(story())
    assert house.inside == {"maya"}
    assert house.told == [
        ("preview-room:room-people-updated", {"people": ["maya"], "playlist_id": PLAYLIST, "id": PLAYLIST})
    ]


def test_a_closed_connection_leaves_its_room() -> None:
    async def story() -> House:
        house = await joined("maya", "ivy")
        house.told.clear()
        await house.rooms.forget("ivy")
        return house

    assert asyncio.run(story()).told[0][1]["people"] == ["maya"]
