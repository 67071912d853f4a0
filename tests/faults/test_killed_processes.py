"""P1: kill -9 of anything while clients write loses nothing that was acknowledged and doubles nothing."""

import signal
from contextlib import suppress

import pytest

from tests.support.server import DISTRIBUTED, EMBEDDED, RunningServer, running_server
from tests.support.writers import Writers


def kill_postgres(server: RunningServer) -> None:
    """End PostgreSQL as `pg_ctl stop -m immediate` does."""
    found = [p for p in server.processes("postgres -D") if p.parent() is not None]
    assert found
    for process in found:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGQUIT)


def test_the_embedded_shape_keeps_what_it_acknowledged_whatever_is_killed() -> None:
    with running_server(EMBEDDED) as server:
        with Writers(server) as writers:
            writers.wait_for(50)
            kill_postgres(server)
            writers.wait_for(50)
            [main] = [p for p in [server.process] if p is not None]
            server.kill("doubting run")  # the worker; gunicorn starts another
            writers.wait_for(50)
            server.kill("doubting run")
            main.kill()
            main.wait()
            server.start()
            writers.wait_for(50)
        writers.check()


@pytest.mark.distributed
def test_the_distributed_shape_keeps_what_it_acknowledged_whatever_is_killed() -> None:
    with running_server(DISTRIBUTED, KIROKU_RPC_TIMEOUT="5") as server:
        with Writers(server) as writers:
            writers.wait_for(50)
            for part in ("auth", "production", "tasks", "media", "gateway"):
                assert server.kill(f"serve {part}")
                writers.wait_for(30)
            kill_postgres(server)
            writers.wait_for(50)
        writers.check()
