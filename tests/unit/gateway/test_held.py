"""Large answers stay at a gateway for a moment: the service is asked each time, but their bytes come once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from chassis.finished import Finished
from chassis.messages import Actor, Reply, Request
from gateway.held import HeldAnswers

ADA, BOB = Actor(person_id="ada", role="user"), Actor(person_id="bob", role="user")
LIST = b"x" * 1000


@dataclass
class Service:
    """Answers with a list that is called by its revision; the headers are for whoever asks."""

    revision: int = 1
    sent: list[int] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)

    def call(self, request: Request) -> Reply:
        self.asked.append(request)
        body, tag = LIST + b"%d" % self.revision, str(self.revision)
        if request.operation == "tasks.get":
            return Reply(200, body)
        same = request.holds == tag
        self.sent.append(0 if same else len(body))
        headers = {"ETag": f"{tag}-{request.actor.person_id}"}
        return Reply(200, b"" if same else body, headers=headers, positions={"tasks": 7}, tag=tag, held=same)

    def begin(self, request: Request) -> Callable[[], Reply]:
        return partial(self.call, request)


def asked(actor: Actor = ADA, operation: str = "tasks.list", **query: str) -> Request:
    return Request(operation, {"project_id": "p"}, {name: [value] for name, value in query.items()}, actor=actor)


def test_bytes_that_are_held_do_not_come_again() -> None:
    service = Service()
    bus = HeldAnswers(service)
    replies = [bus.call(asked()) for _ in range(3)]
    assert service.sent == [1001, 0, 0]
    assert [(reply.status, reply.read()) for reply in replies] == [(200, LIST + b"1")] * 3


def test_people_share_the_bytes_and_nothing_else() -> None:
    service = Service()
    bus = HeldAnswers(service)
    bus.call(asked(ADA))
    reply = bus.call(asked(BOB))
    assert service.sent == [1001, 0]
    assert (reply.headers["ETag"], reply.positions, reply.read()) == ("1-bob", {"tasks": 7}, LIST + b"1")


def test_what_has_changed_comes_anew() -> None:
    service = Service()
    bus = HeldAnswers(service)
    bus.call(asked())
    service.revision = 2
    assert bus.call(asked()).read() == LIST + b"2"
    assert bus.begin(asked())().read() == LIST + b"2"
    assert service.sent == [1001, 1001, 0]


def test_another_question_has_another_answer() -> None:
    service = Service()
    bus = HeldAnswers(service)
    bus.call(asked())
    bus.call(asked(episode_id="e"))
    assert service.sent == [1001, 1001]


def test_nothing_is_told_of_answers_without_a_name() -> None:
    service = Service()
    bus = HeldAnswers(service)
    for _ in range(2):
        bus.call(asked(operation="tasks.get"))
    assert [request.holds for request in service.asked] == ["", ""]


def test_what_is_given_up_while_the_service_is_asked_is_still_answered() -> None:
    service, held = Service(), Finished(limit=1500)
    bus = HeldAnswers(service, held)
    bus.call(asked())
    wait = bus.begin(asked())
    held.put("another", "", b"", 1500)
    assert held.last(("tasks.list", "p")) == ("", None)
    assert wait().read() == LIST + b"1"


def test_who_holds_too_much_asks_for_all_of_it() -> None:
    service = Service()
    bus = HeldAnswers(service, Finished(limit=500))
    for _ in range(2):
        bus.call(asked())
    assert service.sent == [1001, 1001]
