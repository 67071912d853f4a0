"""Review rooms: people who watch one playlist together; what one does is relayed to the others."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chassis.binding import is_uuid
from chassis.messages import Actor

PREFIX = "preview-room:"
RELAYED = {
    f"{PREFIX}{name}"
    for name in (
        "add-annotation", "remove-annotation", "update-annotation", "change-version", "panzoom-changed",
        "comparison-panzoom-changed",
    )
}  # fmt: skip


@dataclass
class Room:
    """Who is listed in a room, by connection, and what they look at."""

    people: dict[str, str] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)


class Rooms:
    """The rooms of this process. They live as long as somebody is in them and are stored nowhere."""

    def __init__(self, server: Any, namespace: str, may_open: Callable[[Actor, str], bool]) -> None:
        """Relay through `server`; `may_open` tells who may watch a playlist."""
        self._server = server
        self._namespace = namespace
        self._may_open = may_open
        self._rooms: dict[str, Room] = {}
        self._actors: dict[str, Actor] = {}
        self._opened: set[tuple[str, str]] = set()

    def know(self, sid: str, actor: Actor) -> None:
        """Remember who is behind a connection."""
        self._actors[sid] = actor

    async def forget(self, sid: str) -> None:
        """Take a closed connection out of all rooms."""
        self._actors.pop(sid, None)
        self._opened = {pair for pair in self._opened if pair[0] != sid}
        for playlist_id, room in list(self._rooms.items()):
            if room.people.pop(sid, None) is not None:
                await self._tell_people(playlist_id)

    async def look_again(self, actors: dict[str, Actor]) -> None:
        """Take those out of their rooms who may no longer watch: `actors` are all connections and who they are now."""
        self._actors = dict(actors)
        for sid, playlist_id in list(self._opened):
            actor = actors.get(sid)
            if actor is not None and await asyncio.to_thread(self._may_open, actor, playlist_id):
                continue
            self._opened.discard((sid, playlist_id))
            await self._server.leave_room(sid, playlist_id, namespace=self._namespace)
            if playlist_id in self._rooms and self._room(playlist_id).people.pop(sid, None) is not None:
                await self._tell_people(playlist_id)

    async def heard(self, event: str, sid: str, *data: Any) -> None:
        """Do what a client's message asks for; unknown ones and those of strangers are ignored."""
        payload = data[0] if data and isinstance(data[0], dict) else {}
        playlist_id = str(payload.get("playlist_id"))
        if not event.startswith(PREFIX) or not is_uuid(playlist_id) or not await self._opens(sid, playlist_id):
            return
        name = event.removeprefix(PREFIX)
        if name == "open-playlist":
            await self._server.enter_room(sid, playlist_id, namespace=self._namespace)
            await self._tell_people(playlist_id)
        elif name == "close-playlist":
            await self._server.leave_room(sid, playlist_id, namespace=self._namespace)
        elif name == "join":
            await self._join(sid, playlist_id, payload)
        elif name == "leave":
            self._room(playlist_id).people.pop(sid, None)
            await self._tell_people(playlist_id)
        elif name == "room-updated":
            self._room(playlist_id).state = {**self._room(playlist_id).state, **payload}
            only_newcomer = bool(data[1]) if len(data) > 1 else False
            await self._emit("room-updated", playlist_id, {**payload, "only_newcomer": only_newcomer})
        elif event in RELAYED:
            await self._emit(name, playlist_id, payload)

    async def _opens(self, sid: str, playlist_id: str) -> bool:
        if (sid, playlist_id) in self._opened:
            return True
        actor = self._actors.get(sid)
        if actor is None or not await asyncio.to_thread(self._may_open, actor, playlist_id):
            return False
        self._opened.add((sid, playlist_id))
        return True

    def _room(self, playlist_id: str) -> Room:
        return self._rooms.setdefault(playlist_id, Room())

    async def _join(self, sid: str, playlist_id: str, payload: dict[str, Any]) -> None:
        room = self._room(playlist_id)
        await self._server.enter_room(sid, playlist_id, namespace=self._namespace)
        if not room.people:
            room.state = dict(payload)
        room.people[sid] = self._actors[sid].person_id or ""
        await self._tell_people(playlist_id)
        await self._emit("room-updated", playlist_id, {**room.state, "people": self._people(playlist_id)})

    def _people(self, playlist_id: str) -> list[str]:
        return list(dict.fromkeys(self._room(playlist_id).people.values()))

    async def _tell_people(self, playlist_id: str) -> None:
        people = self._people(playlist_id)
        body = {"people": people, "playlist_id": playlist_id, "id": playlist_id}
        await self._emit("room-people-updated", playlist_id, body)
        if not people:
            self._rooms.pop(playlist_id, None)

    async def _emit(self, name: str, playlist_id: str, payload: dict[str, Any]) -> None:
        await self._server.emit(f"{PREFIX}{name}", payload, room=playlist_id, namespace=self._namespace)
