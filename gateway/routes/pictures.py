"""Preview files and their pictures."""

from gateway.routing import crud, get, post, put

FILE = "preview-files/{instance_id}"

ROUTES = (
    *crud("media", "preview_file", "preview-files", ("list", "get", "update")),
    post("/actions/tasks/{task_id}/comments/{comment_id}/add-preview", "media.add_preview"),
    post(f"/pictures/{FILE}", "media.upload_preview"),
    get(f"/pictures/thumbnails/{FILE}.png", "media.get_thumbnail"),
    get(f"/pictures/thumbnails-square/{FILE}.png", "media.get_square_thumbnail"),
    get(f"/pictures/previews/{FILE}.png", "media.get_preview_picture"),
    get(f"/pictures/originals/{FILE}.{{extension}}", "media.get_original"),
    put("/actions/preview-files/{preview_file_id}/set-main-preview", "media.set_main_preview"),
)
