"""Comments, replies, acknowledgements, news."""

from gateway.routing import crud, delete, get, post

ONE = "/data/tasks/{task_id}/comments/{comment_id}"
ROUTES = (
    *crud("tasks", "comment", "comments"),
    post("/actions/tasks/{task_id}/comment", "tasks.comment_task"),
    get("/data/tasks/{task_id}/comments", "tasks.list_task_comments"),
    get(ONE, "tasks.get_task_comment"),
    delete(ONE, "tasks.delete_task_comment"),
    post(f"{ONE}/ack", "tasks.acknowledge_comment"),
    post(f"{ONE}/reply", "tasks.reply_to_comment"),
    delete(f"{ONE}/reply/{{reply_id}}", "tasks.delete_reply"),
    post("/actions/tasks/{task_id}/comments/{comment_id}/move", "tasks.move_comment"),
    get("/data/projects/{project_id}/comments", "tasks.list_project_comments"),
    get("/data/projects/news", "tasks.list_my_news"),
    get("/data/projects/{project_id}/news", "tasks.list_project_news"),
    get("/data/projects/{project_id}/news/{news_id}", "tasks.get_project_news"),
    get("/data/entities/{entity_id}/news", "tasks.list_entity_news"),
)
