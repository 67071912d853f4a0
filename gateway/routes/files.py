"""Working files, output files and file trees."""

from gateway.routing import crud, get, post, put

INSTANCE = "/data/asset-instances/{asset_instance_id}"
PLACED = f"{INSTANCE}/entities/{{temporal_entity_id}}"
ENTITY = "/data/entities/{entity_id}"
TASK = "/data/tasks/{task_id}"
FILE = "/data/working-files/{working_file_id}/file"

ROUTES = (
    *crud("media", "working_file", "working-files"),
    *crud("media", "output_file", "output-files"),
    *crud("media", "output_type", "output-types"),
    *crud("media", "file_status", "file-status"),
    get("/data/files/{file_id}", "media.get_file"),
    post("/data/entities/guess-from-path", "media.guess_entities"),
    post("/data/entities/guess_from_path", "media.guess_entities"),
    post("/actions/projects/{project_id}/set-file-tree", "production.set_file_tree"),
    get(f"{TASK}/working-files", "media.list_task_working_files"),
    get(f"{TASK}/working-files/last-revisions", "media.list_last_working_files"),
    post(f"{TASK}/working-files/new", "media.create_task_working_file"),
    post(f"{TASK}/working-file-path", "media.build_working_file_path"),
    put("/actions/working-files/{working_file_id}/comment", "media.comment_working_file"),
    put("/actions/working-files/{working_file_id}/modified", "media.touch_working_file"),
    get(FILE, "media.download_working_file"),
    post(FILE, "media.upload_working_file"),
    get(f"{ENTITY}/working-files", "media.list_entity_working_files"),
    get(f"{ENTITY}/output-files", "media.list_entity_output_files"),
    get(f"{ENTITY}/output-files/last-revisions", "media.list_last_output_files"),
    post(f"{ENTITY}/output-files/new", "media.create_entity_output_file"),
    post(f"{ENTITY}/output-files/next-revision", "media.count_entity_output_revision"),
    post(f"{ENTITY}/output-file-path", "media.build_entity_output_path"),
    get(f"{ENTITY}/output-types", "media.list_entity_output_types"),
    get(f"{ENTITY}/output-types/{{output_type_id}}/output-files", "media.list_entity_files_of_type"),
    get(f"{INSTANCE}/output-files", "media.list_instance_output_files"),
    get(f"{PLACED}/output-files/last-revisions", "media.list_last_instance_output_files"),
    post(f"{PLACED}/output-files/new", "media.create_instance_output_file"),
    post(f"{PLACED}/output-files/next-revision", "media.count_instance_output_revision"),
    post(f"{PLACED}/output-file-path", "media.build_instance_output_path"),
    get(f"{PLACED}/output-types", "media.list_instance_output_types"),
    get(f"{PLACED}/output-types/{{output_type_id}}/output-files", "media.list_instance_files_of_type"),
    get("/data/projects/{project_id}/output-files", "media.list_project_output_files"),
)
