"""Projects, entities and casting."""

from gateway.routing import crud, delete, get, post, put

PROJECT = "/data/projects/{project_id}"

ROUTES = (
    *crud("production", "project", "projects"),
    *crud("production", "project_status", "project-status"),
    *crud("production", "entity_type", "entity-types"),
    *crud("production", "entity", "entities", ("list", "get", "update", "delete")),
    *crud("production", "entity_link", "entity-links", ("list", "get")),
    *crud("production", "metadata_descriptor", "metadata-descriptors"),
    *crud("production", "milestone", "milestones"),
    *crud("production", "project_template", "project-templates"),
    get("/data/projects/open", "production.list_open_projects"),
    get("/data/user/context", "production.get_user_context"),
    get("/data/user/projects/open", "production.list_my_open_projects"),
    get(f"{PROJECT}/team", "production.list_team"),
    post(f"{PROJECT}/team", "production.add_to_team"),
    put(f"{PROJECT}/team/{{person_id}}", "production.set_team_role"),
    delete(f"{PROJECT}/team/{{person_id}}", "production.remove_from_team"),
    post(f"{PROJECT}/settings/task-types", "production.add_task_type"),
    post(f"{PROJECT}/settings/task-status", "production.add_task_status"),
    post(f"{PROJECT}/settings/asset-types", "production.add_asset_type"),
    post(f"{PROJECT}/asset-types/{{asset_type_id}}/assets/new", "production.create_asset"),
    get(f"{PROJECT}/assets", "production.list_project_assets"),
    get(f"{PROJECT}/shots", "production.list_project_shots"),
    post(f"{PROJECT}/shots", "production.create_shot"),
    get(f"{PROJECT}/sequences", "production.list_project_sequences"),
    post(f"{PROJECT}/sequences", "production.create_sequence"),
    get(f"{PROJECT}/episodes", "production.list_project_episodes"),
    post(f"{PROJECT}/episodes", "production.create_episode"),
    get(f"{PROJECT}/entities/{{entity_id}}/casting", "production.get_casting"),
    put(f"{PROJECT}/entities/{{entity_id}}/casting", "production.replace_casting"),
    get("/data/asset-types", "production.list_asset_types"),
    get("/data/assets/{asset_id}", "production.get_asset"),
    get("/data/shots/{shot_id}", "production.get_shot"),
    get("/data/sequences/{sequence_id}/shots", "production.list_sequence_shots"),
)
