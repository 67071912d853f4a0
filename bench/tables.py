"""Sums over 100,000 tasks and 100,000 time spents: `python -m bench tables URL --email … --password …`.

Loads a production of its own through `/import/kitsu`, once per server, and asks for the tables that managers look at.
"""

import argparse
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from statistics import median, quantiles
from uuid import NAMESPACE_URL, uuid5

from tqdm import tqdm

from bench.load import Api, Record, chunks
from bench.report import aligned

NAME = "Bench tables"
PEOPLE, PER_BATCH, TIMES = 40, 1_000, 60
FIRST_DAY = date(2026, 1, 1)
PATHS = (
    "/data/tasks/open-tasks/stats",
    "/data/tasks/open-tasks/stats?project_id={project}",
    "/data/persons/time-spents/year-table",
    "/data/persons/time-spents/month-table/2026",
    "/data/persons/time-spents/day-table/2026/03?project_id={project}",
)


def id_of(*parts: object) -> str:
    """Return the id of a thing of this bench, always the same. Pure."""
    return str(uuid5(NAMESPACE_URL, "/".join(map(str, ("kiroku", "bench", "tables", *parts)))))


def shots_of(project_id: str, type_id: str, count: int) -> Iterator[Record]:
    """Yield so many shots. Pure."""
    for number in range(count):
        name = f"SH{number:06}"
        named = {"id": id_of("shot", number), "name": name, "type": "Shot"}
        yield {**named, "project_id": project_id, "entity_type_id": type_id}


def tasks_of(
    project_id: str, shots: int, types: Sequence[str], statuses: Sequence[str], count: int
) -> Iterator[Record]:
    """Yield so many tasks, spread over shots, types and statuses. Pure."""
    for number in range(count):
        yield {
            "id": id_of("task", number), "name": f"main {number // (shots * len(types))}", "project_id": project_id,
            "entity_id": id_of("shot", number % shots), "task_type_id": types[number // shots % len(types)],
            "task_status_id": statuses[number % len(statuses)], "type": "Task",
        }  # fmt: skip


def hours_of(people: Sequence[str], tasks: int, count: int) -> Iterator[Record]:
    """Yield so many time spents of a year, one per person, task and day at most. Pure."""
    for number in range(count):
        day = FIRST_DAY + timedelta(days=number % 365)
        yield {
            "id": id_of("time spent", number), "type": "TimeSpent", "duration": 30 + number % 450,
            "date": day.isoformat(), "task_id": id_of("task", number % tasks),
            "person_id": people[number // 365 % len(people)],
        }  # fmt: skip


def push(api: Api, plural: str, records: Iterable[Record], count: int) -> float:
    """Import records in batches; return the seconds that it took."""
    started = time.perf_counter()
    with tqdm(total=count, desc=plural, unit=" records") as bar:
        for batch in chunks(records, PER_BATCH):
            api.call("POST", f"/import/kitsu/{plural}?silent=true", batch)
            bar.update(len(batch))
    return time.perf_counter() - started


def load(api: Api, count: int) -> None:
    """Load the production unless an earlier run has."""
    if any(project["name"] == NAME for project in api.get("/data/projects")):
        return
    project = api.call("POST", "/data/projects", {"name": NAME})["id"]
    shot_type = next(each["id"] for each in api.get("/data/entity-types") if each["name"] == "Shot")
    types = [each["id"] for each in api.get("/data/task-types") if each["for_entity"] == "Shot"][:5]
    statuses = [each["id"] for each in api.get("/data/task-status") if not each["for_concept"]]
    named = ({"first_name": "Tables", "last_name": f"{n}", "email": f"tables{n}@example.com"} for n in range(PEOPLE))
    people = [api.call("POST", "/data/persons", each)["id"] for each in named]
    shots = max(1, count // 20)
    push(api, "entities", shots_of(project, shot_type, shots), shots)
    push(api, "tasks", tasks_of(project, shots, types, statuses, count), count)
    push(api, "time-spents", hours_of(people, count, count), count)


def times(api: Api, path: str) -> Iterator[float]:
    """Yield how long answers take, in milliseconds."""
    for _ in range(TIMES):
        started = time.perf_counter()
        api.get(path)
        yield (time.perf_counter() - started) * 1000


def main(arguments: Sequence[str]) -> int:
    """Load, measure, print."""
    parser = argparse.ArgumentParser(prog="bench tables", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("url", metavar="URL")
    parser.add_argument("--email", required=True, help="an administrator of the server")
    parser.add_argument("--password", required=True)
    parser.add_argument("--count", type=int, default=100_000, help="tasks, and as many time spents")
    told = parser.parse_args(arguments)
    api = Api(told.url, told.email, told.password)
    load(api, told.count)
    project = next(each["id"] for each in api.get("/data/projects") if each["name"] == NAME)
    rows = []
    for path in PATHS:
        seen = list(times(api, path.format(project=project)))
        rows.append((path, f"{median(seen):.1f} ms", f"{quantiles(seen, n=50)[-1]:.1f} ms"))
    print(aligned([("what", "p50", "p98"), *rows]))
    return 0
