"""What comments do to a task."""

from services.tasks.progress import Said, recomputed, step

STATUSES = {
    "todo": {"is_default": True},
    "wip": {"is_wip": True},
    "wfa": {"is_feedback_request": True},
    "retake": {"is_retake": True},
    "done": {"is_done": True},
}


def test_work_starts_once() -> None:
    assert step({}, STATUSES["wip"], "wip", "2026-01-01T10:00:00")["real_start_date"] == "2026-01-01T10:00:00"
    started = {"real_start_date": "2026-01-01T10:00:00"}
    assert "real_start_date" not in step(started, STATUSES["wip"], "wip", "2026-01-02T10:00:00")


def test_a_retake_counts_only_when_the_status_changes() -> None:
    assert step({"task_status_id": "wfa"}, STATUSES["retake"], "retake", "d")["retake_count"] == 1
    assert "retake_count" not in step({"task_status_id": "retake"}, STATUSES["retake"], "retake", "d")


def test_feedback_and_done_set_their_dates() -> None:
    assert step({}, STATUSES["wfa"], "wfa", "d")["end_date"] == "d"
    assert step({}, STATUSES["done"], "done", "d")["done_date"] == "d"


def test_a_recompute_counts_consecutive_retakes_once() -> None:
    said = [Said(s, str(n)) for n, s in enumerate(("wip", "retake", "retake", "wfa", "retake", "done"))]
    found = recomputed(said, STATUSES, "todo")
    assert found["retake_count"] == 2
    assert (found["real_start_date"], found["end_date"], found["done_date"]) == ("0", "3", "5")
    assert found["task_status_id"] == "done"


def test_without_comments_a_task_is_as_new() -> None:
    found = recomputed([], STATUSES, "todo")
    assert found["task_status_id"] == "todo"
    assert found["retake_count"] == 0
    assert found["last_comment_date"] is None
