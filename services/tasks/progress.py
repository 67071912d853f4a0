"""What a row of comments means for a task: its status, dates and retakes. Pure functions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """One comment as progress sees it: the status it gave and when (wire datetime)."""

    status_id: str | None
    at: str


def step(task: Mapping[str, Any], status: Mapping[str, Any], status_id: str, at: str) -> Fields:
    """Return what changes on `task` when a comment gives it `status` at `at`. Source: POST …/comment."""
    changes: Fields = {"task_status_id": status_id, "last_comment_date": at}
    if status.get("is_wip") and not task.get("real_start_date"):
        changes["real_start_date"] = at
    if status.get("is_feedback_request"):
        changes["end_date"] = at
    if status.get("is_done"):
        changes["done_date"] = at
    if status.get("is_retake") and task.get("task_status_id") != status_id:
        changes["retake_count"] = (task.get("retake_count") or 0) + 1
    return changes


def recomputed(said: Iterable[Said], statuses: Mapping[str, Mapping[str, Any]], default_id: str | None) -> Fields:
    """Return status, dates and retakes from all remaining comments, oldest first; consecutive retakes count once."""
    task: Fields = {
        "task_status_id": default_id,
        "last_comment_date": None,
        "real_start_date": None,
        "end_date": None,
        "done_date": None,
        "retake_count": 0,
    }
    retaken = False
    for comment in said:
        status = statuses.get(comment.status_id or "", {})
        changes = step(task, status, comment.status_id or default_id or "", comment.at)
        changes.pop("retake_count", None)
        if status.get("is_retake") and not retaken:
            changes["retake_count"] = task["retake_count"] + 1
        retaken = bool(status.get("is_retake"))
        task.update(changes)
    return task
