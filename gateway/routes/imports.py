"""Spreadsheets in and out, imports from other systems."""

from gateway.routing import get, post

IN = "/import/csv/projects/{project_id}"
OUT = "/export/csv/projects/{project_id}"
ESTIMATIONS = "task-types/{task_type_id}/estimations"

ROUTES = (
    post("/import/csv/persons", "imports.import_persons"),
    post(f"{IN}/assets", "imports.import_assets"),
    post(f"{IN}/shots", "imports.import_shots"),
    post(f"{IN}/edits", "imports.import_edits"),
    post(f"{IN}/casting", "imports.import_casting"),
    post(f"{IN}/{ESTIMATIONS}", "imports.import_estimations"),
    post(f"{IN}/episodes/{{episode_id}}/{ESTIMATIONS}", "imports.import_episode_estimations"),
    get("/export/csv/persons.csv", "imports.export_persons"),
    get("/export/csv/projects.csv", "imports.export_projects"),
    get("/export/csv/task-types.csv", "imports.export_task_types"),
    get("/export/csv/tasks.csv", "imports.export_tasks"),
    get("/export/csv/time-spents.csv", "imports.export_time_spents"),
    get(f"{OUT}/assets.csv", "imports.export_assets"),
    get(f"{OUT}/shots.csv", "imports.export_shots"),
    get(f"{OUT}/edits.csv", "imports.export_edits"),
    get(f"{OUT}/casting.csv", "imports.export_casting"),
)
