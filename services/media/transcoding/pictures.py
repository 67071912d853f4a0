"""Look at uploaded pictures and make the smaller ones that the pages show.

Import it, or run it apart from the service, which a damaged picture then cannot hurt:
`python -m services.media.transcoding.pictures <source> <folder>` prints one line of JSON. Without arguments it waits
for both, as a JSON array in a line at its standard input.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image

from services.media.transcoding import BrokenPicture
from services.media.transcoding.colours import in_srgb, plain
from services.media.transcoding.hdr import read_hdr
from services.media.transcoding.limits import GIB, TimeLimitError
from services.media.transcoding.png import write_png
from services.media.transcoding.spare import Spare

PREVIEW_WIDTH = 1200
THUMBNAIL, SQUARE, AVATAR = (150, 100), (100, 100), (400, 400)
HDR_THUMBNAIL, ATTACHMENT = (300, 200), (150, 150)
MAX_PIXELS = 400_000_000
# A preview of a very tall strip stays within what browsers draw.
MAX_PREVIEW_HEIGHT = 16_384

# Recognised by content, as browsers save WebP pictures under `.png`. Formats with exotic decoders stay out.
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
_ROTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_DAMAGED = "The picture is truncated or damaged."
_TOO_MUCH_TEXT = "The picture holds too much text."
# Pillow's own guard warns at 89 and refuses at 179 megapixels, too few for matte paintings; _opened has ours.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True, slots=True)
class Picture:
    """What a file's header says: size in pixels as it is seen (turned as its camera says), and format."""

    width: int
    height: int
    format: str


def probe_picture(path: Path) -> Picture:
    """Return size and format without decoding the pixels. Raises BrokenPicture for what is none or is cut short."""
    with _opened(path) as image:
        width, height = image.size[::-1] if _is_sideways(_turn(image)) else image.size
        found = Picture(width, height, "JPEG" if image.format == "MPO" else str(image.format))
    _refuse_truncated(path, found.format)
    return found


def make_variants(source: Path, target_dir: Path, *, original: bool = True) -> dict[str, Path]:
    """Make all pictures of a preview and return their paths by storage prefix, from one decoding.

    previews: PNG, 1200 wide, ratio kept. thumbnails: PNG 150×100, thumbnails-square: PNG 100×100, both cut to fill.
    original: the source itself when it is a PNG, else the same picture as PNG; `original=False` leaves it out and is
    faster for JPEG. Raises BrokenPicture, and then leaves nothing in `target_dir`.
    Source: POST /pictures/preview-files/{instance_id}.
    """
    names = ("original", "previews", "thumbnails", "thumbnails-square")
    paths = {name: target_dir / f"{name}.png" for name in names}
    try:
        with _opened(source) as image:
            _write_variants(image, paths, original=original)
            is_png = image.format == "PNG"
    except BaseException:
        for path in paths.values():
            path.unlink(missing_ok=True)
        raise
    if is_png:
        paths["original"] = source
    return paths if original else {name: path for name, path in paths.items() if name != "original"}


_SPARE = Spare([sys.executable, "-m", __name__], memory=6 * GIB)


def make_variants_apart(
    source: Path, target_dir: Path, *, seconds: float = 120, spare: Spare = _SPARE
) -> dict[str, Path]:
    """Do what make_variants does in a process of its own, within `seconds` and the memory that `spare` gives."""
    try:
        ended = spare.run(json.dumps([str(source), str(target_dir)]), seconds)
    except TimeLimitError as refusal:
        raise BrokenPicture(str(refusal)) from None
    try:
        answer: dict[str, Any] = json.loads(ended.output)
    except ValueError:
        raise BrokenPicture("The picture needs more memory than it may have.") from None
    if reason := answer.get("broken"):
        raise BrokenPicture(reason)
    return {name: Path(path) for name, path in answer["variants"].items()}


def make_thumbnail(source: Path, target: Path, size: tuple[int, int]) -> Path:
    """Write a PNG of exactly `size`, cut to fill it, and return `target`. Raises BrokenPicture."""
    with _opened(source) as image:
        turn = _turn(image)
        # A JPEG decodes straight to a half, quarter or eighth; twice the size leaves enough for a good filter.
        longest = 2 * max(size)
        image.draft(None, (longest, longest))
        with _decoding():
            picture = plain(image)
        _write_small(picture if turn is None else picture.transpose(turn), target, size)
    return target


def make_avatar(source: Path, target: Path) -> Path:
    """Write the 400×400 PNG of a person, project or organisation. Source: POST /pictures/thumbnails/persons/{id}."""
    return make_thumbnail(source, target, AVATAR)


def make_attachment_thumbnail(source: Path, target: Path) -> Path:
    """Write the 150×150 PNG of a picture in a chat. Source: GET /pictures/thumbnails/attachment-files/{id}.png."""
    return make_thumbnail(source, target, ATTACHMENT)


def make_hdr_thumbnail(source: Path, target: Path) -> Path:
    """Write the 300×200 PNG of a Radiance picture. Source: POST /pictures/preview-background-files/{instance_id}."""
    _write_small(read_hdr(source), target, HDR_THUMBNAIL)
    return target


def preview_size(width: int, height: int) -> tuple[int, int]:
    """Return the size of the preview of a picture: 1200 wide, unless it were then too tall to draw."""
    scaled = max(1, round(height * PREVIEW_WIDTH / width))
    if scaled <= MAX_PREVIEW_HEIGHT:
        return PREVIEW_WIDTH, scaled
    return max(1, round(width * MAX_PREVIEW_HEIGHT / height)), MAX_PREVIEW_HEIGHT


@contextmanager
def _decoding() -> Iterator[None]:
    try:
        yield
    except MemoryError:
        raise BrokenPicture("The picture needs more memory than it may have.") from None
    except Exception as problem:
        # A decoder fed with hostile bytes may raise anything at all; whatever it is, the file is at fault.
        raise BrokenPicture(_TOO_MUCH_TEXT if "MAX_TEXT" in str(problem) else _DAMAGED) from None


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open a picture by its header, and refuse it by its size before a pixel is decoded."""
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            raise BrokenPicture("The file is empty.")
        try:
            with _decoding():
                image = Image.open(file, formats=_FORMATS)
        except BrokenPicture as refusal:
            raise BrokenPicture("The file is not a picture.") if refusal.reason == _DAMAGED else refusal from None
        with image:
            if image.width * image.height > MAX_PIXELS:
                raise BrokenPicture(f"The picture is too large: {image.width}x{image.height} pixels.")
            yield image


def _is_sideways(turn: Image.Transpose | None) -> bool:
    return turn not in (None, *(_TURNS[value] for value in (2, 3, 4)))


def _turn(image: Image.Image) -> Image.Transpose | None:
    """Return how the camera was held. Only what stands before the pixels counts, so nothing is decoded."""
    if "exif" not in image.info:
        return None
    try:
        return _TURNS.get(image.getexif().get(_ROTATION, 1))
    except Exception:
        # Damaged notes of a camera are no reason to refuse its picture.
        return None


def _refuse_truncated(path: Path, format: str) -> None:
    """Raise BrokenPicture when the end is missing, reading as little as possible."""
    with path.open("rb") as file:
        if format == "PNG" and _has_end(file):
            return
        if format == "JPEG":
            file.seek(-2, os.SEEK_END)
            if file.read() == b"\xff\xd9":
                return
    with _opened(path) as image, _decoding():
        # Cameras append things to JPEG files: an eighth of the resolution tells quickly whether all of it is there.
        image.draft(None, (max(1, image.width // 8), max(1, image.height // 8)))
        image.load()
        if format == "PNG":
            raise EOFError


def _has_end(file: BinaryIO) -> bool:
    """Step over the chunks of a PNG up to its last."""
    file.seek(8)
    while len(head := file.read(8)) == 8:
        if head[4:] == b"IEND":
            return True
        file.seek(int.from_bytes(head[:4], "big") + 4, os.SEEK_CUR)
    return False


def _write_variants(image: Image.Image, paths: dict[str, Path], *, original: bool) -> None:
    turn = _turn(image)
    size = preview_size(image.height, image.width)[::-1] if _is_sideways(turn) else preview_size(*image.size)
    if not original:
        image.draft(None, size)
    with _decoding():
        picture = plain(image)
    if original and image.format != "PNG":
        upright = picture if turn is None else picture.transpose(turn)
        write_png(upright, paths["original"], icc_profile=picture.info.get("icc_profile"))
    # A cascade: a box filter to the nearest whole fraction, a fine one to 1200, and the thumbnails from that. The
    # picture is turned last, when it is small.
    preview = in_srgb(picture.resize(size, Image.Resampling.BICUBIC, reducing_gap=1.0))
    if turn is not None:
        preview = preview.transpose(turn)
    write_png(preview, paths["previews"])
    _write_small(preview, paths["thumbnails"], THUMBNAIL)
    _write_small(preview, paths["thumbnails-square"], SQUARE)


def _write_small(picture: Image.Image, target: Path, size: tuple[int, int]) -> None:
    """Cut the middle of the picture to the shape of `size`, scale it and write it."""
    scale = min(picture.width / size[0], picture.height / size[1])
    width, height = size[0] * scale, size[1] * scale
    left, top = (picture.width - width) / 2, (picture.height - height) / 2
    box = (left, top, left + width, top + height)
    small = in_srgb(picture.resize(size, Image.Resampling.BICUBIC, box=box, reducing_gap=2.0))
    try:
        small.save(target, "PNG")
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def main(arguments: list[str]) -> int:
    """Make the variants of one picture and print `{"variants": {prefix: path}}` or `{"broken": reason}`."""
    if not arguments:
        Image.init()
        told = sys.stdin.readline()
        if not told:
            return 0  # whoever would have told has ended
        arguments = json.loads(told)
    source, folder = map(Path, arguments)
    try:
        made = make_variants(source, folder)
    except BrokenPicture as refusal:
        print(json.dumps({"broken": refusal.reason}))
        return 2
    print(json.dumps({"variants": {name: str(path) for name, path in made.items()}}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
