"""Preview files, pictures, movies, faces, backgrounds and attachments."""

from gateway.routing import crud, delete, get, post, put

FILE = "preview-files/{instance_id}"
COMMENT = "/actions/tasks/{task_id}/comments/{comment_id}"
ATTACHMENT = "attachment-files/{attachment_file_id}"
FACES = "/pictures/thumbnails"


def faces(plural: str, kind: str, png: bool) -> tuple[object, ...]:
    """Return the rows of the faces of people, productions or the studio; `png` ones take uploads at `.png` too."""
    place = f"{FACES}/{plural}/{{instance_id}}"
    rows = (
        get(place, f"media.get_{kind}_face"),
        get(f"{place}.png", f"media.get_{kind}_face"),
        post(place, f"media.set_{kind}_face"),
    )
    return (*rows, post(f"{place}.png", f"media.set_{kind}_face")) if png else rows


ROUTES = (
    *crud("media", "preview_file", "preview-files"),
    *crud("media", "preview_background_file", "preview-background-files"),
    *crud("media", "attachment_file", "attachment-files"),
    post(f"{COMMENT}/add-preview", "media.add_preview"),
    post(f"{COMMENT}/preview-files/{{preview_file_id}}", "media.add_extra_preview"),
    delete(f"{COMMENT}/preview-files/{{preview_file_id}}", "media.remove_preview"),
    post(f"{COMMENT}/add-attachment", "media.add_attachment"),
    delete("/data/tasks/{task_id}/comments/{comment_id}/attachments/{attachment_file_id}", "media.remove_attachment"),
    get(f"/data/{ATTACHMENT}/file/{{file_name}}", "media.get_attachment"),
    get(f"/pictures/thumbnails/{ATTACHMENT}.png", "media.get_attachment_thumbnail"),
    get("/data/projects/{project_id}/attachment-files", "media.list_project_attachments"),
    get("/data/tasks/{task_id}/attachment-files", "media.list_task_attachments"),
    get("/data/tasks/{task_id}/previews", "media.list_task_previews"),
    get("/data/entities/{entity_id}/preview-files", "media.list_entity_previews"),
    get("/data/shots/{shot_id}/preview-files", "media.list_shot_previews"),
    get("/data/edits/{edit_id}/preview-files", "media.list_edit_previews"),
    get("/data/concepts/{concept_id}/preview-files", "media.list_concept_previews"),
    post(f"/pictures/{FILE}", "media.upload_preview"),
    get(f"/pictures/thumbnails/{FILE}.png", "media.get_thumbnail"),
    get(f"/pictures/thumbnails-square/{FILE}.png", "media.get_square_thumbnail"),
    get(f"/pictures/previews/{FILE}.png", "media.get_preview_picture"),
    get(f"/pictures/originals/{FILE}.{{extension}}", "media.get_original"),
    get(f"/pictures/originals/{FILE}/download", "media.download_original"),
    get(f"/movies/originals/{FILE}.mp4", "media.get_movie"),
    get(f"/movies/originals/{FILE}/download", "media.download_movie"),
    get(f"/movies/low/{FILE}.mp4", "media.get_low_movie"),
    get(f"/movies/source/{FILE}.mp4", "media.get_source_movie"),
    get(f"/movies/tiles/{FILE}.png", "media.get_tiles"),
    put("/actions/preview-files/{preview_file_id}/set-main-preview", "media.set_main_preview"),
    put("/actions/tasks/{task_id}/set-main-preview", "media.set_main_preview_of_task"),
    put("/actions/preview-files/{preview_file_id}/update-position", "media.move_preview"),
    put("/actions/preview-files/{preview_file_id}/update-annotations", "media.update_annotations"),
    get("/actions/preview-files/{preview_file_id}/extract-frame", "media.get_frame"),
    get("/actions/preview-files/{preview_file_id}/extract-tile", "media.rebuild_tiles"),
    *faces("persons", "person", True),
    *faces("organisations", "organisation", True),
    *faces("projects", "project", False),
    post("/pictures/preview-background-files/{instance_id}", "media.upload_background"),
    get("/pictures/preview-background-files/{instance_id}.{extension}", "media.get_background"),
    get("/pictures/thumbnails/preview-background-files/{instance_id}.png", "media.get_background_thumbnail"),
)
