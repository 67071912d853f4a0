"""Find ffmpeg, run it without a network, and say in one line why it failed."""

import re
import shutil
from functools import cache
from pathlib import Path

from services.media.transcoding import BrokenMovie
from services.media.transcoding.limits import GIB, Ended, TimeLimitError, run_limited

# An upload may pretend to be a playlist that names other files or addresses. So nothing but real containers is opened,
# and nothing is fetched.
_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,asf,mpegts,mpeg,ogg,flv,m4v,mpegvideo,h264,hevc"
_SAFE = ("-protocol_whitelist", "file,pipe")
# Half of MAX_PIXELS of pictures would be absurd for a frame; 8K is 33 megapixels.
_MAX_FRAME_PIXELS = 134_217_728
_PREFIX = re.compile(r"^(?:\[[^\]]*\]\s*)+")
_FILE_AND_PATH = re.compile(r"(?:file:)?(?:/[^\s:'\"]+)+/?:?\s*")
_EMPTY_PHRASES = ("Conversion failed!", "Exiting normally")


@cache
def ffmpeg_program() -> str:
    """Return ffmpeg of the system, or else the one that the imageio-ffmpeg package brings along."""
    found = shutil.which("ffmpeg")
    if found:
        return found
    from imageio_ffmpeg import get_ffmpeg_exe

    return str(get_ffmpeg_exe())


@cache
def ffprobe_program() -> str | None:
    """Return ffprobe of the system; imageio-ffmpeg brings none."""
    return shutil.which("ffprobe")


def untrusted_input(path: Path, *options: str) -> list[str]:
    """Return the arguments that open an uploaded movie as ffmpeg's input."""
    return [
        *options,
        *_SAFE,
        "-format_whitelist",
        _CONTAINERS,
        "-max_pixels",
        str(_MAX_FRAME_PIXELS),
        "-i",
        local(path),
    ]


def untrusted_probe(path: Path) -> list[str]:
    """Return the arguments that open an uploaded movie in ffprobe."""
    return [*_SAFE, "-format_whitelist", _CONTAINERS, local(path)]


def local(path: Path) -> str:
    """Return a name that ffmpeg takes for a file, whatever characters it holds."""
    return f"file:{path.absolute()}"


def run_ffmpeg(arguments: list[str], *, seconds: float, memory: int = 6 * GIB) -> None:
    """Run ffmpeg. Raises BrokenMovie with its last complaint when it fails or takes longer than `seconds`."""
    ended = run_program(
        [ffmpeg_program(), "-hide_banner", "-nostdin", "-v", "error", "-y", *arguments], seconds, memory
    )
    if ended.code != 0:
        raise BrokenMovie(complaint(ended.complaints))


def run_program(command: list[str], seconds: float, memory: int = 6 * GIB) -> Ended:
    """Run ffmpeg or ffprobe, whatever the exit code. Raises BrokenMovie when it takes longer than `seconds`."""
    try:
        return run_limited(command, seconds=seconds, memory=memory)
    except TimeLimitError as refusal:
        raise BrokenMovie(str(refusal)) from None


def complaint(stderr: str) -> str:
    """Return the last telling line of ffmpeg's error stream, without module names and paths."""
    for line in reversed(stderr.strip().splitlines()):
        said = _FILE_AND_PATH.sub("", _PREFIX.sub("", line.strip())).strip()
        if said and not said.startswith(_EMPTY_PHRASES):
            return said[:200]
    return "The movie cannot be read."
