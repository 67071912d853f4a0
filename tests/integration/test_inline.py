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
from kiroku.distributed.entrypoint import hosted
from tests.support.broker import broker_url

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
    from nameko.containers import ServiceContainer  # after the module that hushes it

    service = Studio()
    container = ServiceContainer(hosted("studio", 4), {"service": service, "broker": broker})
    container.start()
    yield service
    container.stop()


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


def test_a_light_query_is_answered_by_the_reader_once_it_is_known(client: RpcClient) -> None:
    assert [thread_of(client, "light") for _ in range(4)] == [POOL, READER, READER, READER]


def test_what_writes_is_always_left_to_the_pool(client: RpcClient) -> None:
    assert [thread_of(client, "made") for _ in range(4)] == [POOL] * 4


def test_what_waits_for_others_is_begun_again_by_the_pool_and_stays_there(client: RpcClient, studio: Studio) -> None:
    assert [thread_of(client, "asks") for _ in range(4)] == [POOL] * 4
    # Once by the reader, who must not wait.
    assert studio.begun == ["asks"] * 5


def test_what_has_become_slow_keeps_others_waiting_once(client: RpcClient, studio: Studio) -> None:
    for name in ("slow", "light"):
        assert [thread_of(client, name) for _ in range(2)] == [POOL, READER]
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
    assert [thread_of(client, "light") for _ in range(2)] == [POOL, READER]
    with ThreadPoolExecutor(4) as many:
        answers = list(many.map(lambda _: thread_of(client, "light"), range(200)))
    assert set(answers) == {READER}
