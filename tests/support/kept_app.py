"""A server with nothing but kept answers, and questions that take a thread: `python -m tests.support.kept_app PORT`."""

import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from chassis.at_once import note_kept, waits
from kiroku.settings import Settings
from kiroku.web import serve

begun: list[str] = []


def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """Say which thread answers: /kept needs no waiting, /asked does, /fails fails; `size` makes the answer longer."""
    path, query = environ["PATH_INFO"], parse_qs(environ["QUERY_STRING"])
    begun.append(path)
    body = environ["wsgi.input"].read()
    if path == "/asked":
        waits()
    else:
        note_kept()
    if path == "/fails":
        raise RuntimeError("this question fails")
    said = f"{threading.current_thread().name} {begun.count(path)} {body.decode()}"
    size = int(query.get("size", ["0"])[0])
    answer = said.ljust(size).encode()
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(answer)))])
    return [answer]


if __name__ == "__main__":
    serve(lambda on_exit: app, Settings(home=Path(sys.argv[2]), port=int(sys.argv[1]), threads=4))
