"""A library, a service that follows it, and two gateways that keep answers: moves are heard when a test says so."""

import sys
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import orjson

from chassis.crud import Crud
from chassis.events import Event
from chassis.follow import Follower
from chassis.messages import THE_SYSTEM, Reply, Request
from chassis.moves import Move, Telling, move_of
from chassis.policy import signed_in
from chassis.resources import Field, Record, Resource
from chassis.service import Service
from chassis.spec import ServiceSpec, reacts
from chassis.unit import Unit
from gateway.kept import KeptAnswers, Moves
from tests.support.kernel import BOOK, LIBRARY, OWNERS, SHELF

NOTE = Resource(kind="note", plural="notes", type="Note", live="note", fields=(Field("pages", "integer", 0),))


def note_of(book_id: str) -> str:
    """Return the id of the note about a book."""
    return str(uuid5(NAMESPACE_OID, book_id))


@reacts("book")
def note_pages(unit: Unit, event: Event, record: Record | None) -> None:
    """Keep a note with the pages of each book."""
    if record is None or "pages" not in event.new:
        return
    known = unit.get("note", note_of(event.id))
    if known is None:
        unit.create("note", {"pages": record.fields["pages"]}, id=note_of(event.id))
    else:
        unit.update(known, {"pages": record.fields["pages"]})


READER = ServiceSpec(
    "reader",
    owns=(NOTE,),
    replicates=(SHELF, BOOK),
    rooms=(sys.modules[__name__],),
    cruds=(*LIBRARY.cruds, Crud(NOTE, signed_in, signed_in, signed_in, signed_in)),
)


class House:
    """A library, a reader that follows it, and two gateways that hear of moves when they are told to."""

    def __init__(self, library: Service, reader: Service) -> None:
        self.services = {"library": library, "reader": reader}
        feed = lambda owner, after, limit, kinds: self.services[owner].feed(after, limit, kinds)  # noqa: E731
        follower = Follower(reader, OWNERS, feed)
        follower.serve(reader)
        self.asked = 0
        self.on_the_way: list[tuple[Moves, str, Move]] = []
        operations = {f"{n}.{o.name}": o for n, s in self.services.items() for o in s.operations.values()}
        reacts = {name: frozenset(service.spec.reactions()) for name, service in self.services.items()}
        self.knowledge = [Moves(reacts, {"reader": {"library": ["shelf", "book"]}}) for _ in range(2)]
        for name, service in self.services.items():
            owners = follower.owners if service is reader else []
            telling = Telling(name, service.spec.kinds, owners, service.head, service.replicas.reached)
            service.answers = telling
            service.on_commit[:] = [
                lambda position, changes, telling=telling: telling.reached(position),
                lambda position, changes, name=name: self.on_the_way.extend(
                    (moves, name, move_of(position, changes)) for moves in self.knowledge
                ),
            ]
        follower.catch_up("library")
        self.gateways = [KeptAnswers(self, operations, moves) for moves in self.knowledge]
        for moves in self.knowledge:
            moves.listen()
            self.look(moves)

    def call(self, request: Request) -> Reply:
        self.asked += 1
        return self.services[request.operation.partition(".")[0]].call(request)

    def begin(self, request: Request) -> Callable[[], Reply]:
        return partial(self.call, request)

    def look(self, moves: Moves) -> None:
        for name in self.services:
            assert moves.look(name, lambda name: self.services[name].state())

    def tell(self, which: int = 0) -> None:
        if self.on_the_way:
            moves, service, move = self.on_the_way.pop(which % len(self.on_the_way))
            moves.heard(service, move)

    def tell_all(self) -> None:
        while self.on_the_way:
            self.tell()

    def happens(self, what: str, gateway: int, which: int) -> None:
        if what == "tell":
            self.tell(which)
        elif what == "tell all":
            self.tell_all()
        elif what == "lose":
            self.on_the_way[which : which + 1] = []
        else:
            self.knowledge[gateway].listen()
            self.look(self.knowledge[gateway])


class Client:
    """Somebody who asks through any gateway and shows what was seen, as a browser does with a cookie."""

    def __init__(self, house: House, gateway: int = 0) -> None:
        self.house, self.gateway, self.needs = house, gateway, dict[str, int]()

    def ask(self, operation: str, id_: str = "", body: Any = None) -> Any:
        path = {"instance_id": id_} if id_ else {}
        request = Request(operation, path, body=body, actor=THE_SYSTEM, needs=dict(self.needs))
        reply = self.house.gateways[self.gateway].call(request)
        for service, position in reply.positions.items():
            self.needs[service] = max(position, self.needs.get(service, 0))
        return orjson.loads(reply.read() or b"null")

    def pages(self, operation: str, id_: str) -> int:
        return int(self.ask(operation, id_)["pages"])
