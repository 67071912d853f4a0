"""Tasks, comments, previews, hours, days off, files and the playlist of the productions.

The nine comments give the news feed its recorded totals: three to `wip`, three to `wfa`, one to `retake` as
changes, two without a change; six of them carry a preview. The ones on the edit come last: the newest news.
"""

from typing import Any

from .steps import Step, ref

BUILD_JOBS = ("5d0c1b46-6a63-4d5c-9a5e-1c8d0c3b7a01", "5d0c1b46-6a63-4d5c-9a5e-1c8d0c3b7a02")


def _task(save: str, project: str, kind: str, entity: str, assignee: str | None = None, **body: Any) -> Step:
    values: dict[str, Any] = {
        "name": "main",
        "project_id": ref(project),
        "task_type_id": ref(f"task_type_{kind}"),
        "entity_id": ref(entity),
        **body,
    }
    if assignee is not None:
        values["assignees"] = [ref(assignee)]
    return Step("POST", "/data/tasks", values, save={save: "id"})


def _comment(save: str, task: str, status: str, actor: str = "admin") -> Step:
    body = {"task_status_id": ref(f"status_{status}"), "comment": f"to {status}"}
    return Step("POST", f"/actions/tasks/{ref(task)}/comment", body, actor=actor, save={save: "id"})


def _slot(task: str, comment: str, save: str) -> Step:
    return Step("POST", f"/actions/tasks/{ref(task)}/comments/{ref(comment)}/add-preview", {}, save={save: "id"})


def _upload(preview: str, name: str) -> Step:
    file = {"name": name, "fixture": name.rsplit(".", 1)[1]}
    return Step("POST", f"/pictures/preview-files/{ref(preview)}", files={"file": file})


def _ready(preview: str) -> Step:
    return Step("GET", f"/data/preview-files/{ref(preview)}", until={"status": "ready"})


def _hours(task: str, day: str, minutes: int, save: str) -> Step:
    path = f"/actions/tasks/{ref(task)}/time-spents/{day}/persons/{ref('artist')}"
    return Step("POST", path, {"duration": minutes}, save={save: "id"})


def _day_off(save: str, **body: str) -> Step:
    return Step("POST", "/data/day-offs", {"person_id": "{{artist}}", **body}, save={save: "id"})


def _output_file(comment: str, save: str) -> Step:
    body = {
        "output_type_id": "{{output_type}}",
        "task_type_id": "{{task_type_modeling}}",
        "working_file_id": "{{working_file}}",
        "comment": comment,
        "extension": ".abc",
    }
    return Step("POST", "/data/entities/{{asset_hero}}/output-files/new", body, save={save: "id"})


WORK_STEPS: tuple[Step, ...] = (
    _task("task_hero_modeling", "project_film", "modeling", "asset_hero", "artist", estimation=960),
    _task("task_hero_rigging", "project_film", "rigging", "asset_hero"),
    _task("task_hero_concept", "project_film", "concept", "asset_hero", "vendor"),
    _task("task_sh010_animation", "project_film", "animation", "shot_sh010", "artist"),
    _task("task_sh020_animation", "project_film", "animation", "shot_sh020"),
    _task("task_sh010_storyboard", "project_film", "storyboard", "shot_sh010"),
    _task("task_edit", "project_film", "edit", "edit_a"),
    _task("task_tv_hero", "project_show", "modeling", "asset_tv_hero"),
    _task("task_tv_animation", "project_show", "animation", "shot_tv_sh0010"),
    _hours("task_hero_modeling", "2026-03-02", 150, "time_spent_1"),
    _hours("task_hero_modeling", "2026-03-03", 240, "time_spent_2"),
    _hours("task_sh010_animation", "2025-12-01", 60, "time_spent_3"),
    _day_off("day_off_1", date="2026-03-09", end_date="2026-03-11", description="holidays"),
    _day_off("day_off_2", date="2026-03-20", end_date="2026-03-20"),
    # The one notification of the administrator: he follows the task before the artist comments.
    Step("POST", "/actions/user/tasks/{{task_hero_modeling}}/subscribe"),
)

MEDIA_STEPS: tuple[Step, ...] = (
    _comment("comment_1", "task_hero_modeling", "wip"),
    Step("GET", "/data/news", query={"comment_id": "{{comment_1}}"}, save={"news_1": "0.id"}),
    _comment("comment_artist", "task_hero_modeling", "wfa", actor="artist"),
    _slot("task_hero_modeling", "comment_artist", "preview_hero"),
    _upload("preview_hero", "hero.png"),
    _comment("comment_retake", "task_hero_modeling", "retake"),
    _comment("comment_concept", "task_hero_concept", "wip"),
    _comment("comment_obj", "task_hero_rigging", "wip"),
    _slot("task_hero_rigging", "comment_obj", "preview_obj"),
    _upload("preview_obj", "hero.obj"),
    _comment("comment_processing", "task_hero_rigging", "wip"),
    _slot("task_hero_rigging", "comment_processing", "preview_processing"),
    _comment("comment_movie", "task_sh010_animation", "wfa"),
    _slot("task_sh010_animation", "comment_movie", "preview_movie"),
    _upload("preview_movie", "shot.mp4"),
    _comment("comment_edit_1", "task_edit", "wfa"),
    _slot("task_edit", "comment_edit_1", "preview_edit_1"),
    _upload("preview_edit_1", "edit.mp4"),
    _comment("comment_edit_2", "task_edit", "wfa"),
    _slot("task_edit", "comment_edit_2", "preview_edit_2"),
    _upload("preview_edit_2", "edit.mp4"),
    Step("PUT", "/actions/preview-files/{{preview_hero}}/set-main-preview", {}),
    Step(
        "POST",
        "/data/tasks/{{task_hero_modeling}}/working-files/new",
        {"name": "main", "comment": "w"},
        save={"working_file": "id", "software_blender": "software_id"},
    ),
    _output_file("o", "output_file_1"),
    _output_file("o2", "output_file_2"),
    Step("GET", "/data/file-status", find={"name": "To review"}, save={"file_status": "id"}),
    Step(
        "POST",
        "/data/playlists",
        {
            "name": "Dailies",
            "project_id": "{{project_film}}",
            "for_entity": "asset",
            "for_client": True,
            "shots": [{"entity_id": "{{asset_hero}}", "preview_file_id": "{{preview_hero}}"}],
        },
        save={"playlist": "id"},
    ),
    Step(
        "POST",
        "/import/kitsu/build-jobs",
        [
            {
                "id": job,
                "playlist_id": "{{playlist}}",
                "status": "succeeded",
                "job_type": "movie",
                "ended_at": "2026-01-05T10:00:00",
                "created_at": "2026-01-05T10:00:00",
                "updated_at": "2026-01-05T10:00:00",
                "type": "BuildJob",
            }
            for job in BUILD_JOBS
        ],
    ),
    _ready("preview_movie"),
    _ready("preview_edit_1"),
    _ready("preview_edit_2"),
)
