"""Large answers that a gateway holds for a moment: it asks whether they are still the same before they come again.

A list of twelve megabytes takes a service, the broker and a gateway eighty milliseconds. The service is asked each
time, so it says who may see the list, and nobody sees an old one; only the bytes stay (`chassis.held`).
"""

from collections.abc import Callable
from dataclasses import replace

from chassis.finished import Finished
from chassis.messages import Reply, Request
from gateway.identity import Bus

Question = tuple[object, ...]


class HeldAnswers:
    """A bus that tells the one behind it what it holds of the answer that it asks for."""

    def __init__(self, bus: Bus, held: Finished | None = None) -> None:
        """Ask `bus`; hold at most so many bytes, each answer until nobody has asked for it for some seconds."""
        self._bus = bus
        self._held = Finished() if held is None else held
        # Operations whose answers have names: of the others nothing is looked up.
        self._named: set[str] = set()

    def call(self, request: Request) -> Reply:
        """Return the reply of the operation that `request` names. Raises its DomainError."""
        body = self._look_up(request)
        return self._taken(body, request, self._bus.call(request))

    def begin(self, request: Request) -> Callable[[], Reply]:
        """Begin what `call` does; return what waits for the reply. Both raise what `call` does."""
        body = self._look_up(request)
        wait = self._bus.begin(request)
        return lambda: self._taken(body, request, wait())

    def _look_up(self, request: Request) -> bytes | None:
        """Return what is held of the answer, and let the request say so."""
        if request.operation not in self._named:
            return None
        request.holds, body = self._held.last(_question(request))
        found: bytes | None = body
        return found

    def _taken(self, body: bytes | None, request: Request, reply: Reply) -> Reply:
        if not reply.tag:
            return reply
        if reply.held and body is not None:
            return replace(reply, body=body, held=False)
        self._named.add(request.operation)
        content = reply.read()
        self._held.put(_question(request), reply.tag, content, len(content))
        return reply


def _question(request: Request) -> Question:
    """Return what is asked, by whomever. Pure."""
    return (request.operation, *request.path.values(), *((name, *values) for name, values in request.query.items()))
