"""A server of kept answers, of questions that take a thread, and of such that wait for a reply.

`python -m tests.support.kept_app PORT HOME`.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from chassis.at_once import note_light, pausable, waits
from kiroku.settings import Settings
from kiroku.web import serve

begun: list[str] = []


def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """Say which thread answers: /kept needs no waiting, /asked does, /fails fails; `size` makes the answer longer.

    /later waits for a reply that takes `seconds`; `gives_up` is after how many; `then` names what comes after it.
    /read waits as long for something to read.
    """
    path, query = environ["PATH_INFO"], parse_qs(environ["QUERY_STRING"])
    begun.append(path)
    body = environ["wsgi.input"].read()
    asked = {name: values[0] for name, values in query.items()}
    if path == "/later" and not replied(float(asked["seconds"]), float(asked.get("gives_up", "10"))):
        path = "/late"
    if path == "/read":
        read_after(float(asked["seconds"]))
    if "/asked" in (path, asked.get("then")):
        waits()
    else:
        note_light()
    if "/fails" in (path, asked.get("then")):
        raise RuntimeError("this question fails")
    said = f"{threading.current_thread().name} {begun.count(path)} {body.decode()}"
    answer = (f"{said} late" if path == "/late" else said).ljust(int(asked.get("size", "0"))).encode()
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(answer)))])
    return [answer]


def replied(seconds: float, gives_up: float) -> bool:
    """Wait for a reply that comes after so many seconds; tell whether it came in time."""
    here, came = pausable(), threading.Event()

    def come() -> None:
        came.set()
        if here is not None:
            here.wake()
            here.wake()  # a second time, as two replies may

    timer = threading.Timer(seconds, come)
    if here is None:
        timer.start()
        return came.wait(gives_up)
    here.before_waiting(timer.start)
    here.pause(gives_up)
    assert here.idle >= min(seconds, gives_up) / 2
    return came.is_set()


def read_after(seconds: float) -> None:
    """Wait for something to read, which comes after so many seconds."""
    here = pausable()
    there, back = os.pipe()
    threading.Timer(seconds, os.write, (back, b"here it is")).start()
    if here is not None:
        here.until_ready(there, 10.0, writing=False)
        assert here.idle == 0
    assert os.read(there, 100) == b"here it is"
    os.close(there)
    os.close(back)


if __name__ == "__main__":
    serve(lambda on_exit: app, Settings(home=Path(sys.argv[2]), port=int(sys.argv[1]), threads=4))
