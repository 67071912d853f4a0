"""Calls that one thread begins for many connections travel as one message, and each gets its own reply."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from chassis.at_once import at_once
from chassis.errors import NotFound, Unavailable
from chassis.messages import Reply, Request
from kiroku.distributed.broker import QUORUM, Broker
from kiroku.distributed.client import RpcClient
from kiroku.distributed.slots import Slot, Together
from kiroku.distributed.together import CALLS, MOST
from kiroku.distributed.wire import pack_many, unpack_reply
from tests.support.broker import broker_url
from tests.support.hosting import serving
from tests.support.pausing import Pausing

pytestmark = pytest.mark.distributed


class Echo:
    """Answers each call with its name; `missing` is not found, `fails` fails, `large` is more than a message holds."""

    def __init__(self) -> None:
        self.operations: dict[str, Any] = {}
        self.threads: list[str] = []

    def call(self, request: Request) -> Reply:
        """Answer."""
        self.threads.append(threading.current_thread().name)
        name = request.path["name"]
        if name == "missing":
            raise NotFound("There is no such echo.")
        if name == "fails":
            raise RuntimeError("this call fails")
        return Reply(body=bytes(9_000_000) if name == "large" else name.encode())


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with broker_url() as found:
        yield found


@pytest.fixture(params=["classic", QUORUM])
def broker(url: str, request: pytest.FixtureRequest) -> Broker:
    return Broker(url, queues=request.param)


@pytest.fixture
def echo(broker: Broker) -> Iterator[Echo]:
    service = Echo()
    with serving("echo", service, broker):
        yield service


@pytest.fixture
def client(broker: Broker) -> Iterator[RpcClient]:
    made = RpcClient(broker, timeout=10)
    made.start()
    yield made
    made.close()


def outcomes(client: RpcClient, names: list[str], service: str = "echo") -> list[bytes | str]:
    """Return what becomes of calls that are begun together: their bodies, or the errors they end with."""
    found: list[bytes | str] = []
    with at_once(Pausing()):
        waits = [client.begin(Request(f"{service}.say", {"name": name})) for name in names]
        for wait in waits:
            try:
                found.append(wait().read())
            except Exception as problem:
                found.append(type(problem).__name__)
    return found


def test_each_call_gets_its_own_reply_in_whatever_company(client: RpcClient, echo: Echo) -> None:
    names = [f"name {number}" for number in range(MOST * 3 + 5)]
    assert outcomes(client, names) == [name.encode() for name in names]
    assert outcomes(client, ["alone"]) == [b"alone"]


def test_calls_that_travel_together_are_worked_on_by_one_thread(client: RpcClient, echo: Echo) -> None:
    outcomes(client, ["a", "b", "c", "d"])
    assert len(echo.threads) == 4
    assert len(set(echo.threads)) == 1


def test_one_that_is_refused_or_fails_leaves_the_others_alone(client: RpcClient, echo: Echo) -> None:
    assert outcomes(client, ["a", "missing", "fails", "b"]) == [b"a", "NotFound", "DomainError", b"b"]


def test_replies_that_are_larger_together_than_a_message_come_whole(client: RpcClient, echo: Echo) -> None:
    found = outcomes(client, ["large", "small", "large"])
    assert [len(body) for body in found] == [9_000_000, 5, 9_000_000]


def test_when_nobody_serves_the_queue_each_call_hears_of_it(client: RpcClient) -> None:
    assert outcomes(client, ["a", "b", "c"], service="nobody") == ["Unavailable"] * 3
    with at_once(Pausing()), pytest.raises(Unavailable, match=r"nobody.* is not running"):
        client.call(Request("nobody.say", {"name": "a"}))


def test_when_the_broker_is_gone_each_call_hears_of_it(client: RpcClient) -> None:
    client.close()
    assert outcomes(client, ["a", "b", "c"]) == ["Unavailable"] * 3


def test_calls_whose_replies_do_not_come_are_given_up_and_forgotten(broker: Broker) -> None:
    channel = (connection := broker.connect()).channel()
    broker.declare_calls(channel, broker.queue_of("silent", inner=False))
    client = RpcClient(broker, timeout=0.3)
    client.start()
    try:
        assert outcomes(client, ["a", "b"], service="silent") == ["Unavailable"] * 2
        assert not client._waiting
    finally:
        client.close()
        connection.release()


def test_a_message_that_a_service_cannot_read_is_answered_at_once(
    broker: Broker, client: RpcClient, echo: Echo
) -> None:
    queue = broker.queue_of("echo", inner=False)
    with pytest.raises(Unavailable, match="another release"):
        unpack_reply(client.send(queue, b"nothing that a service knows"))
    slots = [Slot(), Slot()]
    client._send(queue, pack_many([b"neither", b"of them"]), Together(slots), CALLS)
    for slot in slots:
        assert slot.wait(5)
        assert slot.content is not None
        with pytest.raises(Unavailable, match="another release"):
            unpack_reply(slot.content)
