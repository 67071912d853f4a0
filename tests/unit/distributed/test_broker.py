"""What stands in the broker: nothing that RabbitMQ 4 refuses, and replies in pieces that it takes."""

from typing import Any

import pytest

from kiroku.distributed.broker import LARGEST, PIECE, QUORUM, WAKES, Broker, declare_events, declare_wakes
from kiroku.distributed.client import RequestTooLargeError, RpcClient
from kiroku.distributed.entrypoint import pieces
from kiroku.distributed.slots import Slot

URL = "amqp://guest:guest@127.0.0.1/"


class Channel:
    """Notes what is declared."""

    def __init__(self) -> None:
        self.queues: list[dict[str, Any]] = []
        self.exchanges: dict[str, dict[str, Any]] = {}

    def queue_declare(self, queue: str, **options: Any) -> Any:
        self.queues.append({"queue": queue, "durable": False, "exclusive": False, "arguments": {}, **options})
        return type("Declared", (), {"queue": queue or "amq.gen-1"})

    def exchange_declare(self, exchange: str, kind: str, **options: Any) -> None:
        self.exchanges[exchange] = {"kind": kind, **options}

    def queue_bind(self, queue: str, exchange: str, key: str = "") -> None:
        assert exchange in self.exchanges


def test_every_queue_is_durable_or_exclusive_and_every_exchange_durable() -> None:
    channel = Channel()
    declare_events(channel)
    declare_wakes(channel, WAKES)
    for kind in ("classic", "quorum"):
        Broker(URL, queues=kind).declare_calls(channel, "q")
    for queue in channel.queues:
        assert queue["durable"] != queue["exclusive"]
        assert queue["exclusive"] or queue["arguments"]["x-queue-type"] in ("classic", "quorum")
        assert not {"x-ha-policy", "x-queue-mode", "x-queue-master-locator"} & queue["arguments"].keys()
    assert all(exchange["durable"] and not exchange["auto_delete"] for exchange in channel.exchanges.values())


def test_a_quorum_queue_gives_up_a_call_that_ends_processes_and_has_a_name_of_its_own() -> None:
    channel, broker = Channel(), Broker(URL, queues=QUORUM)
    name = broker.queue_of("tasks", inner=True)
    broker.declare_calls(channel, name)
    assert channel.queues[0]["arguments"] == {"x-queue-type": "quorum", "x-delivery-limit": 3}
    assert name == "kiroku.rpc.tasks.inner.quorum"
    assert Broker(URL).queue_of("tasks", inner=False) == "kiroku.rpc.tasks"


@pytest.mark.parametrize("size", [0, 1, PIECE, PIECE + 1, 3 * PIECE])
def test_a_reply_in_pieces_is_put_together_again(size: int) -> None:
    content, slot = bytes(size), Slot()
    cut = pieces(content)
    assert all(len(piece) <= PIECE < LARGEST for _, piece in cut)
    assert [slot.take(piece, label) for label, piece in cut] == [False] * (len(cut) - 1) + [True]
    assert slot.content == content


def test_a_reply_begins_anew_when_another_process_takes_over() -> None:
    slot = Slot()
    assert not slot.take(b"ab", "0/2")
    assert not slot.take(b"AB", "0/2")
    assert slot.take(b"CD", "1/2")
    assert slot.content == b"ABCD"


def test_a_request_that_no_broker_takes_is_refused_before_it_is_sent() -> None:
    with pytest.raises(RequestTooLargeError, match="larger than"):
        RpcClient(Broker(URL)).send("kiroku.rpc.tasks", bytes(LARGEST + 1))


def test_an_encrypted_connection_checks_certificate_and_host_name() -> None:
    connection = Broker("amqps://u:p@mq.studio/", ca="/etc/ca.pem").connect()
    assert connection.ssl["server_hostname"] == "mq.studio"
    assert connection.ssl["ca_certs"] == "/etc/ca.pem"
    assert connection.ssl["cert_reqs"].name == "CERT_REQUIRED"
    assert not Broker(URL).connect().ssl
