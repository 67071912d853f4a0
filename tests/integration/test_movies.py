"""Movies through the real ffmpeg."""

import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from services.media.transcoding import BrokenMovie, ffmpeg, movies, probe
from services.media.transcoding.ffmpeg import ffmpeg_program
from services.media.transcoding.limits import TimeLimitError, run_limited
from services.media.transcoding.movies import concat, extract_frame, frame_rate, normalise, parse_size, probe_movie
from services.media.transcoding.tiles import make_tiles
from tests.support import pictures as sample


def difference(first: Image.Image, second: Image.Image) -> float:
    return sum(ImageStat.Stat(ImageChops.difference(first.convert("RGB"), second.convert("RGB"))).mean)


def nearest(picture: Image.Image, frames: list[Image.Image]) -> int:
    """Return the number of the frame that a picture shows."""
    return min(range(len(frames)), key=lambda number: difference(frames[number].resize(picture.size), picture))


def streams(path: Path) -> dict[str, str]:
    """Return what ffmpeg says of the picture and the sound of a file."""
    said = subprocess.run(
        [ffmpeg_program(), "-hide_banner", "-i", path], check=False, capture_output=True
    ).stderr.decode()
    return {kind.lower(): said_of for kind, said_of in re.findall(r"Stream #.*?: (Video|Audio): (.*)", said)}


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample.save_movie(tmp_path_factory.mktemp("movies") / "silent.mov", 20)


@pytest.fixture(scope="module")
def sounding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample.save_movie(tmp_path_factory.mktemp("movies") / "sound.mp4", 20, audio=True)


def length_of_sound(path: Path) -> float:
    """Return how many seconds of sound a file holds."""
    decoded = ("-map", "0:a:0", "-f", "s16le", "-ac", "1", "-ar", "8000", "-")
    command = [ffmpeg_program(), "-v", "error", "-i", path, *decoded]
    return len(subprocess.run(command, check=True, capture_output=True).stdout) / 16_000


WAYS = ["ffmpeg alone", *(["ffprobe"] if shutil.which("ffprobe") else [])]


@pytest.fixture(params=WAYS)
def prober(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "ffmpeg alone":
        monkeypatch.setattr(probe, "ffprobe_program", lambda: None)
    return str(request.param)


@pytest.mark.usefixtures("prober")
@pytest.mark.parametrize("extension", ["mov", "mp4", "m4v", "mkv", "avi", "webm", "wmv"])
def test_every_accepted_container_is_read(tmp_path: Path, extension: str) -> None:
    movie = probe_movie(sample.save_movie(tmp_path / f"pan.{extension}", 25))
    assert (movie.width, movie.height, movie.fps, movie.has_audio) == (320, 180, 25, False)
    assert movie.duration == pytest.approx(1, abs=0.1)


@pytest.mark.usefixtures("prober")
def test_sound_odd_rates_pixels_and_rotation_are_seen(tmp_path: Path, sounding: Path) -> None:
    assert probe_movie(sounding).has_audio
    film = probe_movie(sample.save_movie(tmp_path / "film.mp4", 24, fps="24000/1001"))
    assert film.fps == pytest.approx(23.976, abs=0.01)
    wide = sample.save_movie(tmp_path / "wide.mp4", 5, options=("-vf", "setsar=2"))
    assert (probe_movie(wide).width, probe_movie(wide).height) == (640, 180)
    turned = tmp_path / "turned.mov"
    for before, after in ((("-display_rotation:v:0", "90"), ()), ((), ("-metadata:s:v:0", "rotate=90"))):
        # Up to version 5 ffmpeg knew only the second way, from 8 only the first.
        command = [ffmpeg_program(), "-v", "error", "-y", *before, "-i", sounding, "-c", "copy", *after, turned]
        if subprocess.run(command, check=False, capture_output=True).returncode == 0:
            break
    assert (probe_movie(turned).width, probe_movie(turned).height) == (180, 320)


def test_a_normalised_movie_plays_in_every_browser(tmp_path: Path, silent: Path) -> None:
    high, low = tmp_path / "high.mp4", tmp_path / "low.mp4"
    made = normalise(silent, high, low, size=(640, 480), fps=25, preset="ultrafast")
    assert (made.width, made.height, made.fps, made.has_audio, made.frames) == (640, 480, 25, True, 20)
    for path, size in ((high, (640, 480)), (low, (1280, 960))):
        found = streams(path)
        assert found["video"].startswith("h264")
        assert re.search(rf" yuv420p\b.* {size[0]}x{size[1]}\b", found["video"])
        assert found["audio"].startswith("aac")
        assert length_of_sound(path) == pytest.approx(0.8, abs=0.06)
        data = path.read_bytes()
        assert data.index(b"moov") < data.index(b"mdat")


def test_letterboxing_keeps_the_shape(tmp_path: Path, silent: Path) -> None:
    high = tmp_path / "high.mp4"
    normalise(silent, high, size=(640, 480), preset="ultrafast")
    frame = Image.open(extract_frame(high, tmp_path / "frame.png", frame=3))
    assert max(frame.crop((0, 0, 640, 55)).convert("L").getextrema()) < 20
    assert nearest(frame.crop((0, 60, 640, 420)), sample.movie_frames(20)) == 3


def test_sound_and_length_stay(tmp_path: Path, sounding: Path) -> None:
    made = normalise(sounding, tmp_path / "high.mp4", size=(320, 180), preset="ultrafast")
    assert made.duration == pytest.approx(0.8, abs=0.06)
    volume = subprocess.run(
        [ffmpeg_program(), "-i", tmp_path / "high.mp4", "-af", "volumedetect", "-f", "null", "-"],
        capture_output=True,
        check=True,
    )
    assert b"mean_volume: -2" in volume.stderr


def test_another_rate_keeps_the_duration(tmp_path: Path, silent: Path) -> None:
    made = normalise(silent, tmp_path / "high.mp4", size=(320, 180), fps="23.976", preset="ultrafast")
    assert made.fps == pytest.approx(24000 / 1001)
    assert made.duration == pytest.approx(0.8, abs=0.1)


def test_without_a_size_a_movie_becomes_1080_high(silent: Path) -> None:
    movie = probe_movie(silent)
    assert parse_size(None, movie) == (1920, 1080)
    assert parse_size("nonsense", movie) == (1920, 1080)
    assert parse_size("x721", movie) == (1280 + 2, 720) or parse_size("x721", movie)[1] == 720
    assert parse_size("2048x858", movie) == (2048, 858)


@pytest.mark.parametrize("number", [0, 1, 7, 19])
def test_the_frame_that_was_asked_for_is_extracted(tmp_path: Path, silent: Path, number: int) -> None:
    frame = Image.open(extract_frame(silent, tmp_path / "frame.png", frame=number))
    assert frame.format == "PNG"
    assert nearest(frame, sample.movie_frames(20)) == number


def test_moments_the_middle_and_numbers_past_the_end(tmp_path: Path, silent: Path) -> None:
    frames = sample.movie_frames(20)
    target = tmp_path / "frame.png"
    assert nearest(Image.open(extract_frame(silent, target, seconds=0.2)), frames) == 5
    assert nearest(Image.open(extract_frame(silent, target)), frames) == 10
    assert nearest(Image.open(extract_frame(silent, target, frame=5000)), frames) == 19


def test_a_picture_that_begins_after_the_sound_is_counted_from_its_own_start(tmp_path: Path, sounding: Path) -> None:
    late = tmp_path / "late.mp4"
    command = [ffmpeg_program(), "-v", "error", "-itsoffset", "0.31", "-i", sounding, "-i", sounding, "-c", "copy"]
    subprocess.run([*command, "-map", "0:v", "-map", "1:a", late], check=True)
    frame = Image.open(extract_frame(late, tmp_path / "frame.png", frame=6))
    assert nearest(frame, sample.movie_frames(20)) == 6


def test_tiles_show_every_frame_in_order(tmp_path: Path, silent: Path) -> None:
    tiles = make_tiles(silent, tmp_path / "tiles.png")
    assert (tiles.columns, tiles.rows, tiles.frame_width, tiles.frame_height) == (8, 3, 178, 100)
    picture = Image.open(tmp_path / "tiles.png")
    assert picture.size == (8 * 178, 300)
    frames = sample.movie_frames(20)
    for number in (0, 7, 8, 19):
        left, top = number % 8 * 178, number // 8 * 100
        assert nearest(picture.crop((left, top, left + 178, top + 100)), frames) == number


def test_movies_of_one_shape_are_joined_without_encoding(tmp_path: Path, silent: Path, sounding: Path) -> None:
    parts = []
    for number, source in enumerate((silent, sounding)):
        parts.append(tmp_path / f"it's {number}.mp4")
        normalise(source, parts[-1], size=(320, 180), fps=25, preset="ultrafast")
    joined = concat([*parts, parts[0]], tmp_path / "all.mp4")
    assert joined.duration == pytest.approx(2.4, abs=0.15)
    frames = sample.movie_frames(20)
    for number in (0, 19, 20, 26, 59):
        frame = Image.open(extract_frame(tmp_path / "all.mp4", tmp_path / "frame.png", frame=number))
        assert nearest(frame, frames) == number % 20


def test_movies_of_other_shapes_are_fitted_before_they_are_joined(tmp_path: Path, silent: Path) -> None:
    other = sample.save_movie(tmp_path / "other.webm", 24, (200, 200), fps="24")
    joined = concat([silent, other], tmp_path / "all.mp4", preset="ultrafast")
    assert (joined.width, joined.height, joined.has_audio) == (320, 180, True)
    assert joined.duration == pytest.approx(1.8, abs=0.15)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.mp4", "other.webm"]


@pytest.mark.usefixtures("prober")
@pytest.mark.parametrize(
    "write", [sample.save_html, sample.save_zip, sample.save_empty, lambda path: sample.save(sample.photograph(), path)]
)
def test_what_is_no_movie_is_refused_without_a_path(tmp_path: Path, write: object) -> None:
    assert callable(write)
    source = write(tmp_path / "upload.png").rename(tmp_path / "upload.mp4")
    with pytest.raises(BrokenMovie) as refusal:
        normalise(source, tmp_path / "high.mp4", tmp_path / "low.mp4")
    assert refusal.value.reason
    assert "/" not in refusal.value.reason
    assert [path.name for path in tmp_path.iterdir()] == ["upload.mp4"]


@pytest.mark.parametrize("share", [0.3, 0.7])
@pytest.mark.parametrize("options", [(), ("-movflags", "+faststart")])
def test_truncated_movies_are_refused_and_leave_nothing(tmp_path: Path, share: float, options: tuple[str, ...]) -> None:
    whole = sample.save_movie(tmp_path / "whole.mp4", 60, options=options)
    cut = sample.save_truncated(whole, tmp_path / "cut.mp4", share)
    with pytest.raises(BrokenMovie):
        normalise(cut, tmp_path / "high.mp4", tmp_path / "low.mp4", size=(320, 180), preset="ultrafast")
    assert {path.name for path in tmp_path.iterdir()} == {"whole.mp4", "cut.mp4"}


@pytest.mark.usefixtures("prober")
def test_an_upload_cannot_make_us_fetch_addresses_or_files(tmp_path: Path, silent: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/secret.ts"
        for target in (address, f"file://{silent}", str(silent)):
            with pytest.raises(BrokenMovie):
                probe_movie(sample.save_playlist(tmp_path / "list.mp4", target))
        with pytest.raises(TimeoutError):
            server.accept()
    listing = tmp_path / "concat.mp4"
    listing.write_text(f"ffconcat version 1.0\nfile {silent}\n", encoding="utf-8")
    with pytest.raises(BrokenMovie):
        probe_movie(listing)


def test_time_is_limited(tmp_path: Path, silent: Path) -> None:
    with pytest.raises(BrokenMovie, match="longer than"):
        normalise(
            silent, tmp_path / "high.mp4", tmp_path / "low.mp4", size=(1920, 1080), preset="veryslow", seconds=0.3
        )
    assert list(tmp_path.iterdir()) == []


def test_a_child_is_ended_with_its_children_and_its_memory_is_limited() -> None:
    with pytest.raises(TimeLimitError):
        run_limited(["sh", "-c", "sleep 60 & sleep 60"], seconds=0.2)
    ended = run_limited(["python3", "-c", "bytearray(1 << 30)"], seconds=20, memory=256 << 20)
    assert ended.code != 0
    assert "MemoryError" in ended.complaints


def test_names_that_look_like_options_or_patterns_are_files(tmp_path: Path, silent: Path) -> None:
    source = tmp_path / "-i %03d:[x].mov"
    source.write_bytes(silent.read_bytes())
    target = extract_frame(source, tmp_path / "%d frame.png", frame=0)
    assert target.exists()
    assert normalise(source, tmp_path / "-y.mp4", size=(320, 180), preset="ultrafast").frames == 20


def test_a_cover_picture_is_no_movie(tmp_path: Path) -> None:
    cover, song = sample.save(sample.photograph(), tmp_path / "cover.png"), tmp_path / "song.m4v"
    command = [
        ffmpeg_program(),
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "sine=duration=1",
        "-i",
        cover,
        "-map",
        "0",
        "-map",
        "1",
    ]
    subprocess.run([*command, "-c:v", "png", "-disposition:v:0", "attached_pic", "-f", "mp4", song], check=True)
    with pytest.raises(BrokenMovie, match="no moving picture"):
        probe_movie(song)


def test_rates_are_written_exactly() -> None:
    rates = {25.0: "25", "24": "24", "23.976": "24000/1001", 23.98: "24000/1001", 29.97: "30000/1001", "12.5": "25/2"}
    assert {fps: frame_rate(fps) for fps in rates} == rates
    with pytest.raises(BrokenMovie):
        frame_rate(0)


def test_complaints_hold_neither_paths_nor_module_names() -> None:
    said = "[mov,mp4 @ 0x55d] moov atom not found\nfile:/srv/store/ab/cd.mp4: Invalid data found\n"
    assert ffmpeg.complaint(said) == "Invalid data found"
    assert ffmpeg.complaint("") == "The movie cannot be read."
    assert movies.LOW_WIDTH == 1280
