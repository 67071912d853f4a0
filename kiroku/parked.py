"""Parked events: those whose reaction failed. Later events of the same record wait behind them."""

import sys
from contextlib import ExitStack

from chassis.database import Database
from chassis.errors import Superseded
from kiroku.embedded import database_urls, service_settings
from kiroku.settings import Settings, WrongSettingError
from kiroku.system import SERVICES, System

LIST = "SELECT owner, position, kind, id::text, error, parked_at FROM log.parked ORDER BY owner, position"


def _known(service: str) -> str:
    if service not in SERVICES:
        raise WrongSettingError(f"there is no service {service!r}: name one of {', '.join(SERVICES)}")
    return service


def list_parked(settings: Settings, service: str) -> int:
    """Print the parked events of a service: owner, position, record, error."""
    with ExitStack() as stack:
        database = Database(database_urls(settings, stack, joining=True)[_known(service)])
        rows = database.run(LIST)
        for owner, position, kind, id_, error, at in rows:
            print(f"{owner:12s} {position:10d} {kind} {id_} {at:%Y-%m-%d %H:%M:%S} {error}")
        print(f"{len(rows)} parked events", file=sys.stderr)
        database.close()
    return 0


def replay_parked(settings: Settings, service: str) -> int:
    """Apply the parked events of a service again, in order; those that fail once more stay parked."""
    with ExitStack() as stack:
        urls = database_urls(settings, stack, joining=True)
        system = System(urls, service_settings(settings, ""))
        try:
            done, left = system.followers[_known(service)].replay()
        except Superseded:
            print(f"kiroku: {service} is served by another release: replay with that one", file=sys.stderr)
            return 1
        finally:
            system.stop()
    print(f"{done} events replayed, {left} still parked")
    return 0 if left == 0 else 1
