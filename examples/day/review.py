"""Steps at the end of the day: the playlist, spreadsheets out, the record of what happened, a restart."""

import csv
import io
from datetime import datetime

import gazu
from gazu.exception import NotAllowedException

from examples.day.studio import Day, expect, expect_equal, expect_keys, expect_values, refused

PERSONS = "First Name;Last Name;Email;Phone;Role;Departments;Studio;Country;Contract Type;Position;Seniority"
TASKS = "Project;Task Type;Episode;Sequence;Entity Type;Entity;Assigner;Assignees;Duration;Estimation;Start date"
TIME_SPENTS = "Project;Person;Entity Type Name;Entity;Task Type;Date;Time spent"
SHOTS = "Project;Episode;Sequence;Name;Description;Time Spent;Frames;Frame In;Frame Out;FPS"
ASSETS = "Project;Type;Name;Description;Time Spent"


def review(day: Day) -> str:
    """Make a playlist of shots and read it back as a player does."""
    short, shot, picture = day["short"], day["shot_10"], day["picture"]
    supervisor = day.clients["supervisor"]
    playlist = gazu.playlist.new_playlist(short, day.named("Dailies"), client=supervisor)
    expect_values(playlist, "a playlist", for_entity="shot", for_client=False, project_id=short["id"], type="Playlist")
    gazu.playlist.add_entity_to_playlist(playlist, shot, picture, client=supervisor)
    player = day.send(200, "GET", f"/data/projects/{short['id']}/playlists/{playlist['id']}", "artist")
    expect_equal([row["entity_id"] for row in player["shots"]], [shot["id"]], "shots of the playlist")
    expect_equal(player["shots"][0]["preview_file_id"], picture["id"], "preview of the first shot")
    stored = gazu.playlist.get_playlist(playlist, client=supervisor)
    rows = [*stored["shots"], {"entity_id": day["shot_20"]["id"], "preview_file_id": None}]
    gazu.playlist.update_playlist({"id": playlist["id"], "shots": rows}, client=supervisor)
    stored = gazu.playlist.get_playlist(playlist, client=supervisor)
    expect_equal(
        [row["entity_id"] for row in stored["shots"]], [shot["id"], day["shot_20"]["id"]], "shots after an update"
    )
    kinds = gazu.playlist.get_entity_preview_files(shot, client=day.clients["artist"])
    layout = kinds[day["shot_tasks"]["Layout"]["id"]]
    expect_equal([row["revision"] for row in layout], list(range(len(day.pictures), 0, -1)), "revisions, newest first")
    expect_keys(layout[0], ("id", "extension", "width", "height", "status", "annotations", "previews"), "a revision")
    light = gazu.playlist.all_playlists_for_project(short, client=day.clients["artist"])
    expect(playlist["id"] in {row["id"] for row in light}, "the playlist is in the list")
    expect("shots" not in light[0], "the light list holds no shots")
    day.send(403, "GET", f"/data/projects/{short['id']}/playlists/{playlist['id']}", "client")
    day.send(403, "GET", f"/data/projects/{short['id']}/playlists/{playlist['id']}", "vendor")
    return f"{len(stored['shots'])} shots in {playlist['name']}"


def exports(day: Day) -> str:
    """Take people, assets, shots, tasks and hours out as spreadsheets."""
    project = day["short"]["id"]
    wanted = {
        "persons.csv": (PERSONS, day.mail("artist")),
        f"projects/{project}/assets.csv": (ASSETS, day["hero"]["name"]),
        f"projects/{project}/shots.csv": (SHOTS, "SH0010"),
        "tasks.csv": (TASKS, "SH0010"),
        "time-spents.csv": (TIME_SPENTS, "SH0010"),
    }
    lines = 0
    for path, (head, name) in wanted.items():
        reply = day.http("GET", f"/export/csv/{path}", "manager")
        expect_equal(reply.status_code, 200, path)
        expect(reply.headers["Content-Type"].startswith("text/csv"), f"content type of {path}")
        text = reply.content.decode("utf-8-sig")
        expect(text.split("\r\n")[0].startswith(head), f"{path} starts with {text[:120]!r}, not with {head!r}")
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))
        expect(any(name in cell for row in rows for cell in row), f"{name} stands in {path}")
        lines += len(rows) - 1
        if "projects/" not in path:
            day.send(403, "GET", f"/export/csv/{path}", "artist")
    target = day.folder / "shots-out.csv"
    gazu.shot.export_shots_with_csv(day["short"], str(target), client=day.clients["manager"])
    expect(target.stat().st_size > 0, "gazu saves the export")
    return f"{len(wanted)} spreadsheets, {lines} lines"


def last_events(day: Day) -> str:
    """Read the record: newest first, by project, by name, only for those who may."""
    rows = gazu.sync.get_last_events(limit=1000, project=day["short"], client=day.clients["manager"])
    names = {row["name"] for row in rows}
    wanted = {"asset:new", "shot:new", "task:new", "task:assign", "comment:new", "task:status-changed", "playlist:new"}
    expect(wanted <= names or len(rows) == 1000, f"the record lacks {sorted(wanted - names)}")
    expect_keys(rows[0], ("id", "created_at", "name", "user_id", "project_id", "data"), "an event")
    expect_equal({row["project_id"] for row in rows}, {day["short"]["id"]}, "projects of the events")
    dates = [datetime.fromisoformat(row["created_at"]) for row in rows]
    expect_equal(dates, sorted(dates, reverse=True), "order of the events")
    files = gazu.sync.get_last_events(limit=50, project=day["short"], only_files=True, client=day.admin)
    kinds = {row["name"] for row in files}
    expect(kinds and all("add-file" in kind or "set-thumbnail" in kind for kind in kinds), f"only files: {kinds}")
    [one] = gazu.sync.get_last_events(limit=1, project=day["short"], name="playlist:new", client=day.admin)
    expect_keys(one["data"], ("playlist_id", "project_id"), "data of playlist:new")
    with refused(NotAllowedException, "an artist reading the record"):
        gazu.sync.get_last_events(client=day.clients["artist"])
    return f"{len(rows)} events, {len(names)} kinds"


def midday(day: Day) -> str:
    """Restart the server, when the caller gave a way to: everything is as before, old tokens too."""
    if day.on_midday is None:
        return "no restart asked for"
    path = f"/data/shots/with-tasks?project_id={day['short']['id']}"
    before = day.send(200, "GET", path, "artist")
    comments = gazu.task.all_comments_for_task(day["animation"], client=day.clients["manager"])
    thumbnail = f"/pictures/thumbnails/preview-files/{day['picture']['id']}.png"
    picture = day.http("GET", thumbnail, "artist").content
    day.on_midday()
    expect_equal(day.send(200, "GET", path, "artist"), before, "the shots after the restart")
    after = gazu.task.all_comments_for_task(day["animation"], client=day.clients["manager"])
    expect_equal(after, comments, "the comments after the restart")
    expect_equal(day.http("GET", thumbnail, "artist").content, picture, "a thumbnail after the restart")
    day.send(200, "GET", "/data/user/context", "manager")
    day.send(401, "GET", "/data/projects/open", "short")
    for ears in day.ears.values():
        ears.wait_connected()
    made = day.comment("manager", day["animation_20"], "wip", "after lunch")
    if "artist" in day.ears:
        day.ears["artist"].wait_for("comment:new", comment_id=made["id"])
    return "restarted: same answers, same tokens, events flow again"
