"""Turn uploaded movies into what every browser plays, frame by frame."""

import re
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from services.media.transcoding import BrokenMovie
from services.media.transcoding.ffmpeg import local, run_ffmpeg, untrusted_input
from services.media.transcoding.probe import MAX_SIDE, Movie, frame_rate, probe_movie

__all__ = ["Movie", "concat", "extract_frame", "frame_rate", "normalise", "parse_size", "probe_movie"]

LOW_WIDTH = 1280
DEFAULT_HEIGHT = 1080
_FRAME_SECONDS = 60
_SQUARE_PIXELS = "scale=iw*sar:ih,setsar=1"
_SIZE = re.compile(r"\s*(\d{2,5})?\s*[xX×]\s*(\d{2,5})\s*")


def parse_size(resolution: str | None, movie: Movie) -> tuple[int, int]:
    """Return the size, in even pixels, that a project's resolution asks for: `1920x1080`, or `x1080` for any width.

    Without a readable one the movie becomes 1080 high and keeps its shape.
    """
    match = _SIZE.fullmatch(resolution or "")
    height = int(match[2]) if match else DEFAULT_HEIGHT
    width = int(match[1]) if match and match[1] else round(height * movie.width / movie.height)
    return min(MAX_SIDE, max(2, width // 2 * 2)), min(MAX_SIDE, max(2, height // 2 * 2))


def normalise(
    source: Path,
    target: Path,
    low_target: Path | None = None,
    *,
    size: tuple[int, int] | None = None,
    fps: float | str | None = None,
    high_bitrate: float = 28,
    low_bitrate: float = 6,
    preset: str = "medium",
    buffer_factor: float = 2,
    seconds: float = 3600,
) -> Movie:
    """Write H.264 MP4 files that browsers play and seek in, and return what `target` then is.

    `target` has `size` (letterboxed; default 1080 high) and `fps` (default: the movie's), at most `high_bitrate`
    Mbit/s; `low_target` is 1280 wide, at most `low_bitrate`. Both come from one decoding; a movie without sound gets a
    silent track, so that any two can be joined. Raises BrokenMovie and leaves no file when that is impossible, takes
    longer than `seconds`, or ends before the length that the file declares.
    """
    movie = probe_movie(source)
    width, height = size or parse_size(None, movie)
    rate = frame_rate(fps or movie.fps)
    outputs = [(target, high_bitrate, 15)] + ([(low_target, low_bitrate, 20)] if low_target else [])
    arguments = [*_inputs(source, movie), "-filter_complex", _graph(movie, width, height, rate, len(outputs))]
    for number, (path, bitrate, quality) in enumerate(outputs):
        arguments += ["-map", f"[v{number}]", "-map", f"[a{number}]"]
        arguments += [*_encoding(rate, bitrate, quality, preset, buffer_factor), local(path)]
    try:
        run_ffmpeg(arguments, seconds=seconds)
        made = probe_movie(target)
        if made.duration < 0.9 * movie.duration - 0.5:
            raise BrokenMovie(f"The movie ends after {made.duration:.1f} of {movie.duration:.1f} seconds.")
    except BaseException:
        for path, *_ in outputs:
            path.unlink(missing_ok=True)
        raise
    return made


def extract_frame(
    movie: Path, target: Path, *, frame: int | None = None, seconds: float | None = None, limit: float = _FRAME_SECONDS
) -> Path:
    """Write one frame as PNG and return `target`: frame number `frame` from 0, or at `seconds`, or the middle one.

    Numbers past the end give the last frame. Raises BrokenMovie.
    Source: GET /actions/preview-files/{preview_file_id}/extract-frame.
    """
    found = probe_movie(movie)
    if frame is None:
        frame = found.frames // 2 if seconds is None else int(seconds * found.fps + 1e-6)
    frame = min(max(frame, 0), found.frames - 1)
    for wanted in (frame, frame - 1, 0):
        # ffmpeg gives the first frame at or after a moment; half a frame earlier is safe from rounding.
        moment = found.start + max(0.0, (wanted - 0.5) / found.fps)
        run_ffmpeg(
            [
                *untrusted_input(movie, "-ss", f"{moment:.6f}"),
                *("-map", "0:V:0", "-frames:v", "1", "-c:v", "png", "-compression_level", "1", "-pix_fmt", "rgb24"),
                *("-vf", _SQUARE_PIXELS, "-f", "image2", "-update", "1", local(target)),
            ],
            seconds=limit,
        )
        if target.exists() and target.stat().st_size:
            return target
    raise BrokenMovie("The movie holds no frame there.")


def concat(
    movies: Sequence[Path],
    target: Path,
    *,
    size: tuple[int, int] | None = None,
    fps: float | str | None = None,
    preset: str = "medium",
    seconds: float = 3600,
) -> Movie:
    """Join movies into one MP4 and return what it is; size and rate are those of the first unless given.

    Movies that already have that shape (as `normalise` makes them) are joined without encoding, the others are
    normalised first. Raises BrokenMovie. Source: GET /data/playlists/{playlist_id}/build/mp4.
    """
    if not movies:
        raise BrokenMovie("There is no movie to join.")
    probed = [probe_movie(movie) for movie in movies]
    wanted, rate = size or (probed[0].width, probed[0].height), frame_rate(fps or probed[0].fps)
    wanted = (wanted[0] // 2 * 2, wanted[1] // 2 * 2)
    with tempfile.TemporaryDirectory(prefix="kiroku-", dir=target.parent) as folder:
        parts = []
        for number, (path, movie) in enumerate(zip(movies, probed, strict=True)):
            part = Path(folder) / f"{number:05}.mp4"
            same = (movie.width, movie.height, frame_rate(movie.fps), movie.codec) == (*wanted, rate, "h264")
            if same and movie.has_audio:
                part.symlink_to(path.absolute())
            else:
                normalise(path, part, size=wanted, fps=rate, preset=preset, seconds=seconds)
            parts.append(part)
        return _joined(parts, target, seconds)


def _joined(parts: Sequence[Path], target: Path, seconds: float) -> Movie:
    """Join files of one shape and one folder without encoding."""
    listing = parts[0].with_name("list.txt")
    lines = ["ffconcat version 1.0"]
    for part in parts:
        # Sound is a few milliseconds longer than the picture; without this each part would start that much late.
        length = f"{probe_movie(part).duration:.6f}"
        lines += [f"file '{part.name}'", f"outpoint {length}", f"duration {length}"]
    listing.write_text("\n".join(lines), encoding="ascii")
    arguments = ["-f", "concat", "-safe", "1", "-protocol_whitelist", "file,pipe", "-i", str(listing)]
    # Without -copyts the run-up of the sound codec becomes a pause before the first picture.
    arguments += ["-map", "0:V:0", "-map", "0:a:0", "-c", "copy", "-copyts", "-movflags", "+faststart", "-f", "mp4"]
    try:
        run_ffmpeg([*arguments, local(target)], seconds=seconds)
        return probe_movie(target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _inputs(source: Path, movie: Movie) -> list[str]:
    silence = [] if movie.has_audio else ["-f", "lavfi", "-i", f"anullsrc=r=48000:cl=stereo:d={movie.duration:.6f}"]
    return untrusted_input(source) + silence


def _graph(movie: Movie, width: int, height: int, rate: str, outputs: int) -> str:
    """Return the filters: one picture and one sound chain, split into labels v0, a0, v1, a1."""
    sound = "[0:a:0]aresample=48000:async=1:first_pts=0," if movie.has_audio else "[1:a:0]"
    chain = (
        f"[0:V:0]fps={rate},{_SQUARE_PIXELS},"
        f"scale={width}:{height}:force_original_aspect_ratio=decrease:out_color_matrix=bt709:out_range=tv,"
        f"pad={width}:{height}:(ow-iw)/2:(oh-ih)/2:color=black,setsar=1,format=yuv420p"
    )
    # Sound gets the length of the picture here: `-shortest` with two outputs can wait for itself for ever.
    length = f"{movie.duration:.6f}"
    listen = f"{sound}aformat=channel_layouts=stereo,apad=whole_dur={length},atrim=duration={length}"
    if outputs == 1:
        return f"{chain}[v0];{listen}[a0]"
    return f"{chain},split=2[v0][high];[high]scale={LOW_WIDTH}:-2[v1];{listen},asplit=2[a0][a1]"


def _encoding(rate: str, bitrate: float, quality: int, preset: str, buffer_factor: float) -> list[str]:
    """Return the options of one output file."""
    kilobits, exact = round(bitrate * 1000), Fraction(rate)
    # A clock in which every frame starts on a tick.
    ticks = exact.numerator if exact.numerator > 1000 else exact.numerator * 1000
    return [
        *("-c:v", "libx264", "-preset", preset, "-pix_fmt", "yuv420p", "-crf", str(quality)),
        *("-maxrate", f"{kilobits}k", "-bufsize", f"{round(kilobits * buffer_factor)}k"),
        # Reviewers step through frames: half a second between key frames keeps seeking quick.
        *("-g", str(max(1, round(exact / 2))), "-r", rate, "-video_track_timescale", str(ticks)),
        *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"),
        *("-c:a", "aac", "-b:a", "192k", "-ar", "48000", "-ac", "2"),
        *("-map_metadata", "-1", "-map_chapters", "-1", "-movflags", "+faststart", "-f", "mp4"),
    ]
