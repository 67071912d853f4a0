"""The gateway as processes of their own: gunicorn, calls over the broker, live events in each worker."""

import os
from typing import Any

from chassis.storage import open_store
from gateway.app import create_app
from gateway.identity import Identities
from gateway.live.handover import LiveLoop, Worker, with_live
from gateway.live.hub import Hub
from kiroku.distributed.client import RpcClient
from kiroku.distributed.feeds import RemoteSource
from kiroku.distributed.wakes import Wakes
from kiroku.embedded import GunicornServer, storage_of
from kiroku.settings import Settings, kept_secret
from kiroku.sign_in import sign_in_limit
from kiroku.system import specs


def serve_gateway(settings: Settings) -> None:
    """Serve until a signal comes."""
    secret, sign_ins = kept_secret(settings), sign_in_limit(settings)

    def make() -> Any:
        client, wakes = RpcClient(settings.amqp_url, timeout=settings.rpc_timeout), Wakes(settings.amqp_url)
        client.start()
        wakes.start()
        store = open_store(storage_of(settings))
        described = {f"{n}.{o.name}": o for n, spec in specs().items() for o in spec.operations().values()}
        identities = Identities(client, secret)
        live = LiveLoop(Hub(client, identities, RemoteSource(client, wakes, list(specs()))))
        app = create_app(
            client, store=store, secret=secret, body_limit=settings.body_limit, describe=described,
            identities=identities, sign_ins=sign_ins,
        )  # fmt: skip
        wakes.hear(lambda service: identities.drop() if service == "auth" else None)
        live.start()
        return with_live(app, live)

    options = {
        "bind": f"{settings.host}:{settings.port}",
        "worker_class": Worker,
        "workers": 1,
        "threads": settings.threads,
        "keepalive": 30,
        "timeout": 120,
        "graceful_timeout": 15,
        "control_socket_disable": True,
        "loglevel": os.environ.get("KIROKU_LOG_LEVEL", "warning"),
    }
    GunicornServer(make, options).run()
