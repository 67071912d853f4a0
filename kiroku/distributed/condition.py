"""Whether a service process is ready, and how far its projections are behind."""

from collections.abc import Callable

from chassis.follow import Follower
from chassis.gauges import note_head
from chassis.service import Service
from chassis.shapes import served
from kiroku.distributed.client import RpcClient


class Condition:
    """What a service process needs before it is ready; once it has caught up, it stays so until its end."""

    def __init__(self, service: Service, follower: Follower, client: RpcClient, head: Callable[[str], int]) -> None:
        """Look at `service`; `head` returns the newest position of another service's log."""
        self._service, self._follower, self._client, self._head = service, follower, client, head
        self._caught_up = False

    def problems(self) -> list[str]:
        """Return what keeps the process from being ready; empty when nothing does."""
        if served(self._service) != self._service.spec.shape:
            return ["the database has another shape: run `kiroku migrate`"]
        if not self._client.up:
            return ["the broker is not connected"]
        behind = self._behind()
        self._caught_up = self._caught_up or not behind
        return [] if self._caught_up else behind

    def _behind(self) -> list[str]:
        """Measure the lag behind each owner; one that does not answer counts only before the first catching up."""
        found = []
        for owner in self._follower.owners:
            try:
                head = self._head(owner)
            except Exception as problem:
                found.append(f"{owner} does not answer: {problem}")
                continue
            note_head(owner, head)
            lag = max(0, head - self._follower.reached().get(owner, 0))
            if lag:
                found.append(f"{lag} events behind {owner}")
        return found
