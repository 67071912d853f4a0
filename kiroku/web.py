"""The web server in front of both shapes: gunicorn, with threads, told by our settings."""

from collections.abc import Callable
from contextlib import suppress
from math import ceil
from typing import Any

from gunicorn.app.base import BaseApplication

from gateway.worker import Worker
from kiroku.memory import keep_trimming, keep_what_is_here
from kiroku.observing import GunicornLogger
from kiroku.settings import Settings

OnExit = Callable[[Callable[[], None]], None]
Make = Callable[[OnExit], Any]
# A thread may wait for an upload; others must go on beside it.
LEAST_THREADS = 4


class GunicornServer(BaseApplication):  # type: ignore[misc]
    """gunicorn, told by us instead of by its command line."""

    def __init__(self, make: Make, options: dict[str, Any]) -> None:
        """Serve what `make` returns, with gunicorn's `options`."""
        self._make = make
        self._ends: list[Callable[[], None]] = []
        self._told = {**options, "worker_exit": self._end}
        super().__init__()

    def _end(self, server: Any, worker: Any) -> None:
        for end in reversed(self._ends):
            with suppress(Exception):
                end()

    def load_config(self) -> None:
        """Take our options."""
        for name, value in self._told.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Return the WSGI application; runs in the worker, after the fork."""
        keep_trimming()
        made = self._make(self._ends.append)
        keep_what_is_here()
        return made


def serve(make: Make, settings: Settings, *, workers: int = 1, gone: Callable[[], None] = lambda: None) -> None:
    """Serve the WSGI application that `make` returns until a signal comes; ends by SystemExit, as gunicorn does.

    `make` runs in each of the `workers`, and what it gives to its argument is called when the worker ends, the last
    one first. `gone` is called, in the first process, after a worker has ended.
    """
    # What the workers have in common stays so: the garbage collector would write to it.
    keep_what_is_here()

    def ended(server: Any, worker: Worker) -> None:
        Worker.crowds.forget(worker.age)
        gone()

    options = {
        "bind": f"{settings.host}:{settings.port}",
        "worker_class": Worker,
        "workers": workers,
        "threads": max(LEAST_THREADS, ceil(settings.threads / workers)) if workers > 1 else settings.threads,
        "child_exit": ended,
        # Longer than proxies keep idle connections (60 s): else they send a request into one that just closed.
        "keepalive": 75,
        "timeout": 120,
        "graceful_timeout": 15,
        "control_socket_disable": True,
        "loglevel": settings.log_level,
        "logger_class": GunicornLogger,
    }
    GunicornServer(make, options).run()
