"""Time spents and day offs."""

from gateway.routing import crud, delete, get, post

DAY = "/actions/tasks/{task_id}/time-spents/{date}"
ROUTES = (
    *crud("tasks", "time_spent", "time-spents"),
    *crud("tasks", "day_off", "day-offs"),
    get("/actions/tasks/{task_id}/time-spents", "tasks.get_task_time_spents"),
    get(DAY, "tasks.get_task_time_spents_of_day"),
    post(f"{DAY}/persons/{{person_id}}", "tasks.set_time_spent"),
    post(f"{DAY}/persons/{{person_id}}/add", "tasks.add_time_spent"),
    delete(f"{DAY}/persons/{{person_id}}", "tasks.remove_time_spent"),
    get("/data/user/time-spents", "tasks.list_my_time_spents"),
    get("/data/user/time-spents/{date}", "tasks.list_my_time_spents_of_day"),
)
