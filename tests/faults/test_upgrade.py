"""An upgrade while people work: read models prepared beside the old ones, processes replaced, no request failed."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from kiroku.system import SERVICES
from tests.support.server import DISTRIBUTED, RunningServer, running_server
from tests.support.tables import Databases
from tests.support.waiting import wait_for
from tests.support.writers import Writers

pytestmark = pytest.mark.distributed
NEXT = [sys.executable, "-m", "tests.support.next_release"]


def environment(server: RunningServer) -> dict[str, str]:
    """Return what the children of the supervisor are told."""
    [child] = server.processes("serve tasks")
    return {**child.environ(), "KIROKU_PROBE_PORT": "0"}


@contextmanager
def next_process(name: str, told: dict[str, str]) -> Iterator[None]:
    """Serve `name` by a process of the next release."""
    process = subprocess.Popen([*NEXT, "serve", name], env=told)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def wait_until_served(databases: Databases, name: str, before: str) -> None:
    """Wait until the database of `name` has another shape than `before`."""
    wait_for(lambda: databases.shape(name) != before, 60)


def test_people_work_through_an_upgrade_of_every_service() -> None:
    with running_server(DISTRIBUTED, KIROKU_RPC_TIMEOUT="30") as server, ExitStack() as stack:
        told, databases = environment(server), Databases(server)
        before = {name: databases.shape(name) for name in SERVICES}
        with Writers(server) as writers:
            writers.wait_for(50)
            subprocess.run([*NEXT, "migrate"], env=told, check=True)
            assert {name: databases.shape(name) for name in SERVICES} == before
            writers.wait_for(50)
            for name in SERVICES:
                stack.enter_context(next_process(name, told))
                wait_until_served(databases, name, before[name])
                writers.wait_for(50)
        assert set(writers.journal.answers) <= {200, 201}, writers.journal.answers
        writers.check()
        databases.settle()
        assert [databases.gaps(name) for name in SERVICES] == [0] * len(SERVICES)
