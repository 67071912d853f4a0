"""Clients that write all the time, and the check that what was acknowledged was kept, once."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import requests

from tests.support.server import RunningServer

FAIR = (200, 201, 502, 503, 504)


@dataclass
class Journal:
    """What the clients tried, and what was acknowledged with which id."""

    tried: set[str] = field(default_factory=set)
    kept: dict[str, str] = field(default_factory=dict)
    answers: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Writers:
    """Threads that create departments (auth), assets (production), task types (tasks) and playlists (media).

    Half of the writes carry an Idempotency-Key and are repeated until they are acknowledged.
    """

    def __init__(self, server: RunningServer, threads: int = 4) -> None:
        """Write on `server` from so many threads."""
        self.server = server
        self.journal = Journal()
        self.headers = {"Authorization": f"Bearer {token_of(server)}"}
        self._mark = f"w{uuid4().hex[:6]}"
        self._stop = threading.Event()
        project = self.post("data/projects", {"name": f"Film {self._mark}"}).json()["id"]
        character = next(t["id"] for t in self.get("data/asset-types") if t["name"] == "Character")
        self._assets = f"data/projects/{project}/asset-types/{character}/assets/new"
        self._project = project
        self._threads = [threading.Thread(target=self._write, args=(n,), daemon=True) for n in range(threads)]

    def get(self, path: str) -> Any:
        """Return the JSON of a path."""
        reply = requests.get(f"{self.server.url}/{path}", headers=self.headers, timeout=60)
        reply.raise_for_status()
        return reply.json()

    def post(self, path: str, body: dict[str, Any], key: str = "") -> requests.Response:
        """Post once."""
        headers = {**self.headers, **({"Idempotency-Key": key} if key else {})}
        return requests.post(f"{self.server.url}/{path}", json=body, headers=headers, timeout=30)

    def __enter__(self) -> "Writers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(90)

    def wait_for(self, more: int, seconds: float = 60) -> None:
        """Wait until so many further writes are acknowledged."""
        goal, deadline = len(self.journal.kept) + more, time.monotonic() + seconds
        while len(self.journal.kept) < goal:
            if time.monotonic() > deadline:
                raise AssertionError(f"no progress: {self.journal.answers}")
            time.sleep(0.05)

    def _write(self, number: int) -> None:
        kinds = (
            ("data/departments", {"color": "#123456"}),
            (self._assets, {}),
            ("data/task-types", {"color": "#123456", "for_entity": "Asset"}),
            ("data/playlists", {"project_id": self._project, "for_entity": "shot"}),
        )
        count = 0
        while not self._stop.is_set():
            count += 1
            path, body = kinds[(number + count) % len(kinds)]
            name = f"{self._mark} {number} {count}"
            self.journal.tried.add(name)
            key = name.replace(" ", "-") if count % 2 else ""
            while not self._sent(path, {**body, "name": name}, key) and key and not self._stop.is_set():
                time.sleep(0.2)

    def _sent(self, path: str, body: dict[str, Any], key: str) -> bool:
        try:
            reply = self.post(path, body, key)
        except requests.RequestException:
            self.journal.answers[0] += 1
            time.sleep(0.1)
            return False
        self.journal.answers[reply.status_code] += 1
        if reply.status_code not in FAIR:
            self.journal.wrong.append(f"{reply.status_code} {path} {body} {reply.text}")
        if reply.ok:
            self.journal.kept[body["name"]] = reply.json()["id"]
        return reply.ok

    def found(self) -> Counter[tuple[str, str]]:
        """Return how often each (name, id) of ours is there now."""
        rows = [
            row
            for path in ("data/departments", f"data/projects/{self._project}/assets", "data/task-types",
                         f"data/projects/{self._project}/playlists/all")
            for row in self.get(path)
        ]  # fmt: skip
        return Counter((row["name"], row["id"]) for row in rows if row["name"].startswith(self._mark))

    def check(self) -> None:
        """P1: every acknowledged write is there, once, and nothing that nobody asked for."""
        there = self.found()
        names = Counter(name for name, _ in there)
        lost = {name for name, id_ in self.journal.kept.items() if (name, id_) not in there}
        assert not lost, f"{len(lost)} of {len(self.journal.kept)} acknowledged writes are lost: {sorted(lost)[:5]}"
        assert not [name for name, count in names.items() if count > 1]
        assert set(names) <= self.journal.tried
        assert not self.journal.wrong, (self.journal.answers, self.journal.wrong)


def token_of(server: RunningServer) -> str:
    """Sign the administrator in."""
    body = {"email": server.email, "password": server.password}
    token: str = requests.post(f"{server.url}/auth/login", json=body, timeout=60).json()["access_token"]
    return token
