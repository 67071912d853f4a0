"""Pictures, a spreadsheet and a movie for those who bring none of their own."""

import shutil
import subprocess
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

from examples.day.spreadsheets import write_rows

KINDS = ("Character", "Prop", "Environment", "FX")
STATES = ("Todo", "wip", "Work In Progress", "wfa", "Done", "")


def draw_pictures(folder: Path) -> list[Path]:
    """Draw three pictures of different formats and shapes."""
    paths = []
    for name, size, colour in (
        ("sunrise.png", (960, 540), "#ff9966"),
        ("harbour.jpg", (640, 480), "#336688"),
        ("tower.png", (300, 700), "#557755"),
    ):
        picture = Image.radial_gradient("L").resize(size)
        picture = Image.merge("RGB", (picture, picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM), picture))
        pen = ImageDraw.Draw(picture)
        pen.ellipse((size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2), fill=colour)
        pen.text((20, 20), name)
        picture.filter(ImageFilter.SMOOTH).save(folder / name)
        paths.append(folder / name)
    return paths


def write_spreadsheet(folder: Path, suffix: str, rows: int = 24) -> Path:
    """Write a spreadsheet of assets with statuses of their tasks."""
    lines = [
        {
            "Type": KINDS[number % len(KINDS)],
            "Name": f"Ébauche {number:03d} {suffix}",
            "Description": f"N° {number}; « à revoir »\nsecond line" if number % 3 == 0 else "",
            "Concept": STATES[number % len(STATES)],
            "Modeling": STATES[(number + 1) % len(STATES)],
        }
        for number in range(rows)
    ]
    return write_rows(folder / "assets.csv", lines)


def make_movie(folder: Path) -> Path | None:
    """Make a test movie of one second when ffmpeg can be found."""
    program = shutil.which("ffmpeg")
    if program is None:
        try:
            from imageio_ffmpeg import get_ffmpeg_exe
        except ImportError:
            return None
        program = get_ffmpeg_exe()
    target = folder / "movie.mp4"
    source = ("-f", "lavfi", "-i", "testsrc=size=320x180:rate=25:duration=1")
    subprocess.run([program, "-v", "error", "-y", *source, "-pix_fmt", "yuv420p", str(target)], check=True, timeout=60)
    return target
