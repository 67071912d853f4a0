"""Logs of other services, read over the broker."""

from collections.abc import Callable, Sequence

from chassis.events import Event
from chassis.messages import THE_SYSTEM, Request
from chassis.news import News
from kiroku.distributed.client import RpcClient
from kiroku.distributed.wakes import Wakes
from kiroku.distributed.wire import unpack_events

FEED, STATE = "log_feed", "log_state"


class RemoteFeeds:
    """Reads feeds by calls: what followers and live events are given."""

    def __init__(self, client: RpcClient) -> None:
        """Ask through `client`."""
        self._client = client

    def __call__(self, owner: str, after: int, limit: int, kinds: list[str] | None = None) -> tuple[list[Event], int]:
        """Return events of `kinds` after position `after`, and the position reached. Raises Unavailable."""
        path = {"after": str(after), "limit": str(limit)}
        request = Request(f"{owner}.{FEED}", path, body=kinds, actor=THE_SYSTEM)
        return unpack_events(self._client.call(request).read())

    def head(self, owner: str) -> int:
        """Return the newest position of a log."""
        return self.state(owner)[0]

    def state(self, owner: str) -> tuple[int, int]:
        """Return what `Service.state` does. Raises Unavailable."""
        position, mended = self._client.call(Request(f"{owner}.{STATE}", actor=THE_SYSTEM)).read().split()
        return int(position), int(mended)


class RemoteSource:
    """The logs of all services as live events read them, woken by the exchange."""

    def __init__(self, client: RpcClient, wakes: Wakes, names: list[str]) -> None:
        """Read the logs of the services `names`."""
        self.names = names
        self._feeds, self._wakes = RemoteFeeds(client), wakes

    def head(self, service: str) -> int:
        """Return the newest position of a service's log."""
        return self._feeds.head(service)

    def read(self, service: str, after: int, limit: int) -> tuple[list[Event], int]:
        """Return events after a position, and the position reached."""
        return self._feeds(service, after, limit)

    def subscribe(self, wake: Callable[[str, Sequence[News]], None]) -> None:
        """Call `wake` with a service's name after each of its commits, and with what is told of it."""
        self._wakes.read(wake)
