"""Task types, statuses, tasks, assignments and what one person has to do."""

from gateway.routing import crud, delete, get, post, put

TYPE = "/actions/projects/{project_id}/task-types/{task_type_id}"
SEQUENCE = "sequences/{sequence_id}/task-types/{task_type_id}"
ROUTES = (
    *crud("tasks", "task_type", "task-types"),
    *crud("tasks", "task_status", "task-status"),
    *crud("tasks", "task", "tasks"),
    post("/actions/task-types/reorder", "tasks.reorder_task_types"),
    post("/data/entities/{entity_id}/tasks", "tasks.create_entity_tasks"),
    post(f"{TYPE}/create-tasks/{{entity_type}}", "tasks.create_project_tasks"),
    post(f"{TYPE}/assets/create-tasks", "tasks.create_asset_tasks"),
    post(f"{TYPE}/shots/create-tasks", "tasks.create_shot_tasks"),
    post(f"{TYPE}/edits/create-tasks", "tasks.create_edit_tasks"),
    post(f"{TYPE}/concepts/create-tasks", "tasks.create_concept_tasks"),
    delete(f"{TYPE}/delete-tasks", "tasks.delete_tasks_of_type"),
    put("/actions/tasks/set-priority", "tasks.set_priority"),
    put("/actions/tasks/{task_id}/to-review", "tasks.announce_review"),
    get("/data/tasks/open-tasks", "tasks.list_open_tasks"),
    get("/data/user/tasks-to-check", "tasks.list_tasks_to_check"),
    get("/data/user/tasks-to-check/filter-values", "tasks.list_check_values"),
    get("/data/sequences/{sequence_id}/shot-tasks", "tasks.list_sequence_shot_tasks"),
    get("/data/episodes/{episode_id}/shot-tasks", "tasks.list_episode_shot_tasks"),
    get("/data/episodes/{episode_id}/asset-tasks", "tasks.list_episode_asset_tasks"),
    get("/data/episodes/{episode_id}/edit-tasks", "tasks.list_episode_edit_tasks"),
    get(f"/data/user/{SEQUENCE}/subscribed", "tasks.is_sequence_subscribed"),
    get("/data/user/entities/{sequence_id}/task-types/{task_type_id}/subscribed", "tasks.is_sequence_subscribed"),
    post(f"/actions/user/{SEQUENCE}/subscribe", "tasks.subscribe_to_sequence"),
    delete(f"/actions/user/{SEQUENCE}/unsubscribe", "tasks.unsubscribe_from_sequence"),
    post("/actions/projects/{project_id}/delete-tasks", "tasks.delete_tasks"),
    get("/data/tasks/open-tasks/stats", "tasks.get_open_tasks_stats"),
    get("/data/tasks/{task_id}/full", "tasks.get_task_full"),
    get("/data/projects/{project_id}/tasks", "tasks.list_project_tasks"),
    get("/data/entities/{entity_id}/task-types/{task_type_id}/tasks", "tasks.list_entity_tasks_of_type"),
    *(
        get(f"/data/{noun}s/{{entity_id}}/{what}", f"tasks.list_entity_{what.replace('-', '_')}")
        for noun in ("asset", "shot", "sequence", "episode", "edit", "scene", "concept")
        for what in ("tasks", "task-types")
    ),
    put("/actions/tasks/{task_id}/assign", "tasks.assign_task"),
    put("/actions/tasks/{task_id}/unassign", "tasks.unassign_task"),
    put("/actions/persons/{person_id}/assign", "tasks.assign_tasks"),
    put("/actions/tasks/clear-assignation", "tasks.clear_assignation"),
    get("/data/persons/{person_id}/tasks", "tasks.list_person_tasks"),
    get("/data/persons/{person_id}/done-tasks", "tasks.list_person_done_tasks"),
    get("/data/user/tasks", "tasks.list_my_tasks"),
    get("/data/user/done-tasks", "tasks.list_my_done_tasks"),
    get("/data/user/tasks/{task_id}/subscribed", "tasks.is_subscribed"),
    post("/actions/user/tasks/subscribe", "tasks.subscribe_to_tasks"),
    post("/actions/user/tasks/unsubscribe", "tasks.unsubscribe_from_tasks"),
    post("/actions/user/tasks/{task_id}/subscribe", "tasks.subscribe_to_task"),
    delete("/actions/user/tasks/{task_id}/unsubscribe", "tasks.unsubscribe_from_task"),
    *crud("tasks", "notification", "notifications"),
    *crud("tasks", "subscription", "subscriptions"),
    get("/data/user/notifications", "tasks.list_my_notifications"),
    get("/data/user/notifications/{notification_id}", "tasks.get_my_notification"),
    put("/data/user/notifications/{notification_id}", "tasks.mark_notification"),
    post("/actions/user/notifications/mark-all-as-read", "tasks.mark_all_notifications"),
    *crud("tasks", "news", "news"),
)
