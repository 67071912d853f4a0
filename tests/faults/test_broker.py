"""P4: the log is the truth and the broker a wake-up. Deleted queues and a dead broker lose nothing, double nothing."""

import amqp
import pytest

from kiroku.system import SERVICES
from tests.support.broker import own_broker
from tests.support.server import DISTRIBUTED, running_server
from tests.support.tables import Databases
from tests.support.writers import Writers

pytestmark = pytest.mark.distributed


def delete_all_queues(url: str) -> None:
    """Delete what the services consume from, with everything in it."""
    host, _, vhost = url.removeprefix("amqp://guest:guest@").partition("/")
    with amqp.Connection(host, "guest", "guest", virtual_host=vhost.replace("%2F", "/")) as connection:
        for service in SERVICES:
            for name in (f"kiroku.rpc.{service}", f"kiroku.rpc.{service}.inner"):
                connection.channel().queue_delete(name)


def test_with_every_queue_deleted_and_the_broker_killed_the_replicas_are_what_their_owners_have() -> None:
    with own_broker() as broker, running_server(DISTRIBUTED, amqp_url=broker.url, KIROKU_RPC_TIMEOUT="5") as server:
        databases = Databases(server)
        with Writers(server) as writers:
            writers.wait_for(60)
            delete_all_queues(broker.url)
            writers.wait_for(60)
            broker.kill()
            broker.restart()
            writers.wait_for(60)
        writers.check()
        databases.settle()
        assert [databases.gaps(service) for service in SERVICES] == [0] * len(SERVICES)
