"""Playlists."""

from gateway.routing import crud, get, post

ROUTES = (
    *crud("media", "playlist", "playlists"),
    get("/data/playlists/preview-files/running", "media.list_running_previews"),
    get("/data/playlists/entities/{entity_id}/preview-files", "media.list_playlist_previews"),
    get("/data/projects/{project_id}/playlists", "media.list_project_playlists"),
    get("/data/projects/{project_id}/playlists/all", "media.list_all_playlists"),
    post("/data/projects/{project_id}/playlists/temp", "media.build_temporary_playlist"),
    get("/data/projects/{project_id}/playlists/{playlist_id}", "media.get_project_playlist"),
    get("/data/projects/{project_id}/episodes/{episode_id}/playlists", "media.list_episode_playlists"),
    post("/actions/playlists/{playlist_id}/add-entity", "media.add_to_playlist"),
    post("/actions/playlists/{playlist_id}/add-entities", "media.add_many_to_playlist"),
)
