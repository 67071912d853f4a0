"""Parked events: those whose reaction failed. Later events of the same record wait behind them."""

import sys
from contextlib import ExitStack

from chassis import sql
from chassis.database import Database
from chassis.errors import Superseded
from kiroku.embedded import database_urls, service_settings
from kiroku.settings import Settings, WrongSettingError
from kiroku.system import SERVICES, System

LIST = "SELECT owner, position, kind, id::text, error, parked_at FROM log.parked ORDER BY owner, position"


def _chosen(service: str | None) -> tuple[str, ...]:
    if service is None:
        return SERVICES
    if service not in SERVICES:
        raise WrongSettingError(f"there is no service {service!r}: name one of {', '.join(SERVICES)}")
    return (service,)


def list_parked(settings: Settings, service: str | None) -> int:
    """Print the parked events of a service, or of all: service, owner, position, record, time, error."""
    names, count = _chosen(service), 0
    with ExitStack() as stack:
        urls = database_urls(settings, stack, joining=True)
        for name in names:
            database = Database(urls[name])
            stack.callback(database.close)
            for owner, position, kind, id_, error, at in database.run(LIST):
                print(f"{name:12s} {owner:12s} {position:10d} {kind} {id_} {at:%Y-%m-%d %H:%M:%S} {error}")
                count += 1
    print(f"{count} parked events", file=sys.stderr)
    return 0


def replay_parked(settings: Settings, service: str | None) -> int:
    """Apply the parked events of a service, or of all, again, in order; those that fail once more stay parked."""
    names, done, left, refused = _chosen(service), 0, 0, False
    with ExitStack() as stack:
        system = System(database_urls(settings, stack, joining=True), service_settings(settings, ""))
        stack.callback(system.stop)
        for name in names:
            try:
                replayed, stuck = system.followers[name].replay()
                if replayed:
                    # A server that runs beside this has not heard of it.
                    system.services[name].database.run(sql.MOVE_ALL_ON)
            except Superseded:
                print(f"kiroku: {name} is served by another release: replay with that one", file=sys.stderr)
                refused = True
            else:
                done, left = done + replayed, left + stuck
    print(f"{done} events replayed, {left} still parked")
    return int(refused or left > 0)
