"""Tasks, comments and time."""

from gateway.routing import crud, get, post, put

TIME = "/actions/tasks/{task_id}/time-spents"
ENTITIES = ("asset", "shot", "sequence", "episode")

ROUTES = (
    *crud("tasks", "task_type", "task-types"),
    *crud("tasks", "task_status", "task-status"),
    *crud("tasks", "task", "tasks"),
    *crud("tasks", "comment", "comments"),
    *crud("tasks", "time_spent", "time-spents"),
    post("/data/entities/{entity_id}/tasks", "tasks.create_entity_tasks"),
    post(
        "/actions/projects/{project_id}/task-types/{task_type_id}/{entity_kind}/create-tasks",
        "tasks.create_project_tasks",
    ),
    get("/data/assets/with-tasks", "tasks.list_assets_with_tasks"),
    get("/data/shots/with-tasks", "tasks.list_shots_with_tasks"),
    get("/data/projects/{project_id}/tasks", "tasks.list_project_tasks"),
    *(get(f"/data/{noun}s/{{entity_id}}/tasks", "tasks.list_entity_tasks") for noun in ENTITIES),
    get("/data/tasks/{task_id}/full", "tasks.get_full_task"),
    get("/data/tasks/{task_id}/comments", "tasks.list_task_comments"),
    get("/data/user/tasks", "tasks.list_my_tasks"),
    get("/data/user/done-tasks", "tasks.list_my_done_tasks"),
    put("/actions/tasks/{task_id}/assign", "tasks.assign_task"),
    put("/actions/tasks/{task_id}/unassign", "tasks.unassign_task"),
    post("/actions/tasks/{task_id}/comment", "tasks.comment_task"),
    get(TIME, "tasks.get_task_time_spents"),
    post(f"{TIME}/{{date}}/persons/{{person_id}}", "tasks.set_time_spent"),
    post(f"{TIME}/{{date}}/persons/{{person_id}}/add", "tasks.add_time_spent"),
)
