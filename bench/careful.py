"""Clients that never give up: reads are repeated, changes carry an Idempotency-Key and are repeated until answered."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import requests

from bench.load import Api

# What a client that may repeat its request repeats it for: nobody is there, or nobody could answer in time.
AGAIN = (502, 503, 504)
GIVE_UP_SECONDS = 60


@dataclass
class Ledger:
    """What was asked and what came of it."""

    asked: int = 0
    repeated: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    made: dict[str, str] = field(default_factory=dict)
    slowest: float = 0.0


class Careful:
    """Threads that read tasks and lists and create task types and comments, four reads to a change."""

    def __init__(self, api: Api, paths: list[str], threads: int = 8) -> None:
        """Read `paths` in turn, as the person of `api`."""
        self.ledger, self.mark = Ledger(), f"scale-{uuid4().hex[:6]}"
        self._api, self._paths = api, paths
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._work, args=(n,), daemon=True) for n in range(threads)]

    def __enter__(self) -> "Careful":
        """Start all."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let each finish what it asks at the moment."""
        self._stop.set()
        for thread in self._threads:
            thread.join(GIVE_UP_SECONDS + 5)

    def _work(self, number: int) -> None:
        session, turn = requests.Session(), 0
        session.headers.update(self._api.session.headers)
        while not self._stop.is_set():
            turn += 1
            if turn % 5:
                self._ask(session, "GET", self._paths[(number + turn) % len(self._paths)])
                continue
            name = f"{self.mark} {number} {turn}"
            body = {"name": name, "color": "#123456", "for_entity": "Asset"}
            found = self._ask(session, "POST", "/data/task-types", body, name.replace(" ", "-"))
            if found is not None:
                with self._lock:
                    self.ledger.made[name] = found["id"]

    def _ask(self, session: requests.Session, method: str, path: str, body: Any = None, key: str = "") -> Any:
        """Ask until there is an answer; return the JSON of a good one, else None."""
        began = time.monotonic()
        headers = {"Idempotency-Key": key} if key else {}
        tries = 0
        while True:
            tries += 1
            try:
                reply = session.request(method, self._api.url + path, json=body, headers=headers, timeout=30)
                status = reply.status_code
            except requests.RequestException as problem:
                status, said = 0, type(problem).__name__
            waited = time.monotonic() - began
            if status and status not in AGAIN:
                break
            if waited > GIVE_UP_SECONDS:
                self._count(tries, waited, said if not status else str(status))
                return None
            time.sleep(0.05)
        self._count(tries, waited, "" if status < 400 else f"{status} {method} {path}")
        return reply.json() if status < 400 else None

    def _count(self, tries: int, seconds: float, failure: str) -> None:
        with self._lock:
            self.ledger.asked += 1
            self.ledger.repeated += tries - 1
            self.ledger.slowest = max(self.ledger.slowest, seconds)
            if failure:
                self.ledger.failed[failure] += 1


def wrong_in(api: Api, ledger: Ledger, mark: str) -> list[str]:
    """Return what is wrong with the house after the ledger: lost or doubled records, gaps or doubles in the log."""
    found = Counter((row["name"], row["id"]) for row in api.get("/data/task-types") if row["name"].startswith(mark))
    names = Counter(name for name, _ in found)
    lost = [name for name, id_ in ledger.made.items() if (name, id_) not in found]
    doubled = [name for name, count in names.items() if count > 1]
    problems = [f"{len(lost)} acknowledged changes are lost"] if lost else []
    problems += [f"{len(doubled)} changes happened twice"] if doubled else []
    events, position, head = Counter[str](), 0, 1
    while position < head:
        page = api.get(f"/data/events/feed?service=tasks&after={position}&limit=500")
        if [event["position"] for event in page["events"]] != list(range(position + 1, page["position"] + 1)):
            problems.append(f"the log of tasks has a gap after position {position}")
        events.update(e["subject"] for e in page["events"] if str(e["data"]["new"].get("name", "")).startswith(mark))
        position, head = page["position"], page["head"]
    if len(events) != len(names) or any(count > 1 for count in events.values()):
        problems.append(f"{len(names)} records, but {sum(events.values())} events of them")
    return problems
