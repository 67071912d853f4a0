"""Steps about the work itself: tasks in bulk, assignments, the history of a status, hours."""

from datetime import date, timedelta

import gazu
from gazu.exception import NotAllowedException, ParameterException

from examples.day.studio import Day, Record, by_id, expect, expect_equal, expect_keys, expect_values, refused

HIDDEN_FROM_CLIENTS: dict[str, object] = {
    "assignees": [],
    "assigner_id": None,
    "duration": 0,
    "estimation": 0,
    "priority": 0,
    "due_date": None,
}


def tasks(day: Day) -> str:
    """Create tasks in bulk for a list, for one entity, and refuse twins."""
    project, manager = day["short"]["id"], day.clients["manager"]
    shots = [day[f"shot_{number}"]["id"] for number in (10, 20, 30)]
    kind = day["shot_tasks"]["Animation"]["id"]
    path = f"/actions/projects/{project}/task-types/{kind}/shots/create-tasks"
    made = day.send(201, "POST", path, "manager", json=shots)
    expect_equal({task["entity_id"] for task in made}, set(shots), "entities of the new tasks")
    for task in made:
        todo = day["statuses"]["todo"]["id"]
        expect_values(task, "a new task", name="main", task_status_id=todo, task_type_id=kind, project_id=project)
    expect_equal(day.send(201, "POST", path, "manager", json=shots), [], "a second call makes no twins")
    by_shot = {task["entity_id"]: task for task in made}
    day.keep("animation", by_shot[day["shot_10"]["id"]])
    day.keep("animation_20", by_shot[day["shot_20"]["id"]])

    for key in ("hero", "sword"):
        types = [day["asset_tasks"]["Concept"], day["asset_tasks"]["Modeling"]]
        both = gazu.task.create_asset_tasks(day[key], types, client=manager)
        expect_equal(len(both), 2, f"tasks of the {key}")
        day.keep(f"{key}_modeling", next(task for task in both if task["task_type_id"] == types[1]["id"]))
    layout = gazu.task.new_task(day["shot_10"], day["shot_tasks"]["Layout"], client=manager)
    expect_values(layout, "one task", name="main", entity_id=shots[0], difficulty=3, retake_count=0)
    day.keep("layout", layout)
    twin = {"project_id": project, "entity_id": shots[0], "task_type_id": kind, "name": "main"}
    with refused(ParameterException, "a second task of the same name"):
        gazu.client.post("data/tasks", twin, client=manager)
    with refused(ParameterException, "a shot task on an asset"):
        gazu.client.post("data/tasks", {**twin, "entity_id": day["hero"]["id"]}, client=manager)
    return f"{len(made) + 5} tasks"


def assignments(day: Day) -> str:
    """Assign and unassign, plan, and see what a client and a vendor get to read."""
    manager, artist = day.clients["manager"], day["artist"]
    work = [day["animation"], day["layout"], day["hero_modeling"]]
    assigned = gazu.task.assign_tasks_to_person(work, artist, client=manager)
    expect_equal({task["id"] for task in assigned}, {task["id"] for task in work}, "assigned tasks")
    gazu.task.assign_task(day["sword_modeling"], day["vendor"], client=manager)
    gazu.task.assign_task(day["animation"], day["animator"], client=manager)
    both = {artist["id"], day["animator"]["id"]}
    expect_equal(set(day.task_now(day["animation"])["assignees"]), both, "assignees")
    freed = gazu.task.clear_assignations([day["animation"]], day["animator"], client=manager)
    expect_equal(freed, [day["animation"]["id"]], "tasks that lost an assignee")
    expect_equal(day.task_now(day["animation"])["assignees"], [artist["id"]], "assignees afterwards")

    plan = {"id": day["animation"]["id"], "estimation": 960, "priority": 2, "due_date": "2030-05-17"}
    expect_values(gazu.task.update_task(plan, client=manager), "a planned task", estimation=960, priority=2)
    expect_equal(day.task_now(day["animation"])["due_date"], "2030-05-17T00:00:00", "due date on the wire")
    read = day.send(200, "GET", f"/data/tasks/{day['animation']['id']}", "client")
    expect_values(read, "a task as a client sees it", **HIDDEN_FROM_CLIENTS)
    day.send(403, "GET", f"/data/tasks/{day['animation']['id']}", "outsider")
    day.send(403, "GET", f"/data/tasks/{day['animation']['id']}", "vendor")
    with refused(NotAllowedException, "an artist renaming somebody's task"):
        gazu.task.update_task({"id": day["sword_modeling"]["id"], "name": "x"}, client=day.clients["artist"])
    return "4 tasks have somebody who does them"


def status_history(day: Day) -> str:
    """Walk a task through its statuses: the first start, the last delivery, the retakes, the end."""
    task = day["animation"]
    expect_values(day.task_now(task), "a task nobody touched", real_start_date=None, end_date=None, done_date=None)
    started = day.comment("artist", task, "wip", "On it")
    expect_values(started, "a comment", text="On it", object_id=task["id"], person_id=day["artist"]["id"])
    expect_equal(started["task_status"]["short_name"], "wip", "status of the comment")
    now = _status_is(day, task, "wip")
    expect(now["real_start_date"] and now["last_comment_date"], "wip starts the task")
    first_start = now["real_start_date"]

    day.comment("artist", task, "wfa", "Please look")
    now = _status_is(day, task, "wfa")
    expect(now["end_date"], "a request for feedback sets end_date")
    checks = by_id(gazu.user.all_tasks_requiring_feedback(client=day.clients["manager"]))
    expect(task["id"] in checks, "the task waits for the manager's review")
    day.comment("manager", task, "retake", "The arm swims")
    expect_equal(_status_is(day, task, "retake")["retake_count"], 1, "retakes after the first one")
    day.comment("artist", task, "wip")
    expect_equal(_status_is(day, task, "wip")["real_start_date"], first_start, "the first start stays")
    day.comment("artist", task, "wfa")
    done = day.comment("manager", task, "done", "Lovely")
    now = _status_is(day, task, "done")
    expect(now["done_date"], "done sets done_date")
    expect_equal(now["retake_count"], 1, "retakes at the end")

    day.send(204, "DELETE", f"/data/tasks/{task['id']}/comments/{done['id']}", "manager")
    day.comments_by["manager"] -= 1
    now = _status_is(day, task, "wfa")
    expect_equal(now["done_date"], None, "done_date after the last comment was removed")
    comments = gazu.task.all_comments_for_task(task, client=day.clients["artist"])
    order = [row["task_status"]["short_name"] for row in comments]
    expect_equal(order, ["wfa", "wip", "retake", "wfa", "wip"], "comments, newest first")
    with refused(NotAllowedException, "commenting on the task of somebody else"):
        day.comment("vendor", task, "wip")
    return f"{len(order)} comments, 1 retake"


def _status_is(day: Day, task: Record, short_name: str) -> Record:
    now = day.task_now(task)
    expect_equal(now["task_status_id"], day["statuses"][short_name]["id"], f"status {short_name}")
    return now


def hours_and_todo(day: Day) -> str:
    """Log hours, read them back per task and per person; look at the artist's own lists."""
    task, artist = day["animation"], day["artist"]
    mine = day.clients["artist"]
    monday, tuesday = "2030-03-04", "2030-03-05"
    expect_values(gazu.task.set_time_spent(task, artist, monday, 150, client=mine), "hours", duration=150, date=monday)
    expect_values(gazu.task.set_time_spent(task, artist, monday, 120, client=mine), "hours set again", duration=120)
    expect_values(gazu.task.add_time_spent(task, artist, monday, 60, client=mine), "hours added", duration=180)
    gazu.task.set_time_spent(task, artist, tuesday, 30, client=mine)
    spent = gazu.task.get_time_spent(task, client=mine)
    expect_equal(spent["total"], 210, "minutes on the task")
    expect_equal(sorted(row["duration"] for row in spent[artist["id"]]), [30, 180], "rows of the artist")
    expect_equal(day.task_now(task)["duration"], 210, "duration of the task")
    path = f"/actions/tasks/{task['id']}/time-spents/{tuesday}/persons/{artist['id']}"
    expect_values(day.send(201, "DELETE", path, "artist"), "removed hours", duration=0)
    expect_equal(day.task_now(task)["duration"], 180, "duration after removing a day")
    rows = gazu.user.get_timespents_range(monday, tuesday, client=mine)
    expect_equal([row["duration"] for row in rows], [180], "my hours of two days")
    day.send(400, "POST", path, "artist", json={"duration": 0})
    other = f"/actions/tasks/{task['id']}/time-spents/{tuesday}/persons/{day['animator']['id']}"
    day.send(403, "POST", other, "animator", json={"duration": 10})

    todo = by_id(gazu.user.all_tasks_to_do(client=mine))
    expect_equal(set(todo), {day[name]["id"] for name in ("animation", "layout", "hero_modeling")}, "my tasks")
    row = todo[task["id"]]
    expect_values(row, "a task to do", entity_name="SH0010", sequence_name="SQ010", task_type_name="Animation")
    expect_values(row, "a task to do", task_status_short_name="wfa", project_name=day["short"]["name"])
    expect_keys(row["last_comment"], ("text", "date", "person_id"), "last_comment")
    day.comment("manager", day["hero_modeling"], "done", "Approved at once")
    finished = by_id(gazu.user.all_done_tasks(client=mine))
    expect(day["hero_modeling"]["id"] in finished, "a done task is among the finished ones")
    expect(day["hero_modeling"]["id"] not in by_id(gazu.user.all_tasks_to_do(client=mine)), "and no longer to do")
    _totals(day)
    _day_off(day, mine)
    return "180 minutes, 3 tasks to do"


def _totals(day: Day) -> None:
    stats = gazu.task.get_open_tasks_stats(client=day.clients["manager"])[day["short"]["id"]]
    tasks = gazu.task.all_tasks_for_project(day["short"], client=day.clients["manager"])
    expect_equal(stats["amount"], len(tasks), "tasks of the project in the totals")
    expect(stats["amount_done"] >= 1 and stats["total_duration"] >= 180, f"totals of the project: {stats}"[:300])


def _day_off(day: Day, mine: gazu.client.KitsuClient) -> None:
    free = date(2030, 3, 11)
    last = (free + timedelta(days=2)).isoformat()
    off = gazu.person.new_day_off(day["artist"], free.isoformat(), last, "the sea", client=mine)
    expect_values(off, "a day off", date=free.isoformat(), end_date=last)
    with refused(ParameterException, "days off that overlap"):
        gazu.person.new_day_off(day["artist"], last, last, client=mine)
