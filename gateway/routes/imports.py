"""Spreadsheets in and out, imports from other systems."""

from gateway.routing import delete, get, post

IN = "/import/csv/projects/{project_id}"
OUT = "/export/csv/projects/{project_id}"
ESTIMATIONS = "task-types/{task_type_id}/estimations"

SHOTGUN = "/import/shotgun"

ROUTES = (
    *(
        post(f"{SHOTGUN}/{plural}", f"imports.import_shotgun_{plural}")
        for plural in (
            "projects",
            "persons",
            "status",
            "steps",
            "assets",
            "episodes",
            "sequences",
            "scenes",
            "shots",
            "tasks",
            "versions",
            "notes",
        )
    ),
    post(f"{SHOTGUN}/projectconnections", "imports.import_shotgun_connections"),
    post(f"{SHOTGUN}/project-connections", "imports.import_shotgun_connections"),
    post(f"{SHOTGUN}/remove/projectconnection", "imports.remove_shotgun_connection"),
    post(f"{SHOTGUN}/remove/project-connection", "imports.remove_shotgun_connection"),
    post(f"{SHOTGUN}/remove/{{what}}", "imports.remove_shotgun_record"),
    get(f"{SHOTGUN}/errors", "imports.list_shotgun_errors"),
    post(f"{SHOTGUN}/errors", "imports.create_shotgun_error"),
    delete(f"{SHOTGUN}/errors/{{error_id}}", "imports.delete_shotgun_error"),
    post("/import/kitsu/{plural}", "imports.import_kitsu_records"),
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
