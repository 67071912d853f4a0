"""The lists of entities with their tasks."""

from gateway.routing import get

ROUTES = (
    get("/data/assets/with-tasks", "tasks.list_assets_with_tasks"),
    get("/data/shots/with-tasks", "tasks.list_shots_with_tasks"),
)
