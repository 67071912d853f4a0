"""Records that tasks owns: work to do, what is said about it, the time it takes and who must hear of it."""

from chassis.resources import Resource, Unique
from contracts.fields import (
    blob,
    choice,
    day,
    decimal,
    fixed,
    flag,
    hidden,
    link,
    links,
    mirror,
    moment,
    name,
    number,
    strings,
    text,
)

NOTIFICATION_TYPES = ("comment", "mention", "assignation", "reply", "reply-mention", "playlist-ready")

TASK_TYPE = Resource(
    kind="task_type",
    plural="task-types",
    type="TaskType",
    live="task-type",
    fields=(
        name(40),
        text("short_name", 20, column=True),
        text("description"),
        text("color", 7, "#FFFFFF"),
        number("priority", 1, column=True),
        text("for_entity", 30, "Asset", column=True),
        flag("allow_timelog", True),
        flag("archived", column=True),
        number("shotgun_id", column=True),
        link("department_id", "department"),
    ),
    # A fresh install has "Concept" twice, for assets and for concepts; people may not add a second one.
    unique=(Unique(("lower(name)", "for_entity")),),
)

TASK_STATUS = Resource(
    kind="task_status",
    plural="task-status",
    type="TaskStatus",
    live="task-status",
    fields=(
        name(40),
        flag("archived", column=True),
        text("short_name", 10, required=True, column=True),
        text("description"),
        text("color", 7, required=True),
        number("priority", 1, column=True),
        flag("is_done", column=True),
        flag("is_artist_allowed", True),
        flag("is_client_allowed", True),
        flag("is_retake", column=True),
        flag("is_feedback_request", column=True),
        flag("is_default", column=True),
        flag("is_wip", column=True),
        number("shotgun_id", column=True),
        flag("for_concept", column=True),
    ),
    unique=(Unique(("short_name",)),),
)

TASK = Resource(
    kind="task",
    plural="tasks",
    type="Task",
    live="task",
    fields=(
        name(80),
        text("description"),
        number("priority", 0, column=True),
        number("difficulty", 3, nullable=False, column=True),
        decimal("duration", 0, column=True),
        decimal("estimation", 0, column=True),
        number("completion_rate", 0),
        number("retake_count", 0, column=True),
        number("sort_order", 0),
        moment("start_date", column=True),
        moment("due_date", column=True),
        moment("real_start_date", column=True),
        moment("end_date", column=True),
        moment("done_date", column=True),
        moment("last_comment_date", column=True),
        number("nb_assets_ready", 0),
        blob("data"),
        number("nb_drawings", 0, column=True),
        number("shotgun_id", column=True),
        link("last_preview_file_id"),
        link("project_id", "project"),
        link("task_type_id", "task_type"),
        link("task_status_id", "task_status"),
        link("entity_id", "entity"),
        link("assigner_id", "person"),
        links("assignees", "person", column=True),
    ),
    unique=(Unique(("name", "project_id", "task_type_id", "entity_id")),),
)

COMMENT = Resource(
    kind="comment",
    plural="comments",
    type="Comment",
    live="comment",
    fields=(
        number("shotgun_id", column=True),
        link("object_id", required=True),
        text("object_type", 80, required=True),
        text("text"),
        blob("data"),
        blob("replies", []),
        blob("checklist", []),
        flag("pinned", None, column=True),
        flag("for_client", column=True),
        strings("links"),
        link("task_status_id", "task_status"),
        link("person_id", "person", required=True),
        link("editor_id", "person"),
        link("preview_file_id", "preview_file"),
        links("previews", "preview_file", column=True),
        fixed(links("mentions", "person")),
        fixed(links("department_mentions", "department")),
        links("acknowledgements", "person"),
        # In every form, unlike other relations.
        mirror("attachment_files", "attachment_file", "attachment_file.comment_id", shown=True),
    ),
    indexes=(("object_id", "created_at"),),
)

TIME_SPENT = Resource(
    kind="time_spent",
    plural="time-spents",
    type="TimeSpent",
    live="time-spent",
    fields=(
        decimal("duration", required=True, column=True),
        day("date", required=True, column=True),
        link("task_id", "task"),
        link("person_id", "person"),
    ),
    unique=(Unique(("person_id", "task_id", "date")),),
    indexes=(("date",),),
)

DAY_OFF = Resource(
    kind="day_off",
    plural="day-offs",
    type="DayOff",
    live="day-off",
    fields=(
        day("date", required=True, column=True),
        day("end_date", required=True, column=True),
        text("description"),
        link("person_id", "person"),
    ),
    unique=(Unique(("person_id", "date")),),
    indexes=(("date", "end_date"),),
)

NOTIFICATION = Resource(
    kind="notification",
    plural="notifications",
    type="Notification",
    live="notification",
    fields=(
        flag("read", nullable=False, column=True),
        flag("change", nullable=False, column=True),
        # The contract calls it `type`, a key that records use for their kind: generic reads never show it,
        # generic writes send it as `type`, and people read it as `notification_type` in their own list.
        hidden(choice("notification_type", NOTIFICATION_TYPES, required=True, column=True)),
        link("person_id", "person", required=True),
        link("author_id", "person", required=True),
        link("comment_id", "comment"),
        link("task_id", "task"),
        link("playlist_id", "playlist"),
        link("reply_id"),
    ),
    unique=(Unique(("person_id", "author_id", "comment_id", "reply_id", "playlist_id", "notification_type")),),
    indexes=(("person_id", "created_at"),),
)

SUBSCRIPTION = Resource(
    kind="subscription",
    plural="subscriptions",
    type="Subscription",
    live="subscription",
    fields=(
        link("person_id", "person", required=True),
        link("task_id", "task"),
        link("entity_id", "entity"),
        link("task_type_id", "task_type"),
    ),
    unique=(Unique(("person_id", "task_id")), Unique(("person_id", "task_type_id", "entity_id"))),
)

NEWS = Resource(
    kind="news",
    plural="news",
    type="News",
    live="news",
    fields=(
        flag("change", nullable=False, column=True),
        link("author_id", "person", required=True),
        link("comment_id", "comment"),
        link("task_id", "task", required=True),
        link("preview_file_id", "preview_file"),
    ),
    indexes=(("project_id", "created_at"),),
)

CHAT = Resource(
    kind="chat",
    plural="chats",
    type="Chat",
    live="chat",
    fields=(
        link("object_id", required=True),
        text("object_type", 80, "entity", nullable=False),
        moment("last_message"),
        links("participants", "person", column=True),
    ),
)

CHAT_MESSAGE = Resource(
    kind="chat_message",
    plural="chat-messages",
    type="ChatMessage",
    live="chat-message",
    fields=(
        link("chat_id", "chat", required=True),
        link("person_id", "person", required=True),
        text("text"),
        mirror("attachment_files", "attachment_file", "attachment_file.chat_message_id"),
    ),
    indexes=(("chat_id", "created_at"),),
)

RESOURCES: tuple[Resource, ...] = (
    TASK_TYPE,
    TASK_STATUS,
    TASK,
    COMMENT,
    TIME_SPENT,
    DAY_OFF,
    NOTIFICATION,
    SUBSCRIPTION,
    NEWS,
    CHAT,
    CHAT_MESSAGE,
)
