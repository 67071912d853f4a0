"""The gateway as processes of their own: gunicorn, calls over the broker, live events in each worker."""

from typing import Any

from chassis.messages import THE_SYSTEM, Request
from chassis.storage import open_store
from gateway.app import create_app
from gateway.held import HeldAnswers
from gateway.identity import Identities
from gateway.kept import KeptAnswers, Moves
from gateway.live.handover import LiveLoop, with_live
from gateway.live.hub import Hub
from gateway.routes.status import ROUTES
from kiroku.distributed.broker import WAKES, Broker
from kiroku.distributed.client import RpcClient
from kiroku.distributed.feeds import RemoteFeeds, RemoteSource
from kiroku.distributed.heads import Heads
from kiroku.distributed.probes import Probes
from kiroku.distributed.wakes import Wakes
from kiroku.embedded import storage_of
from kiroku.observing import start_traces
from kiroku.settings import Settings, kept_secret
from kiroku.sign_in import sign_in_limit
from kiroku.system import followed, specs
from kiroku.web import OnExit, serve

# What a process for live events answers besides them.
HEALTH = tuple(route for route in ROUTES if route.path.startswith("/health/"))


def serve_gateway(settings: Settings, broker: Broker, *, only_live: bool = False) -> None:
    """Serve until a signal comes: the API and live events, or these alone."""
    secret, sign_ins = kept_secret(settings), sign_in_limit(settings)

    def make(on_exit: OnExit) -> Any:
        start_traces(settings, "live" if only_live else "gateway")
        client = RpcClient(broker, timeout=settings.rpc_timeout)
        client.start()
        moves = Moves({name: frozenset(spec.reactions()) for name, spec in specs().items()}, followed())
        heads = Heads(moves, RemoteFeeds(client).state)
        wakes = Wakes(broker, WAKES, opened=heads.begin)
        wakes.follow(moves.heard)
        wakes.start()
        store = None if only_live else open_store(storage_of(settings))
        described = {f"{n}.{o.name}": o for n, spec in specs().items() for o in spec.operations().values()}
        identities = Identities(client, secret, settings.previous_secret)
        live = LiveLoop(Hub(client, identities, RemoteSource(client, wakes, list(specs()))))
        bus = KeptAnswers(HeldAnswers(client), described, moves)
        app = create_app(
            bus, store=store, secret=secret, body_limit=settings.body_limit,
            describe=described, identities=identities, routes=HEALTH if only_live else None, sign_ins=sign_ins,
        )  # fmt: skip
        wakes.hear(lambda service: identities.drop() if service == "auth" else None)
        live.start()
        on_exit(live.stop)
        Probes(settings.host, settings.probe_port, lambda: problems(client)).start()
        return with_live(app, live)

    serve(make, settings)


def problems(client: RpcClient) -> list[str]:
    """Return what keeps a gateway from being ready: it can do nothing without the broker and auth."""
    if not client.up:
        return ["the broker is not connected"]
    try:
        client.call(Request("auth.count_people", actor=THE_SYSTEM))
    except Exception as problem:
        return [f"auth does not answer: {problem}"]
    return []
