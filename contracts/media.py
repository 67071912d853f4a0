"""Records that media owns: previews, playlists and their guests, attachments, working and output files."""

from chassis.resources import Fields, Resource, Unique
from contracts.fields import (
    blob,
    choice,
    decimal,
    flag,
    kept,
    link,
    mirror,
    moment,
    name,
    number,
    secret,
    text,
)

PREVIEW_STATUSES = ("processing", "ready", "broken", "missing")
VALIDATION_STATUSES = ("validated", "rejected", "neutral")


def has_password(share: Fields) -> dict[str, bool]:
    """Return the computed key of share links; the password itself is never shown."""
    return {"has_password": bool(share.get("password"))}


PREVIEW_FILE = Resource(
    kind="preview_file",
    plural="preview-files",
    type="PreviewFile",
    live="preview-file",
    fields=(
        text("name", 250, column=True),
        text("original_name", 250),
        number("revision", 1, column=True),
        number("position", 1, column=True),
        text("extension", 6, column=True),
        text("description"),
        text("path", 400),
        text("source", 40),
        number("file_size", 0),
        choice("status", PREVIEW_STATUSES, "processing", nullable=False, column=True),
        choice("validation_status", VALIDATION_STATUSES, "neutral", nullable=False),
        blob("annotations"),
        number("width", 0),
        number("height", 0),
        decimal("duration", 0),
        blob("data"),
        number("token_in"),
        number("token_out"),
        link("task_id", "task"),
        link("person_id", "person"),
        link("source_file_id", "output_file"),
        number("shotgun_id", column=True),
        flag("is_movie", column=True),
        text("url", 600),
        text("uploaded_movie_url", 600),
        text("uploaded_movie_name", 150),
        mirror("comments", "comment", "comment.previews"),
        # Where the file stands on its way: none without an upload, `stored` while it waits for its conversion.
        kept(text("stage", 10, column=True)),
        kept(number("original_width")),
        kept(number("original_height")),
        kept(decimal("original_duration")),
        kept(number("original_file_size")),
    ),
    unique=(Unique(("shotgun_id",)), Unique(("name", "task_id", "revision"))),
)

PREVIEW_BACKGROUND_FILE = Resource(
    kind="preview_background_file",
    plural="preview-background-files",
    type="PreviewBackgroundFile",
    live="preview-background-file",
    fields=(
        name(40),
        flag("archived", column=True),
        flag("is_default", column=True),
        text("original_name", 250),
        text("extension", 6),
        number("file_size", 0),
    ),
)

PLAYLIST = Resource(
    kind="playlist",
    plural="playlists",
    type="Playlist",
    live="playlist",
    fields=(
        name(80),
        blob("shots"),
        link("project_id", "project"),
        link("episode_id", "entity"),
        link("task_type_id", "task_type"),
        flag("for_client", column=True),
        text("for_entity", 10, "shot", column=True),
        flag("is_for_all", column=True),
        link("created_by", "person"),
        mirror("build_jobs", "build_job", "build_job.playlist_id"),
    ),
    unique=(Unique(("name", "project_id", "episode_id")),),
)

PLAYLIST_SHARE_LINK = Resource(
    kind="playlist_share_link",
    plural="playlist-share-links",
    type="PlaylistShareLink",
    render=has_password,
    fields=(
        text("token", 64, required=True),
        link("playlist_id", "playlist", required=True),
        link("created_by", "person", required=True),
        moment("expiration_date", column=True),
        flag("is_active", True, nullable=False, column=True),
        flag("can_comment", True, nullable=False),
        secret(text("password", 255)),
    ),
    unique=(Unique(("token",)),),
)

BUILD_JOB = Resource(
    kind="build_job",
    plural="build-jobs",
    type="BuildJob",
    live="build-job",
    fields=(
        choice("status", ("running", "failed", "succeeded"), "running", nullable=False, column=True),
        choice("job_type", ("archive", "movie"), "movie", nullable=False, column=True),
        moment("ended_at"),
        text("message"),
        link("playlist_id", "playlist", required=True),
    ),
)

ATTACHMENT_FILE = Resource(
    kind="attachment_file",
    plural="attachment-files",
    type="AttachmentFile",
    live="attachment-file",
    fields=(
        text("name", 250, column=True),
        number("size", 1),
        text("extension", 6),
        text("mimetype", 255),
        link("comment_id", "comment"),
        link("reply_id"),
        link("chat_message_id", "chat_message"),
    ),
)

WORKING_FILE = Resource(
    kind="working_file",
    plural="working-files",
    type="WorkingFile",
    live="working-file",
    fields=(
        number("shotgun_id", column=True),
        text("name", 250, column=True),
        text("description"),
        text("comment"),
        number("revision", column=True),
        number("size"),
        number("checksum"),
        text("path", 400, column=True),
        blob("data"),
        choice("validation_status", VALIDATION_STATUSES, "neutral", nullable=False),
        link("task_id", "task"),
        link("entity_id", "entity"),
        link("person_id", "person"),
        link("software_id", "software"),
        mirror("outputs", "output_file", "output_file.source_file_id"),
    ),
    unique=(Unique(("name", "task_id", "entity_id", "revision")),),
)

OUTPUT_FILE = Resource(
    kind="output_file",
    plural="output-files",
    type="OutputFile",
    live="output-file",
    fields=(
        number("shotgun_id", column=True),
        name(250),
        flag("canceled", nullable=False, column=True),
        number("size"),
        text("checksum", 32),
        text("description"),
        text("comment"),
        text("extension", 10),
        number("revision", required=True, column=True),
        text("representation", 20, column=True),
        number("nb_elements", 1),
        text("source", 40),
        text("path", 400, column=True),
        blob("data"),
        choice("quality", ("low", "mid", "high")),
        link("file_status_id", "file_status", required=True),
        link("entity_id", "entity"),
        link("asset_instance_id", "asset_instance"),
        link("output_type_id", "output_type"),
        link("task_type_id", "task_type"),
        link("person_id", "person"),
        link("source_file_id", "working_file"),
        link("temporal_entity_id", "entity"),
    ),
    unique=(
        Unique(
            (
                "name",
                "entity_id",
                "asset_instance_id",
                "output_type_id",
                "task_type_id",
                "temporal_entity_id",
                "representation",
                "revision",
            )
        ),
    ),
)

OUTPUT_TYPE = Resource(
    kind="output_type",
    plural="output-types",
    type="OutputType",
    live="output-type",
    fields=(name(40), text("short_name", 20, required=True, column=True)),
    unique=(Unique(("name",)),),
)

FILE_STATUS = Resource(
    kind="file_status",
    plural="file-status",
    type="FileStatus",
    live="file-status",
    fields=(name(40), text("color", 7, required=True)),
    unique=(Unique(("name",)),),
)

RESOURCES: tuple[Resource, ...] = (
    PREVIEW_FILE,
    PREVIEW_BACKGROUND_FILE,
    PLAYLIST,
    PLAYLIST_SHARE_LINK,
    BUILD_JOB,
    ATTACHMENT_FILE,
    WORKING_FILE,
    OUTPUT_FILE,
    OUTPUT_TYPE,
    FILE_STATUS,
)
