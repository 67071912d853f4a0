"""Read Radiance RGBE pictures (`.hdr`), the backgrounds of 3D previews, just well enough for a thumbnail."""

import re
from pathlib import Path
from typing import Any

from PIL import Image, ImageMath, ImageOps

from services.media.transcoding import BrokenPicture

MAX_PIXELS = 100_000_000
_MAX_BYTES = 600_000_000
_SIZE = re.compile(rb"([+-])([XY]) (\d{1,6}) ([+-])([XY]) (\d{1,6})")
# The scale of a mantissa byte for each exponent byte; exponent 0 is black by definition.
_SCALES = [0.0] + [2.0 ** min(exponent - 136, 100) for exponent in range(1, 256)]


def read_hdr(path: Path, rows: int = 400) -> Image.Image:
    """Return a tone-mapped RGB picture of about `rows` rows, full width, of a Radiance file.

    Raises BrokenPicture when it is not one, is cut short or has more than 100 megapixels.
    """
    if path.stat().st_size > _MAX_BYTES:
        raise BrokenPicture("The file is too large.")
    data = path.read_bytes()
    width, height, start, upside_down, mirrored = _header(data)
    step = max(1, height // rows)
    taken = range(step // 2, height, step)
    try:
        planes = _planes(data, start, width, height, taken)
    except IndexError:
        raise BrokenPicture("The picture is truncated.") from None
    bands = [Image.frombytes("L", (width, len(taken)), bytes(plane)) for plane in planes]
    picture = _tone_mapped(bands, (width, height))
    if upside_down:
        picture = ImageOps.flip(picture)
    return ImageOps.mirror(picture) if mirrored else picture


def _header(data: bytes) -> tuple[int, int, int, bool, bool]:
    """Return width, height, where the pixels start, and whether rows or columns run backwards."""
    if not data.startswith((b"#?RADIANCE", b"#?RGBE")):
        raise BrokenPicture("This is not a Radiance HDR picture.")
    blank = data.find(b"\n\n", 0, 65_536)
    end = data.find(b"\n", blank + 2, blank + 80)
    match = _SIZE.fullmatch(data[blank + 2 : end].strip()) if blank > 0 and end > 0 else None
    if match is None or (match[2], match[5]) != (b"Y", b"X"):
        raise BrokenPicture("The header of the picture is damaged.")
    height, width = int(match[3]), int(match[6])
    if not 0 < width * height <= MAX_PIXELS:
        raise BrokenPicture(f"The picture is too large: {width}x{height}.")
    return width, height, end + 1, match[1] == b"+", match[4] == b"-"


def _planes(data: bytes, at: int, width: int, height: int, taken: range) -> list[bytearray]:
    """Return the planes red, green, blue, exponent of the rows `taken`; the others are only stepped over."""
    planes = [bytearray() for _ in range(4)]
    packed = 8 <= width < 32_768
    for row in range(taken[-1] + 1):
        keep = row in taken
        if packed and data[at] == 2 and data[at + 1] == 2 and data[at + 2] < 128:
            at = _unpack_row(data, at + 4, width, planes if keep else None)
        else:
            if at + 4 * width > len(data):
                raise IndexError
            if keep:
                flat = data[at : at + 4 * width]
                for band in range(4):
                    planes[band] += flat[band::4]
            at += 4 * width
    return planes


def _unpack_row(data: bytes, at: int, width: int, planes: list[bytearray] | None) -> int:
    """Append one run-length coded row to `planes`, or step over it, and return where the next one starts."""
    for band in range(4):
        plane = planes[band] if planes is not None else None
        left = width
        while left > 0:
            code = data[at]
            count = code - 128 if code > 128 else code
            if plane is not None:
                plane += data[at + 1 : at + 2] * count if code > 128 else data[at + 1 : at + 1 + count]
            at += 2 if code > 128 else count + 1
            left -= count
            if not count or left < 0 or at > len(data):
                raise IndexError
    return at


def _tone_mapped(bands: list[Image.Image], size: tuple[int, int]) -> Image.Image:
    """Shrink in linear light, then Reinhard's curve around the mean brightness, then gamma 2.2."""
    scale = bands[3].point(_SCALES, "F")
    # Averaging comes before the curve, or a small sun would turn grey.
    small = (min(size[0], 600), max(1, min(bands[0].height, round(min(size[0], 600) * size[1] / size[0]))))
    linear = [
        ImageMath.lambda_eval(lambda a: a["m"] * a["s"], m=band.convert("F"), s=scale).resize(
            small, Image.Resampling.BOX
        )
        for band in bands[:3]
    ]
    grey = ImageMath.lambda_eval(_luminance, r=linear[0], g=linear[1], b=linear[2])
    mean = grey.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    exposure = 0.6 / max(mean, 1e-30)

    def curve(a: Any) -> Any:
        light = a["x"] * exposure
        return 255.0 * (light / (light + 1.0)) ** (1 / 2.2)

    return Image.merge("RGB", [ImageMath.lambda_eval(curve, x=band).convert("L") for band in linear])


def _luminance(a: Any) -> Any:
    return a["r"] * 0.2126 + a["g"] * 0.7152 + a["b"] * 0.0722
