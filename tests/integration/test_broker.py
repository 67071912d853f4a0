"""Calls over a real RabbitMQ: encrypted, through quorum queues, with replies larger than a message may be."""

import hashlib
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chassis.errors import Unavailable
from chassis.messages import Request
from kiroku.distributed.broker import PIECE, QUORUM, Broker
from kiroku.distributed.client import RpcClient
from kiroku.distributed.entrypoint import pieces
from kiroku.distributed.line import Line
from tests.support.broker import own_broker
from tests.support.certificates import make_certificates

pytestmark = pytest.mark.distributed
QUEUE = "kiroku.rpc.echo"


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker with a TLS port, whose certificate is for `localhost`."""
    folder = tmp_path_factory.mktemp("tls")
    made = make_certificates(folder, "localhost")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = (
        f"listeners.ssl.1 = 127.0.0.1:{port}\nssl_options.cacertfile = {made.ca}\n"
        f"ssl_options.certfile = {made.certificate}\nssl_options.keyfile = {made.key}\n"
        "ssl_options.verify = verify_none\n"
    )
    with own_broker(settings):
        yield Broker(f"amqps://guest:guest@localhost:{port}/", str(made.ca))


def repeat(broker: Broker) -> Line:
    """Answer each call with its body, four times: what a service does, without a service."""

    def opened(channel: Any) -> None:
        broker.declare_calls(channel, QUEUE)
        channel.basic_qos(0, 16, False)
        channel.basic_consume(QUEUE, callback=lambda message: pool.submit(answer, channel, message))

    def answer(channel: Any, message: Any) -> None:
        properties = message.properties
        for label, piece in pieces(bytes(message.body) * 4):
            line.send(
                channel, "", properties["reply_to"], piece,
                correlation_id=properties["correlation_id"], message_id=label,
            )  # fmt: skip
        line.ack(channel, message.delivery_info["delivery_tag"])

    pool = ThreadPoolExecutor(8)
    line = Line(broker, "echo", opened=opened)
    assert line.start(10)
    return line


def test_many_threads_call_over_one_encrypted_connection(encrypted: Broker) -> None:
    broker = replace(encrypted, queues=QUORUM)
    line, client = repeat(broker), RpcClient(broker, timeout=30)
    client.start()
    try:

        def call(number: int) -> bool:
            body = hashlib.sha256(str(number).encode()).digest() * (1 + number % 97)
            return client.send(QUEUE, body) == body * 4

        with ThreadPoolExecutor(16) as pool:
            assert all(pool.map(call, range(2_000)))
        large = bytes(PIECE)
        assert client.send(QUEUE, large) == large * 4
    finally:
        client.close()
        line.close()


def test_calls_that_are_begun_together_fail_each_for_itself_when_nobody_serves_them(encrypted: Broker) -> None:
    client = RpcClient(encrypted, timeout=30)
    client.start()
    try:
        waits = [client.begin(Request(f"nobody{number}.run")) for number in range(3)]
        for number, wait in reversed(list(enumerate(waits))):
            with pytest.raises(Unavailable, match=f"nobody{number} is not running"):
                wait()
    finally:
        client.close()


@pytest.mark.parametrize("wrong", ["host", "ca", "system"])
def test_a_broker_that_cannot_prove_who_it_is_gets_no_call(encrypted: Broker, wrong: str, tmp_path: Path) -> None:
    stranger = make_certificates(tmp_path, "localhost")
    broker = {
        "host": replace(encrypted, url=encrypted.url.replace("localhost", "127.0.0.1")),
        "ca": replace(encrypted, ca=str(stranger.ca)),
        "system": replace(encrypted, ca=""),
    }[wrong]
    client = RpcClient(broker, timeout=1)
    client._line.start(1.5)
    try:
        assert not client.up
        with pytest.raises(Unavailable):
            client.send(QUEUE, b"secret")
    finally:
        client.close()


def test_an_idle_encrypted_connection_ends_at_once(encrypted: Broker) -> None:
    client = RpcClient(encrypted)
    client.start()
    assert client.up
    time.sleep(0.2)
    began = time.monotonic()
    client.close()
    assert time.monotonic() - began < 3
