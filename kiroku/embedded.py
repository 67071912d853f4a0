"""One command, one port: embedded PostgreSQL, all services and the gateway under gunicorn."""

import json
import secrets
from contextlib import ExitStack, suppress
from typing import Any

from chassis.answers import Answers, Store
from chassis.changes import Change
from chassis.marks import Followed
from chassis.mended import Lookout, Sure
from chassis.storage import open_store
from gateway.app import create_app
from gateway.identity import Identities
from gateway.live.handover import Adopts, LiveLoop, with_live
from gateway.live.hub import Hub
from gateway.tries import Tries
from kiroku.addresses import database_of, database_template_of
from kiroku.distributed.probes import Probes
from kiroku.observing import forget_metrics, start_traces
from kiroku.postgres import EmbeddedPostgres
from kiroku.resetting import keep_fresh, resetter
from kiroku.settings import Settings, kept_secret, worker_count
from kiroku.sign_in import sign_in_limit, sign_in_settings
from kiroku.system import SERVICES, LogSource, System, followed, specs
from kiroku.web import OnExit, serve
from kiroku.workers import HouseMarks, Line, Places


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


class _House:
    """What the worker processes of one server have in common, and how each of them is made."""

    def __init__(self, settings: Settings, urls: dict[str, str], told: dict[str, Any]) -> None:
        """Prepare, before the fork, what the workers share."""
        self._settings, self._urls, self._told = settings, urls, told
        self.workers = worker_count(settings)
        self.marks = HouseMarks(
            {name: [r.kind for r in (*spec.owns, *spec.replicates)] for name, spec in specs().items()}
        )
        kinds = followed()
        self.followed = {name: Followed(kinds.get(name, {}), self.marks.of) for name in specs()}
        self._places, self._line, self._sure = Places(self.workers), Line(self.marks), Sure()
        self._tries = Tries(settings.home / "sign-ins.db" if self.workers > 1 else None)
        self._tries.clear()
        forget_metrics()

    def make(self, on_exit: OnExit) -> Any:
        """Return the WSGI application of one worker; the one in the first place serves live events for all."""
        settings, told, marks = self._settings, self._told, self.marks
        place = self._places.take()
        start_traces(settings, "embedded")
        store = open_store(storage_of(settings))
        system = System(self._urls, {**told, "store": store}, processes=self.workers)
        kept = Store()
        for name, service in system.services.items():
            service.marks = marks.of(name)
            # Other servers may change a database that is not our own, and leave no mark.
            service.answers = (
                None
                if settings.database_url
                else Answers(name, marks.of(name), kept, followed=self.followed[name], sure=self._sure)
            )
            service.on_commit.append(self._committed)
            system.followers[name].watch(self.followed[name])
        system.start()
        on_exit(system.stop)
        identities = Identities(system, told["secret"], settings.previous_secret, marks.of("auth").read)
        hub = Hub(system, identities, LogSource(system, self._line.hear))
        live: Adopts = self._line
        if place == 0:
            Probes(settings.host, settings.probe_port, lambda: problems(system)).start()
            live = self._live(hub, on_exit)
            lookout = Lookout(system.services, self._sure, marks.doubt)
            lookout.start()
            on_exit(lookout.stop)

        def forget() -> None:
            identities.drop()
            marks.doubt()
            hub.rewind()

        app = create_app(
            system, store=store, secret=told["secret"], body_limit=settings.body_limit,
            identities=identities, sign_ins=sign_in_limit(settings, self._tries),
            reset=resetter(system, forget) if settings.dev else None,
            describe={f"{s.name}.{o.name}": o for s in system.services.values() for o in s.operations.values()},
        )  # fmt: skip
        return with_live(app, live)

    def _live(self, hub: Hub, on_exit: OnExit) -> LiveLoop:
        live = LiveLoop(hub)
        live.start()
        on_exit(live.stop)
        self._line.listen(live)
        return live

    def _committed(self, position: int, changes: list[Change]) -> None:
        self._line.wake()


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
        house = _House(settings, urls, told)
        print(f"Kiroku: {admin['url']}   docs: {admin['url']}/docs", flush=True)
        print(f"Administrator: {admin['email']}   password: {admin['password']}", flush=True)
        # gunicorn ends by SystemExit; the databases must still be stopped in order.
        with suppress(SystemExit):
            serve(house.make, settings, workers=house.workers, gone=house.marks.doubt)
