"""Signing in and out, people, departments, studios, the organisation."""

from gateway.routing import crud, delete, get, post, put

ROUTES = (
    post("/auth/login", "auth.login"),
    get("/auth/logout", "auth.logout"),
    get("/auth/authenticated", "auth.get_authenticated"),
    get("/auth/refresh-token", "auth.refresh", token="refresh"),
    post("/auth/change-password", "auth.change_password"),
    *crud("auth", "person", "persons"),
    *crud("auth", "department", "departments"),
    *crud("auth", "studio", "studios"),
    *crud("auth", "login_log", "login-logs", ("list", "get")),
    post("/actions/persons/{person_id}/departments/add", "auth.add_department"),
    delete("/actions/persons/{person_id}/departments/{department_id}", "auth.remove_department"),
    post("/actions/persons/{person_id}/change-password", "auth.change_password_of"),
    delete("/actions/persons/{person_id}/clear-avatar", "auth.clear_avatar"),
    get("/data/organisations", "auth.list_organisations"),
    get("/data/organisations/{instance_id}", "auth.get_organisation"),
    put("/data/organisations/{instance_id}", "auth.update_organisation", json_only=True),
)
