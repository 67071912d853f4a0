"""Time spents and day offs."""

from gateway.routing import crud, delete, get, post

DAY = "/actions/tasks/{task_id}/time-spents/{date}"
HOURS = "/data/persons/{person_id}/time-spents"
FREE = "/data/persons/{person_id}/day-offs"
ROUTES = (
    *crud("tasks", "time_spent", "time-spents"),
    *crud("tasks", "day_off", "day-offs"),
    get("/actions/tasks/{task_id}/time-spents", "tasks.get_task_time_spents"),
    get(DAY, "tasks.get_task_time_spents_of_day"),
    post(f"{DAY}/persons/{{person_id}}", "tasks.set_time_spent"),
    post(f"{DAY}/persons/{{person_id}}/add", "tasks.add_time_spent"),
    delete(f"{DAY}/persons/{{person_id}}", "tasks.remove_time_spent"),
    get("/data/persons/time-spents/year-table", "tasks.get_year_table"),
    get("/data/persons/time-spents/month-table/{year}", "tasks.get_month_table"),
    get("/data/persons/time-spents/week-table/{year}", "tasks.get_week_table"),
    get("/data/persons/time-spents/day-table/{year}/{month}", "tasks.get_day_table"),
    get(HOURS, "tasks.list_person_time_spents"),
    get(f"{HOURS}/{{date}}", "tasks.list_person_time_spents_of_date"),
    get(f"{HOURS}/day/{{year}}/{{month}}/{{day}}", "tasks.list_person_hours_of_day"),
    get(f"{HOURS}/week/{{year}}/{{week}}", "tasks.list_person_hours_of_week"),
    get(f"{HOURS}/month/{{year}}/{{month}}", "tasks.list_person_hours_of_month"),
    get(f"{HOURS}/month/all/{{year}}/{{month}}", "tasks.list_person_rows_of_month"),
    get(f"{HOURS}/year/{{year}}", "tasks.list_person_hours_of_year"),
    get("/data/projects/{project_id}/time-spents", "tasks.list_project_time_spents"),
    get("/data/projects/{project_id}/task-types/{task_type_id}/time-spents", "tasks.list_task_type_time_spents"),
    get("/data/entities/{entity_id}/time-spents", "tasks.list_entity_time_spents"),
    get("/data/persons/day-offs/{year}", "tasks.list_day_offs_of_year"),
    get("/data/persons/day-offs/{year}/{month}", "tasks.list_day_offs_of_month"),
    get(FREE, "tasks.list_person_day_offs"),
    get(f"{FREE}/{{date}}", "tasks.get_person_day_off"),
    get(f"{FREE}/week/{{year}}/{{week}}", "tasks.list_person_day_offs_of_week"),
    get(f"{FREE}/month/{{year}}/{{month}}", "tasks.list_person_day_offs_of_month"),
    get(f"{FREE}/year/{{year}}", "tasks.list_person_day_offs_of_year"),
    get("/data/projects/{project_id}/day-offs", "tasks.list_project_day_offs"),
    get("/data/user/day-offs/{date}", "tasks.get_my_day_off"),
    get("/data/user/time-spents", "tasks.list_my_time_spents"),
    get("/data/user/time-spents/{date}", "tasks.list_my_time_spents_of_day"),
)
