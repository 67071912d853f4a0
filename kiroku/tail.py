"""`kiroku events tail`: the log of a service, for people."""

import sys
import time
from contextlib import ExitStack, suppress

import orjson

from chassis.cloud import cloud_event, event_type
from chassis.database import Database
from chassis.events import Event
from chassis.service import Service
from chassis.spec import NoBus
from kiroku.embedded import database_urls
from kiroku.settings import Settings, WrongSettingError
from kiroku.system import SERVICES, specs

PAGE = 500
LAST = 10
PAUSE = 0.5
LONGEST = 60


def tail(settings: Settings, name: str, *, after: int | None, follow: bool, as_json: bool) -> int:
    """Print the events of service `name` after a position (the last ten when None); `follow` goes on until Ctrl-C."""
    if name not in SERVICES:
        raise WrongSettingError(f"there is no service {name!r}: name one of {', '.join(SERVICES)}")
    with ExitStack() as stack, suppress(KeyboardInterrupt, BrokenPipeError):
        database = Database(database_urls(settings, stack, joining=True)[name], pool_size=2)
        stack.callback(database.close)
        service = Service(specs()[name], database, NoBus())
        position = max(0, service.head() - LAST) if after is None else after
        while True:
            events, reached = service.feed(position, PAGE)
            for event in events:
                print(orjson.dumps(cloud_event(name, event)).decode() if as_json else line(event))
            sys.stdout.flush()
            if not events:
                if not follow:
                    break
                time.sleep(PAUSE)
            position = reached
    return 0


def line(event: Event) -> str:
    """Return an event in one line: position, time, type, stream, who, and the fields with old and new value. Pure."""
    names = sorted({*event.new, *event.old})
    told = " ".join(f"{name}={_short(event, name)}" for name in names)
    who = event.actor_id or event.on_behalf_of or "system"
    at = f"{event.recorded_at:%Y-%m-%d %H:%M:%S}"
    return f"{event.position:8d} {at} {event_type(event.name, event.schema)} {event.stream} by {who} {told}".rstrip()


def _short(event: Event, name: str) -> str:
    values = [_text(side[name]) for side in (event.old, event.new) if name in side]
    return "→".join(values)


def _text(value: object) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
