"""Find out what a movie is, with ffprobe, or with ffmpeg alone where there is no ffprobe."""

import json
import re
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from services.media.transcoding import BrokenMovie
from services.media.transcoding.ffmpeg import (
    complaint,
    ffmpeg_program,
    ffprobe_program,
    run_program,
    untrusted_input,
    untrusted_probe,
)

MAX_SIDE = 16_384
MAX_DURATION = 6 * 3600
_PROBE_SECONDS = 30
_DURATION = re.compile(r"Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)")
_VIDEO = re.compile(r"Stream #0:\d+.*?: Video: (\w+)(?!.*\(attached pic\)).*?, (\d+)x(\d+)(?: \[SAR (\d+):(\d+))?")
_AUDIO = re.compile(r"Stream #0:\d+.*?: Audio: (\w+)")
_RATE = re.compile(r"(\d+(?:\.\d+)?k?) fps")
_ROTATION = re.compile(r"rotation of (-?\d+(?:\.\d+)?) degrees")
_BEGIN = re.compile(r"Duration: .*?, start: (-?\d+\.\d+)")
_TIME_BASE = re.compile(r"^#tb 0: (\d+/\d+)$", re.MULTILINE)
_PACKET = re.compile(r"^0, +-?\d+, +(-?\d+), +(\d+), .*\n", re.MULTILINE)
_WHOLE_LIST = 8_000_000  # characters; a longer list of packets was cut


@dataclass(frozen=True, slots=True)
class Movie:
    """What plays: size in square pixels as it is seen, duration in seconds, frames a second, codec of the picture.

    `start` is how many seconds after the sound the picture begins.
    """

    width: int
    height: int
    duration: float
    fps: float
    has_audio: bool
    codec: str = ""
    start: float = 0.0

    @property
    def frames(self) -> int:
        """The number of frames, as far as duration and rate tell."""
        return max(1, round(self.duration * self.fps))


def probe_movie(path: Path) -> Movie:
    """Return size, duration, rate and sound of a movie. Raises BrokenMovie for anything else, playlists included."""
    if not path.stat().st_size:
        raise BrokenMovie("The file is empty.")
    movie = _probed_by_ffprobe(path) if ffprobe_program() else _probed_by_ffmpeg(path)
    if not 0 < movie.width <= MAX_SIDE or not 0 < movie.height <= MAX_SIDE:
        raise BrokenMovie(f"The movie is too large: {movie.width}x{movie.height} pixels.")
    if movie.fps <= 0 or movie.duration <= 0:
        raise BrokenMovie("The movie has no duration.")
    if movie.duration > MAX_DURATION:
        raise BrokenMovie(f"The movie is longer than {MAX_DURATION // 3600} hours.")
    return movie


def _probed_by_ffprobe(path: Path) -> Movie:
    command = [str(ffprobe_program()), "-v", "error", "-of", "json", "-show_format", "-show_streams"]
    ended = run_program(command + untrusted_probe(path), _PROBE_SECONDS)
    try:
        answer: dict[str, Any] = json.loads(ended.output)
    except ValueError:
        answer = {}
    streams: list[dict[str, Any]] = answer.get("streams", [])
    video = next((one for one in streams if _is_video(one)), None)
    if ended.code != 0 or video is None:
        raise BrokenMovie(complaint(ended.complaints) if ended.code != 0 else "The file holds no moving picture.")
    turns = [side.get("rotation", 0) for side in video.get("side_data_list", [])]
    width, height = int(video.get("width", 0)), int(video.get("height", 0))
    duration = video.get("duration") or answer.get("format", {}).get("duration") or 0
    return _seen(
        (width, height),
        _ratio(video.get("sample_aspect_ratio", "1:1").replace(":", "/")) or 1.0,
        max((abs(float(turn)) for turn in turns), default=0.0),
        Movie(
            width,
            height,
            float(duration),
            _ratio(video.get("avg_frame_rate", "")) or _ratio(video.get("r_frame_rate", "")),
            any(one.get("codec_type") == "audio" for one in streams),
            str(video.get("codec_name", "")),
            max(0.0, float(video.get("start_time", 0)) - float(answer.get("format", {}).get("start_time", 0))),
        ),
    )


def _is_video(stream: dict[str, Any]) -> bool:
    # A cover picture in a sound file is a video stream too.
    return stream.get("codec_type") == "video" and not stream.get("disposition", {}).get("attached_pic")


def _probed_by_ffmpeg(path: Path) -> Movie:
    """Read what ffmpeg prints of a file for people, where no ffprobe is installed."""
    ended = run_program([ffmpeg_program(), "-hide_banner", "-nostdin", *untrusted_input(path)], _PROBE_SECONDS)
    said = ended.complaints
    video = _VIDEO.search(said)
    if video is None:
        raise BrokenMovie("The file holds no moving picture." if _DURATION.search(said) else complaint(said))
    line = said[video.start() :].partition("\n")[0]
    length, rate, turn = _DURATION.search(said), _RATE.search(line), _ROTATION.search(said)
    duration = int(length[1]) * 3600 + int(length[2]) * 60 + float(length[3]) if length else 0.0
    first, until = _span(path)
    begin = _BEGIN.search(said)
    width, height = int(video[2]), int(video[3])
    fps = _ratio(frame_rate(rate[1].replace("k", "e3"))) if rate and float(rate[1].rstrip("k")) else 0.0
    return _seen(
        (width, height),
        int(video[4]) / int(video[5]) if video[4] and int(video[5]) else 1.0,
        abs(float(turn[1])) if turn else 0.0,
        Movie(
            width,
            height,
            until - first if until > first else duration,
            fps,
            _AUDIO.search(said) is not None,
            video[1],
            max(0.0, first - float(begin[1])) if begin else 0.0,
        ),
    )


def _span(path: Path) -> tuple[float, float]:
    """Return when the picture begins and ends, in seconds: ffmpeg says it of whole files only, sound included.

    Both are 0 when the movie has more packets than are worth listing. Raises BrokenMovie for a file that was cut off.
    """
    copied = ("-map", "0:V:0", "-c", "copy", "-f", "framecrc", "-")
    command = [ffmpeg_program(), "-v", "error", "-nostdin", "-copyts", *untrusted_input(path), *copied]
    ended = run_program(command, _PROBE_SECONDS)
    if "partial file" in ended.complaints:
        raise BrokenMovie("The file ends before its movie does.")
    said = ended.output
    base = _TIME_BASE.search(said)
    packets = [(int(at), int(at) + int(lasts)) for at, lasts in _PACKET.findall(said)]
    if base is None or not packets or len(said) > _WHOLE_LIST:
        return 0.0, 0.0
    second = _ratio(base[1])
    return min(at for at, _ in packets) * second, max(until for _, until in packets) * second


def frame_rate(fps: float | str) -> str:
    """Return a rate as ffmpeg wants it: `25`, or `24000/1001` for what is written 23.976. Raises BrokenMovie."""
    value = Fraction(str(fps)) if not isinstance(fps, float) else Fraction(fps).limit_denominator(100_000)
    if not 0 < value <= 1000:
        raise BrokenMovie(f"{fps} frames a second is no frame rate.")
    nominal = round(value * 1001 / 1000)
    if value.denominator != 1 and abs(value - Fraction(nominal * 1000, 1001)) < Fraction(1, 100):
        value = Fraction(nominal * 1000, 1001)
    return str(value)


def _seen(size: tuple[int, int], pixel_shape: float, turn: float, movie: Movie) -> Movie:
    """Return the movie with the size that a player shows: square pixels, turned as the camera was held."""
    width, height = round(size[0] * pixel_shape), size[1]
    if 45 <= turn % 180 <= 135:
        width, height = height, width
    return replace(movie, width=width, height=height)


def _ratio(text: str) -> float:
    """Return `30000/1001` as a number, 0.0 when it is none."""
    try:
        return float(Fraction(text))
    except (ValueError, ZeroDivisionError):
        return 0.0
