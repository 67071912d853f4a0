"""Steps about pictures and movies: publishing, revisions, every size, main pictures, avatars, broken files."""

import io
from pathlib import Path
from typing import Any

import gazu
from gazu.exception import ParameterException, UploadFailedException
from PIL import Image, ImageOps

from examples.day.studio import Day, Record, expect, expect_equal, expect_keys, expect_values

SIZES = {"thumbnails": (150, 100), "thumbnails-square": (100, 100)}
PREVIEW_WIDTH = 1200
AVATAR = (400, 400)
WAIT_SECONDS = 180


def picture_size(data: bytes, what: str) -> tuple[int, int]:
    """Return width and height of a PNG in pixels, and insist that it is one."""
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        expect_equal(picture.format, "PNG", f"format of {what}")
        return picture.size


def previews(day: Day) -> str:
    """Publish real pictures as revisions of a task and read them in every size."""
    task, artist = day["layout"], day.clients["artist"]
    for revision, path in enumerate(day.pictures, start=1):
        comment, made = gazu.task.publish_preview(
            task, day["statuses"]["wfa"], f"take {revision}", preview_file_path=str(path), client=artist
        )
        day.comments_by["artist"] += 1
        ready = _ready(day, made)
        expect_values(ready, f"preview {path.name}", revision=revision, position=1, task_id=task["id"])
        expect_values(ready, f"preview {path.name}", extension="png", person_id=day["artist"]["id"])
        with Image.open(path) as original:
            expect_equal((ready["width"], ready["height"]), _as_seen(original), f"size of {path.name}")
        _every_size(day, ready, path)
        day.keep("picture", ready)
        day.keep("picture_comment", comment)
    listed = gazu.files.get_all_preview_files_for_task(task, client=artist)
    expect_equal(len(listed), len(day.pictures), "preview files of the task")
    newest = gazu.task.all_comments_for_task(task, client=artist)[0]
    expect_equal([row["id"] for row in newest["previews"]], [day["picture"]["id"]], "previews of the newest comment")
    second = _second_of_a_revision(day, task)
    slot = day["picture"]["id"]
    again = day.http("POST", f"/pictures/preview-files/{slot}", "artist", files=_file(day.pictures[0]))
    expect_equal(again.status_code, 400, "a second upload into the same slot")
    return f"{len(day.pictures)} revisions, {second['original_name']} beside the last"


def _as_seen(picture: Image.Image) -> tuple[int, int]:
    """Return the size of a picture after turning it as its camera was held."""
    turned = ImageOps.exif_transpose(picture)
    return turned.size if turned is not None else picture.size


def _file(path: Path) -> dict[str, tuple[str, bytes]]:
    return {"file": (path.name, path.read_bytes())}


def _ready(day: Day, preview: Record) -> Record:
    options = {"timeout": WAIT_SECONDS, "poll_interval": 0.2, "client": day.clients["artist"]}
    ready = gazu.files.wait_for_preview_file(preview, **options)  # type: ignore[arg-type]
    expect_equal(ready["status"], "ready", f"status of preview {preview['id']}")
    return ready


def _every_size(day: Day, preview: Record, original: Path) -> None:
    for kind, size in SIZES.items():
        reply = day.http("GET", f"/pictures/{kind}/preview-files/{preview['id']}.png", "animator")
        expect_equal(reply.status_code, 200, f"{kind} right after the upload")
        expect_equal(picture_size(reply.content, kind), size, f"size in {kind}")
        expect("max-age" in reply.headers.get("Cache-Control", ""), f"{kind} may be cached")
    width, height = preview["width"], preview["height"]
    reply = day.http("GET", f"/pictures/previews/preview-files/{preview['id']}.png", "animator")
    shown = picture_size(reply.content, "previews")
    expect_equal(shown[0], PREVIEW_WIDTH, "width in previews")
    expect(abs(shown[1] - height * PREVIEW_WIDTH / width) <= 1, f"ratio in previews: {shown} of {(width, height)}")
    kept = day.folder / f"original-{preview['id']}.png"
    gazu.files.download_preview_file(preview, str(kept), client=day.clients["animator"])
    expect_equal(picture_size(kept.read_bytes(), "originals"), (width, height), "size in originals")
    if original.suffix == ".png":
        expect_equal(kept.read_bytes(), original.read_bytes(), "bytes of an original PNG")
    saved = day.http("GET", f"/pictures/originals/preview-files/{preview['id']}/download", "animator")
    expect("attachment" in saved.headers.get("Content-Disposition", ""), "a download is an attachment")
    for who, status in (("outsider", 403), (None, 401)):
        day.send(status, "GET", f"/pictures/thumbnails/preview-files/{preview['id']}.png", who)


def _second_of_a_revision(day: Day, task: Record) -> Record:
    """Add one more picture to the last revision."""
    extra = gazu.task.add_extra_preview(
        task, day["picture_comment"], day["picture"], str(day.pictures[0]), client=day.clients["artist"]
    )
    ready = _ready(day, extra)
    expect_values(ready, "an extra preview", revision=day["picture"]["revision"], position=2)
    return ready


def main_pictures_and_avatars(day: Day) -> str:
    """Choose the picture of a shot; give faces to a person, the production and the studio."""
    shot, picture = day["shot_10"], day["picture"]
    entity = gazu.task.set_main_preview(picture, client=day.clients["manager"])
    expect_values(entity, "set-main-preview", id=shot["id"], preview_file_id=picture["id"])
    expect_equal(gazu.shot.get_shot(shot["id"], client=day.admin)["preview_file_id"], picture["id"], "main picture")
    path = str(day.pictures[0])
    faces: dict[str, Any] = {
        f"persons/{day['artist']['id']}": gazu.person.set_avatar(day["artist"], path, client=day.clients["artist"]),
        f"projects/{day['short']['id']}": gazu.files.upload_project_avatar(day["short"]["id"], path, client=day.admin),
    }
    organisation = gazu.person.get_organisation(client=day.admin)
    faces[f"organisations/{organisation['id']}"] = gazu.files.upload_organisation_avatar(
        organisation["id"], path, client=day.admin
    )
    for place, answer in faces.items():
        expect_keys(answer, ("thumbnail_path",), f"avatar of {place}")
        reply = day.http("GET", f"/pictures/thumbnails/{place}.png", "artist")
        expect_equal(reply.status_code, 200, f"avatar of {place}")
        expect_equal(picture_size(reply.content, place), AVATAR, f"size of the avatar of {place}")
    person = gazu.person.get_person(day["artist"]["id"], client=day.admin)
    expect_equal(person["has_avatar"], True, "has_avatar of the artist")
    project = gazu.project.get_project(day["short"]["id"], client=day.admin)
    expect_equal(project["has_avatar"], True, "has_avatar of the production")
    day.send(
        403, "POST", f"/pictures/thumbnails/persons/{day['manager']['id']}", "artist", files=_file(day.pictures[0])
    )
    return "a main picture and three faces"


def movie(day: Day) -> str:
    """Publish a movie, wait until it is ready, read it in parts, its tiles and its thumbnail."""
    if day.movie is None:
        return "no movie given, step left out"
    task = day["animation"]
    comment = day.comment("artist", task, "wfa", "moving")
    made = gazu.task.add_preview(task, comment, str(day.movie), client=day.clients["artist"])
    expect(made["status"] in {"processing", "ready"}, f"status after the upload: {made['status']}")
    ready = _ready(day, made)
    expect_values(ready, "the movie", extension="mp4", revision=1)
    expect(
        ready["duration"] > 0 and ready["width"] > 0 and ready["height"] > 0, f"measures of the movie: {ready}"[:500]
    )
    whole = day.http("GET", f"/movies/originals/preview-files/{ready['id']}.mp4", "animator")
    expect_equal((whole.status_code, whole.content[4:8]), (200, b"ftyp"), "the movie")
    part = day.http(
        "GET", f"/movies/originals/preview-files/{ready['id']}.mp4", "animator", headers={"Range": "bytes=100-199"}
    )
    expect_equal((part.status_code, part.content), (206, whole.content[100:200]), "a range of the movie")
    expect_equal(day.http("GET", f"/movies/low/preview-files/{ready['id']}.mp4", "animator").status_code, 200, "lowdef")
    tiles = day.http("GET", f"/movies/tiles/preview-files/{ready['id']}.png", "animator")
    expect(picture_size(tiles.content, "tiles")[1] % 100 == 0, "tiles are rows of 100 pixels")
    for kind, size in SIZES.items():
        reply = day.http("GET", f"/pictures/{kind}/preview-files/{ready['id']}.png", "animator")
        expect_equal(picture_size(reply.content, kind), size, f"{kind} of the movie")
    day.keep("film", ready)
    return f"{ready['duration']:.1f} s of movie are ready"


def broken_files(day: Day) -> str:
    """Upload what is no picture and no movie: refused or marked as broken, never half there."""
    endings = []
    for name, data in (
        ("page.png", b"<!doctype html><script>alert(1)</script>"),
        ("empty.png", b""),
        ("noise.mp4", b"this is no movie at all" * 400),
        ("virus.exe", b"MZ"),
    ):
        path = day.folder / name
        path.write_bytes(data)
        endings.append(f"{name} {_upload_broken(day, path)}")
    return ", ".join(endings)


def _upload_broken(day: Day, path: Path) -> str:
    task = day["hero_modeling"]
    comment = day.comment("artist", task, "wip", path.name)
    slot = gazu.task.create_preview(task, comment, client=day.clients["artist"])
    expect_values(slot, "a slot", status="processing")
    try:
        gazu.task.upload_preview_file(slot, str(path), client=day.clients["artist"])
    except (ParameterException, UploadFailedException):
        gone = day.http("GET", f"/data/preview-files/{slot['id']}")
        expect(gone.status_code == 404 or gone.json()["status"] == "broken", f"{path.name}: the slot is no orphan")
        return "refused"
    options = {"timeout": WAIT_SECONDS, "poll_interval": 0.2, "client": day.admin}
    ended = gazu.files.wait_for_preview_file(slot, **options)  # type: ignore[arg-type]
    expect_equal(ended["status"], "broken", f"{path.name}: status at the end")
    return "broken"
