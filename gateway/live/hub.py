"""The hub: everybody connected to the namespace `/events`, and what each of them may hear."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from http.cookies import SimpleCookie
from types import MappingProxyType
from typing import Any, Protocol

import orjson
import socketio
from socketio.exceptions import ConnectionRefusedError as Refusal

from chassis.errors import DomainError
from chassis.events import DELETE, Event
from chassis.messages import ADMIN, THE_SYSTEM, Actor, Request
from chassis.news import News, Seen
from gateway.identity import COOKIES, Bus, Identities
from gateway.live.listener import Listener
from gateway.live.rooms import Rooms

logger = logging.getLogger(__name__)
NAMESPACE = "/events"
BATCH = 500
PEOPLE = "auth"
# Changes of people after which everybody's right to be here is looked at again.
IDENTITY_FIELDS = {"role", "active", "archived", "jti", "expiration_date", "departments"}


class Wake(Protocol):
    """Says that a service has committed something, and what, where that is known."""

    def __call__(self, service: str, news: Sequence[News] = ()) -> None:
        """Wake whoever follows `service`; may be called by any thread."""
        ...


class Source(Protocol):
    """Where events come from: the logs of the services, read in order."""

    names: list[str]

    def head(self, service: str) -> int:
        """Return the newest position of a service's log."""
        ...

    def read(self, service: str, after: int, limit: int) -> tuple[list[Event], int]:
        """Return events after a position, and the position reached."""
        ...

    def subscribe(self, wake: Wake) -> None:
        """Call `wake` after each commit."""
        ...


class Hub:
    """The Socket.IO server: lets people in, reads the logs, tells everybody what concerns them."""

    def __init__(self, bus: Bus, identities: Identities, source: Source) -> None:
        """Serve people known to `identities` with the events of `source`."""
        self.server = socketio.AsyncServer(async_mode="asgi", logger=False, engineio_logger=False)
        self.app = socketio.ASGIApp(self.server)
        self._bus = bus
        self._identities = identities
        self._source = source
        self._listeners: dict[str, Listener] = {}
        self._coming: set[str] = set()
        self._positions: dict[str, int] = {}
        self._wakes: dict[str, asyncio.Event] = {}
        # News that were told, by the position that they follow on.
        self._news: dict[str, dict[int, News]] = {name: {} for name in source.names}
        self.rooms = Rooms(self.server, NAMESPACE, self._may_open)
        self.server.on("connect", self._connect, namespace=NAMESPACE)
        self.server.on("disconnect", self._disconnect, namespace=NAMESPACE)
        self.server.on("*", self._message, namespace=NAMESPACE)

    # People

    async def _connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        token = token_of(environ, auth)
        if token is None:
            raise Refusal("Missing token: sign in first.")
        self._forget()
        self._coming.add(sid)
        try:
            await asyncio.gather(*(self._resume(name) for name in self._source.names))
            listener = await asyncio.to_thread(self._listener, token)
            # Who has hung up meanwhile would stay here for ever.
            if sid in self._coming:
                self._listeners[sid] = listener
                self.rooms.know(sid, listener.actor)
        except DomainError as refusal:
            raise Refusal(refusal.message) from None
        finally:
            self._coming.discard(sid)

    async def _disconnect(self, sid: str, *_: Any) -> None:
        self._coming.discard(sid)
        self._listeners.pop(sid, None)
        await self.rooms.forget(sid)

    async def _message(self, event: str, sid: str, *data: Any) -> None:
        listener = self._listeners.get(sid)
        if listener is None:
            return
        try:
            await asyncio.to_thread(self._identities.actor_for, listener.token, "access")
        except DomainError:
            await self.server.disconnect(sid, namespace=NAMESPACE)
            return
        await self.rooms.heard(event, sid, *data)

    def _may_open(self, actor: Actor, playlist_id: str) -> bool:
        request = Request("media.get_playlist", {"instance_id": playlist_id}, actor=actor)
        try:
            self._bus.call(request)
        except DomainError:
            return False
        return True

    def _listener(self, token: str) -> Listener:
        """Return who comes with `token`. Raises Unauthorized and WrongToken."""
        actor = self._identities.actor_for(token, "access")
        listener = Listener(token, actor)
        self._look_up(listener)
        return listener

    def _look_up(self, listener: Listener, needs: Mapping[str, int] = MappingProxyType({})) -> None:
        """Find out which projects, and for vendors which entities and tasks, a listener may hear of, with `needs`."""
        if listener.actor.role == ADMIN:
            listener.projects = None
            return
        person_id = listener.actor.person_id or ""
        path = {"person_id": person_id}
        request = Request("production.list_reach", path, actor=THE_SYSTEM, needs=dict(needs))
        found = orjson.loads(self._bus.call(request).read())
        listener.projects, listener.entities = set(found["projects"]), set(found["entities"])

    # Events

    async def run(self) -> None:
        """Tell everybody what happens from now on, until cancelled."""
        loop = asyncio.get_running_loop()
        self._wakes = {name: asyncio.Event() for name in self._source.names}

        def wake(service: str, news: Sequence[News] = ()) -> None:
            if service in self._wakes and self._is_read(service) and not loop.is_closed():
                loop.call_soon_threadsafe(self._woken, service, news)

        self._source.subscribe(wake)
        await asyncio.gather(*(self._follow(name) for name in self._source.names))

    def _woken(self, service: str, news: Sequence[News]) -> None:
        """Let a log be followed further, unless all that is told was read already."""
        position = self._positions.get(service, 0)
        self._news[service].update({each.after: each for each in news if each.after >= position})
        if not news or max(each.position for each in news) > position:
            self._wakes[service].set()

    def _is_read(self, service: str) -> bool:
        """Tell whether a log is read at present: that of people always, as it says who may be here at all."""
        return bool(self._listeners or self._coming) or service == PEOPLE

    def _forget(self) -> None:
        """Forget where logs were read that are not read at present: nobody is to hear what was before he came."""
        for service in [name for name in self._positions if not self._is_read(name)]:
            del self._positions[service]

    def rewind(self) -> None:
        """Go on from the present heads of all logs, wherever they are now."""
        for service in list(self._positions):
            self._news[service].clear()
            self._positions[service] = self._source.head(service)

    async def _resume(self, service: str) -> None:
        """Go on at the newest position where the log was not read. A service that does not answer is asked later."""
        if service not in self._positions:
            with contextlib.suppress(DomainError):
                head = await asyncio.to_thread(self._source.head, service)
                self._positions.setdefault(service, head)

    async def _start(self, service: str) -> None:
        """Begin at the newest position, as soon as the service answers."""
        while service not in self._positions:
            await self._resume(service)
            if service not in self._positions:
                await asyncio.sleep(0.2)

    async def _follow(self, service: str) -> None:
        while True:
            try:
                moved = await self._step(service)
            except DomainError as problem:
                logger.warning("live events of %s: %s", service, problem.message)
                moved = False
                await asyncio.sleep(1)
            except Exception:
                logger.exception("live events of %s could not be read", service)
                moved = False
                await asyncio.sleep(1)
            if not moved:
                await self._pause(service)

    async def _pause(self, service: str) -> None:
        wake = self._wakes[service]
        try:
            await asyncio.wait_for(wake.wait(), timeout=5)
        except TimeoutError:
            return
        wake.clear()

    async def _step(self, service: str) -> bool:
        if not self._is_read(service):
            # What happens meanwhile need not be read. Who comes begins at the head of that moment.
            self._positions.pop(service, None)
            self._news[service].clear()
            return False
        await self._start(service)
        after, told = self._positions[service], self._news[service]
        events: Sequence[Event | Seen]
        if news := told.pop(after, None):
            events, reached = news.events, news.position
        else:
            events, reached = await asyncio.to_thread(self._source.read, service, after, BATCH)
            for position in [position for position in told if position < reached]:
                del told[position]
        self._positions[service] = reached
        await self._look_again(events, {service: reached})
        for event in events:
            for name, payload in event.live:
                await self._tell(name, payload, payload.get("project_id") or event.project_id)
        # Less than that was all there was; what has come since has left a wake-up.
        return len(events) >= BATCH or reached in told

    async def _tell(self, name: str, payload: dict[str, Any], project_id: str | None) -> None:
        for sid, listener in list(self._listeners.items()):
            if listener.may_hear(name, payload, project_id):
                await self.server.emit(name, payload, to=sid, namespace=NAMESPACE)

    async def _look_again(self, events: Sequence[Event | Seen], needs: Mapping[str, int]) -> None:
        """Follow changes of teams, assignments and people before anything of it is told: `needs` says up to where."""
        who = any(_concerns_identity(event) for event in events)
        where = any(_concerns_reach(event) for event in events)
        if who:
            self._identities.drop()
        if who or where:
            await self._each(partial(self._identify if who else self._look_up, needs=needs))
            await self.rooms.look_again({sid: listener.actor for sid, listener in self._listeners.items()})

    async def _each(self, work: Callable[[Listener], None]) -> None:
        for sid, listener in list(self._listeners.items()):
            try:
                await asyncio.to_thread(work, listener)
            except DomainError:
                await self.server.disconnect(sid, namespace=NAMESPACE)

    def _identify(self, listener: Listener, needs: Mapping[str, int]) -> None:
        listener.actor = self._identities.actor_for(listener.token, "access")
        self._look_up(listener, needs)


def _concerns_identity(event: Event | Seen) -> bool:
    if event.kind == "revoked_token":
        return True
    return event.kind == "person" and (event.op == DELETE or bool(IDENTITY_FIELDS & set(event.new)))


def _concerns_reach(event: Event | Seen) -> bool:
    if event.kind == "project":
        return event.op == DELETE or "team" in event.new
    return event.kind == "task" and "assignees" in event.new


def token_of(environ: dict[str, Any], auth: Any) -> str | None:
    """Return the token of a connection: header, cookie, or `token` of the connect payload. Pure."""
    header = environ.get("HTTP_AUTHORIZATION", "")
    if header.lower().startswith("bearer "):
        return str(header[7:].strip()) or None
    cookie = SimpleCookie(environ.get("HTTP_COOKIE", "")).get(COOKIES["access"])
    if cookie is not None:
        return cookie.value
    token = auth.get("token") if isinstance(auth, dict) else None
    return token if isinstance(token, str) else None
