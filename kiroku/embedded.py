"""One command, one port: embedded PostgreSQL, all services and the gateway under gunicorn."""

import json
import secrets
from contextlib import ExitStack, suppress
from typing import Any

from chassis.storage import open_store
from gateway.app import create_app
from gateway.identity import Identities
from gateway.live.handover import LiveLoop, with_live
from gateway.live.hub import Hub
from kiroku.addresses import database_of, database_template_of
from kiroku.distributed.probes import Probes
from kiroku.observing import start_traces
from kiroku.postgres import EmbeddedPostgres
from kiroku.resetting import keep_fresh, resetter
from kiroku.settings import Settings, kept_secret
from kiroku.sign_in import sign_in_limit, sign_in_settings
from kiroku.system import SERVICES, LogSource, System
from kiroku.web import OnExit, serve


def service_settings(settings: Settings, password: str) -> dict[str, Any]:
    """Return what services may ask for by `unit.setting`."""
    return {
        "secret": kept_secret(settings),
        "access_seconds": settings.access_seconds,
        "refresh_seconds": settings.refresh_seconds,
        "admin_email": settings.admin_email,
        "admin_password": password,
        **sign_in_settings(settings),
    }


def admin_of(settings: Settings) -> dict[str, str]:
    """Return {url, email, password} of the first administrator: kept in home, password made on first start."""
    path = settings.home / "admin.json"
    url = f"http://{settings.host}:{settings.port}"
    kept = json.loads(path.read_text()) if path.exists() else {}
    password = kept.get("password") or settings.admin_password or secrets.token_urlsafe(9)
    admin = {"url": url, "email": kept.get("email") or settings.admin_email, "password": password}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(admin))
    return admin


def storage_of(settings: Settings) -> str:
    """Return the address of the object store: the one given, else a folder in home."""
    return settings.storage_url or f"file://{(settings.home / 'media').resolve()}"


def database_template(settings: Settings, stack: ExitStack, *, joining: bool = False) -> str:
    """Return the address of the databases with `{service}` in it.

    Where none is given, the embedded server is started and watched over until the stack closes; `joining` uses the
    one that a running Kiroku has started, if there is one.
    """
    if settings.database_url:
        return database_template_of(settings.database_url)
    server = EmbeddedPostgres(settings.home / "postgres")
    if not joining or not server.join():
        stack.enter_context(server)
        server.watch()
        server.create_databases([f"kiroku_{name}" for name in SERVICES])
    return server.url("kiroku_SERVICE").replace("SERVICE", "{service}")


def database_urls(settings: Settings, stack: ExitStack, *, joining: bool = False) -> dict[str, str]:
    """Return the database of each service; see `database_template`."""
    template = database_template(settings, stack, joining=joining)
    return {name: database_of(template, name) for name in SERVICES}


def problems(system: System) -> list[str]:
    """Return what keeps the embedded shape from being ready: a database that does not answer. Raises its error."""
    for service in system.services.values():
        service.database.run("SELECT 1")
    return []


def run(settings: Settings) -> None:
    """Serve until a signal comes, then stop everything in order."""
    admin = admin_of(settings)
    with ExitStack() as stack:
        urls = database_urls(settings, stack)
        told = service_settings(settings, admin["password"])
        told["admin_email"] = admin["email"]
        first = System(urls, told)
        first.migrate()
        if settings.dev:
            keep_fresh(first)
            print("KIROKU_DEV=1: POST /dev/reset puts everything back to the fresh install", flush=True)
        first.stop()
        storage = storage_of(settings)

        def make(on_exit: OnExit) -> Any:
            start_traces(settings, "embedded")
            store = open_store(storage)
            system = System(urls, {**told, "store": store})
            system.start()
            on_exit(system.stop)
            identities = Identities(system, told["secret"], settings.previous_secret)
            hub = Hub(system, identities, LogSource(system))
            live = LiveLoop(hub)
            live.start()
            on_exit(live.stop)

            def forget() -> None:
                identities.drop()
                hub.rewind()

            Probes(settings.host, settings.probe_port, lambda: problems(system)).start()
            app = create_app(
                system, store=store, secret=told["secret"], body_limit=settings.body_limit,
                identities=identities, sign_ins=sign_in_limit(settings),
                reset=resetter(system, forget) if settings.dev else None,
                describe={f"{s.name}.{o.name}": o for s in system.services.values() for o in s.operations.values()},
            )  # fmt: skip
            return with_live(app, live)

        print(f"Kiroku: {admin['url']}   docs: {admin['url']}/docs", flush=True)
        print(f"Administrator: {admin['email']}   password: {admin['password']}", flush=True)
        # gunicorn ends by SystemExit; the databases must still be stopped in order.
        with suppress(SystemExit):
            serve(make, settings)
