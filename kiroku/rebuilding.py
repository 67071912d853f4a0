"""`kiroku rebuild <service>`: read models from the log, with a progress bar, while the server goes on."""

import sys
from contextlib import ExitStack

from tqdm import tqdm

from chassis.rebuild import rebuild
from chassis.shapes import served
from kiroku.embedded import database_urls
from kiroku.settings import Settings
from kiroku.system import System


def rebuild_service(settings: Settings, name: str) -> int:
    """Rebuild the read models of service `name`; return the exit status."""
    with ExitStack() as stack:
        system = System(database_urls(settings, stack, joining=True), {})
        service = system.services.get(name)
        if service is None:
            print(f"kiroku: unknown service {name}; known: {', '.join(system.services)}", file=sys.stderr)
            return 2
        if served(service) != service.spec.shape:
            print(f"kiroku: {name} is served by another release: rebuild with that one", file=sys.stderr)
            return 1
        with tqdm(unit=" events") as bar:

            def show(position: int, head: int) -> None:
                bar.total = head
                bar.update(position - bar.n)

            position = rebuild(service, show)
        print(f"{name}: rebuilt to position {position}")
    return 0
