"""Light queries are worked on by the thread that reads the broker; nobody behind it has to wait for what is slow."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from chassis.at_once import waits
from chassis.messages import Reply, Request
from kiroku.distributed import inline
from kiroku.distributed.broker import Broker
from kiroku.distributed.client import RpcClient
from tests.support.broker import broker_url
from tests.support.hosting import serving
from tests.support.waiting import wait_for

pytestmark = pytest.mark.distributed
SLOW_SECONDS = 0.8


class Studio:
    """Answers with the name of the thread: `light` at once, `slow` late, `asks` by way of others, `made` by a write."""

    def __init__(self) -> None:
        self.operations = {name: SimpleNamespace(writes=name == "made") for name in ("light", "slow", "asks", "made")}
        self.slow = False
        self.begun: list[str] = []

    def call(self, request: Request) -> Reply:
        """Answer."""
        name = request.operation.partition(".")[2]
        self.begun.append(name)
        if name == "slow" and self.slow:
            time.sleep(SLOW_SECONDS)
        if name == "asks":
            waits(others=True)
        return Reply(body=threading.current_thread().name.encode())


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with broker_url() as url:
        yield Broker(url)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take machines that are busy with other tests into account."""
    monkeypatch.setattr(inline, "LIGHT_SECONDS", SLOW_SECONDS / 2)
    monkeypatch.setattr(inline, "QUICK_SECONDS", SLOW_SECONDS / 2)
    monkeypatch.setattr(inline, "LONG_SECONDS", SLOW_SECONDS * 0.9)


@pytest.fixture
def studio(broker: Broker) -> Iterator[Studio]:
    service = Studio()
    with serving("studio", service, broker):
        yield service


@pytest.fixture
def client(broker: Broker, studio: Studio) -> Iterator[RpcClient]:
    made = RpcClient(broker, timeout=10)
    made.start()
    yield made
    made.close()


def thread_of(client: RpcClient, operation: str) -> str:
    """Return the name of the thread that answers, without the number of one of the pool."""
    return client.call(Request(f"studio.{operation}")).read().decode().partition("_")[0]


READER, POOL = "amqp-kiroku.rpc.studio", "kiroku.rpc.studio"


def become_known(client: RpcClient, operation: str) -> None:
    """Ask until the reader answers. A thread of the pool notes what a query took after it has replied."""
    assert thread_of(client, operation) == POOL
    wait_for(lambda: thread_of(client, operation) == READER, 10)


def test_a_light_query_is_answered_by_the_reader_once_it_is_known(client: RpcClient) -> None:
    become_known(client, "light")
    assert [thread_of(client, "light") for _ in range(3)] == [READER] * 3


def test_what_writes_is_always_left_to_the_pool(client: RpcClient) -> None:
    assert [thread_of(client, "made") for _ in range(4)] == [POOL] * 4


def test_what_waits_for_others_is_begun_again_by_the_pool_and_stays_there(client: RpcClient, studio: Studio) -> None:
    asked = 0

    def is_begun_twice() -> bool:
        nonlocal asked
        asked += 1
        assert thread_of(client, "asks") == POOL
        return len(studio.begun) > asked

    # By the reader, who must not wait, and then by the pool.
    wait_for(is_begun_twice, 10)
    assert [thread_of(client, "asks") for _ in range(3)] == [POOL] * 3
    assert len(studio.begun) == asked + 4


def test_what_has_become_slow_keeps_others_waiting_once(client: RpcClient, studio: Studio) -> None:
    for name in ("slow", "light"):
        become_known(client, name)
    studio.slow = True
    assert [thread_of(client, "slow") for _ in range(2)] == [READER, POOL]
    with ThreadPoolExecutor(1) as other:
        slow = other.submit(thread_of, client, "slow")
        time.sleep(SLOW_SECONDS / 8)
        began = time.monotonic()
        assert thread_of(client, "light") == READER
        assert time.monotonic() - began < SLOW_SECONDS / 2
        assert slow.result() == POOL


def test_the_reader_answers_many_who_ask_beside_each_other(client: RpcClient) -> None:
    become_known(client, "light")
    with ThreadPoolExecutor(4) as many:
        answers = list(many.map(lambda _: thread_of(client, "light"), range(200)))
    assert set(answers) == {READER}
