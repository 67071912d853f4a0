"""One picture of all frames of a movie, which the player shows while somebody scrubs along its time line."""

from dataclasses import dataclass
from pathlib import Path

from services.media.transcoding import BrokenMovie
from services.media.transcoding.ffmpeg import local, run_ffmpeg, untrusted_input
from services.media.transcoding.movies import probe_movie

COLUMNS = 8
MAX_ROWS = 480
FRAME_HEIGHT = 100


@dataclass(frozen=True, slots=True)
class Tiles:
    """The layout: frame n stands in column n % columns and row n // columns. Sizes in pixels."""

    columns: int
    rows: int
    frame_width: int
    frame_height: int


def make_tiles(movie: Path, target: Path, *, seconds: float = 600) -> Tiles:
    """Write a PNG of the frames, 8 a row, each 100 high, the first 3,840 at most, and return its layout.

    Give it the low-definition movie where there is one: the frames are the same and decode faster.
    Raises BrokenMovie. Source: GET /actions/preview-files/{preview_file_id}/extract-tile.
    """
    found = probe_movie(movie)
    rows = min(MAX_ROWS, -(-found.frames // COLUMNS))
    width = max(1, round(FRAME_HEIGHT * found.width / found.height))
    if width * COLUMNS > 32_767:
        raise BrokenMovie("The movie is too wide for tiles.")
    filters = f"scale={width}:{FRAME_HEIGHT},setsar=1,tile={COLUMNS}x{rows}"
    try:
        run_ffmpeg(
            [
                *untrusted_input(movie),
                *("-map", "0:V:0", "-vf", filters, "-frames:v", "1", "-c:v", "png", "-compression_level", "3"),
                *("-pix_fmt", "rgb24", "-f", "image2", "-update", "1", local(target)),
            ],
            seconds=seconds,
        )
        if not target.exists():
            raise BrokenMovie("The movie holds no frames.")
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return Tiles(COLUMNS, rows, width, FRAME_HEIGHT)
