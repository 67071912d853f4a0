"""Comments, replies, acknowledgements."""

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
)
