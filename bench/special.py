"""What is measured once: an import, a large upload, a crowd of artists, the way of a change to a listener, memory."""

import io
import os
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import cycle
from typing import Any

from PIL import Image

from bench.client import Measurement, measure
from bench.fill import maker
from bench.load import SHAPES, Api, asset_rows, open_slot, sheet, shot_rows
from bench.processes import settle, usage
from bench.run import Server, etag_of
from bench.scenarios import (
    CHANGES,
    CROWD_PEER_PER_SECOND,
    CROWD_READS,
    CROWD_WRITES,
    EVENT_PEER,
    GOALS,
    IMPORT_PEER,
    MEMORY_PEER_MIB,
    READS,
    UPLOAD_PEER,
    Peer,
    Size,
)

ARTISTS = 50
UPLOADS = 3
EVENTS = 40
REST_SECONDS = 5.0
IMPORTED_ROWS = 1000
EVENT_PATIENCE_SECONDS = 10


@dataclass(frozen=True)
class Figure:
    """One number of one server. better: "less" or "more"; peer: the reference's number, where it is known."""

    name: str
    server: str
    value: float
    unit: str
    better: str = "less"
    peer: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times better than the recorded peer."""
        if self.peer is None or not self.value > 0:
            return None
        return self.peer / self.value if self.better == "less" else self.value / self.peer

    @property
    def goal(self) -> tuple[float, float] | None:
        """The goal of the design: embedded, distributed."""
        return GOALS.get(self.name)


def run_special(servers: list[Server], size: Size, seconds: float, only: str) -> list[Figure]:
    """Measure what the name filter leaves of the special figures, server by server."""
    tasks: tuple[tuple[str, Callable[[Server, Size, float], Figure]], ...] = (
        ("CSV import of 1,000 assets × 3 tasks", csv_import),
        ("4K PNG uploaded until its thumbnails are there", large_picture),
        ("50 artists, 80 % reads, saturation", crowd),
        ("write → event at a Socket.IO client, p50", event_latency),
        ("memory of the application processes, MiB", memory),
    )
    figures = []
    for name, task in tasks:
        for server in servers if only in name else ():
            settle(server.pids, server.brokers)
            figures.append(task(server, size, seconds))
    return figures


def csv_import(server: Server, size: Size, seconds: float) -> Figure:
    """Import 1,000 assets with three status columns into a production of their own, closed afterwards."""
    api, project = server.api, passing_production(server, "import")
    settings = f"/data/projects/{project}/settings"
    types = [row for row in api.get("/data/task-types") if row["for_entity"] == "Asset"][:3]
    for rank, task_type in enumerate(types, start=1):
        api.call("POST", f"{settings}/task-types", {"task_type_id": task_type["id"], "priority": rank})
    for status in api.get("/data/task-status"):
        api.call("POST", f"{settings}/task-status", {"task_status_id": status["id"]})
    for kind in api.get("/data/asset-types"):
        api.call("POST", f"{settings}/asset-types", {"asset_type_id": kind["id"]})
    data = sheet(asset_rows(IMPORTED_ROWS, "Import", tuple(row["name"] for row in types)))
    started = time.perf_counter()
    made = api.upload(f"/import/csv/projects/{project}/assets", "assets.csv", data)
    spent = (time.perf_counter() - started) * 1000
    close(api, project)
    name = "CSV import of 1,000 assets × 3 tasks"
    note = f"{len(made)} rows × {len(types)} tasks"
    return Figure(name, server.name, spent, "ms", peer=_ms(IMPORT_PEER, size), note=note)


def passing_production(server: Server, purpose: str) -> str:
    """Return a new production that is closed after use."""
    name = f"Bench {purpose} {server.world.run} {time.time_ns() % 10**6}"
    return str(server.api.call("POST", "/data/projects", {"name": name})["id"])


def close(api: Api, project: str) -> None:
    """Take a production out of the lists of open ones."""
    closed = next(row["id"] for row in api.get("/data/project-status") if row["name"] == "Closed")
    api.call("PUT", f"/data/projects/{project}", {"project_status_id": closed})


def large_picture(server: Server, size: Size, seconds: float) -> Figure:
    """Upload a 4K PNG and read its thumbnail as soon as it is there; median of a few."""
    api, data = server.api, four_k_png()
    spent = []
    for number in range(UPLOADS):
        slot = open_slot(api, server.world, server.world.tasks[number + 1])
        started = time.perf_counter()
        api.upload(f"/pictures/preview-files/{slot}", "frame.png", data)
        path = f"{api.url}/pictures/thumbnails/preview-files/{slot}.png"
        while api.session.get(path, timeout=60).status_code != 200:
            time.sleep(0.01)
        spent.append((time.perf_counter() - started) * 1000)
    name = "4K PNG uploaded until its thumbnails are there"
    note = f"{len(data) / 2**20:.1f} MiB"
    return Figure(name, server.name, statistics.median(spent), "ms", peer=_ms(UPLOAD_PEER, size), note=note)


def four_k_png() -> bytes:
    """Return a picture of 3840 × 2160 with the detail of a rendered frame (smooth shapes under fine grain)."""
    shape = (3840, 2160)
    grain = Image.frombytes("L", (1920, 1080), os.urandom(1920 * 1080)).resize(shape, Image.Resampling.BICUBIC)
    smooth = Image.radial_gradient("L").resize(shape)
    mixed = Image.blend(smooth, grain, 0.15)
    target = io.BytesIO()
    Image.merge("RGB", (mixed, smooth, mixed.transpose(Image.Transpose.FLIP_LEFT_RIGHT))).save(
        target, "PNG", compress_level=1
    )
    return target.getvalue()


def crowd(server: Server, size: Size, seconds: float) -> Figure:
    """Let 50 artists read and write without a pause, four reads to a write."""
    run = crowd_run(server, seconds * 2)
    failed = sum(run.errors.values())
    note = f"p50 {run.percentile(0.5) * 1000:.0f} ms, p99 {run.percentile(0.99) * 1000:.0f} ms, {failed} errors"
    peer = CROWD_PEER_PER_SECOND.get(size)
    return Figure("50 artists, 80 % reads, saturation", server.name, run.per_second, "req/s", "more", peer, note)


def crowd_run(server: Server, seconds: float) -> Measurement:
    """Measure the mix; artists write on their own tasks, under their own names.

    The unchanged list is that of a production in which nobody works: where people do, a list changes all the time.
    """
    quiet = passing_production(server, "quiet")
    server.api.upload(f"/import/csv/projects/{quiet}/shots", "shots.csv", sheet(shot_rows(SHAPES["small"])))
    makers = []
    for token, person in zip(server.world.tokens, server.world.persons, strict=True):
        server.api.call("POST", f"/data/projects/{quiet}/team", {"person_id": person})
        target = server.target(token)
        own = [(task, who) for task, who in server.world.assigned if who == person]
        world = replace(server.world, tasks=[task for task, _ in own], assigned=own)
        still = replace(world, project=quiet)
        reads = [
            maker(one, target, still, etag_of(target, one, still)) if one.unchanged else maker(one, target, world)
            for one in READS
            if one.name in CROWD_READS
        ]
        writes = [maker(one, target, world) for one in CHANGES if one.name in CROWD_WRITES]
        makers.append((reads, writes))

    def make(number: int) -> bytes:
        reads, writes = makers[number % len(makers)]
        turn = number // len(makers)
        chosen = writes if turn % 5 == 4 else reads
        return chosen[(turn // 5 + turn) % len(chosen)](number)

    good = (200, 201, 304)  # reads, writes, unchanged lists
    measure(server.target(), make, clients=ARTISTS, seconds=1, wanted=good)
    run = measure(server.target(), make, clients=ARTISTS, seconds=seconds, wanted=good)
    close(server.api, quiet)
    return run


def event_latency(server: Server, size: Size, seconds: float) -> Figure:
    """Comment tasks and wait for each comment at a Socket.IO listener: from sending to hearing."""
    import socketio

    name = "write → event at a Socket.IO client, p50"
    heard: dict[str, float] = {}
    news = threading.Condition()
    listener = socketio.Client(reconnection=False)

    def note(payload: dict[str, Any]) -> None:
        with news:
            heard[payload["comment_id"]] = time.perf_counter()
            news.notify_all()

    listener.on("comment:new", note, namespace="/events")
    headers = {"Authorization": f"Bearer {server.api.token}"}
    listener.connect(server.api.url, headers=headers, namespaces=["/events"], wait_timeout=EVENT_PATIENCE_SECONDS)
    latencies, lost = [], 0
    for number, (task, status) in enumerate(zip(server.world.tasks, cycle(server.world.statuses), strict=False)):
        if number == EVENTS:
            break
        started = time.perf_counter()
        body = {"task_status_id": status, "comment": f"listen {number}"}
        comment = server.api.call("POST", f"/actions/tasks/{task}/comment", body)["id"]
        with news:
            if news.wait_for(lambda: comment in heard, EVENT_PATIENCE_SECONDS):  # noqa: B023 - waited for at once
                latencies.append((heard[comment] - started) * 1000)
            else:
                lost += 1
    listener.disconnect()
    value = statistics.median(latencies) if latencies else float("nan")
    return Figure(name, server.name, value, "ms", peer=_ms(EVENT_PEER, size), note=f"{lost} of {EVENTS} lost")


def memory(server: Server, size: Size, seconds: float) -> Figure:
    """Read the memory of the server's processes after all that, at rest: what answers took has been given back."""
    time.sleep(REST_SECONDS)
    now = usage(server.pids)
    note = f"{now.processes} processes, {now.rss:.0f} MiB resident" if server.pids else "processes unknown"
    value = now.pss if server.pids else float("nan")
    peer = MEMORY_PEER_MIB[0]
    return Figure("memory of the application processes, MiB", server.name, value, "MiB", peer=peer, note=note)


def _ms(peer: Peer, size: Size) -> float | None:
    return peer.fastest_ms(size)
