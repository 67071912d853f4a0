"""The files that cases and world upload, made on the spot."""

import base64
import functools
import io
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio_ffmpeg
from PIL import Image

HDR_BYTES = 69344
HDR_WIDTH, HDR_HEIGHT = 128, 133


def png() -> bytes:
    """Make a 320×180 PNG gradient."""
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((320, 180)).convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


def obj() -> bytes:
    """Make a mesh file of 12 bytes."""
    return b"v 0 0 0\n# a\n"


def hdr() -> bytes:
    """Make a Radiance picture of exactly the recorded 69,344 bytes; a comment line fills the rest."""
    scanline = bytes((2, 2, 0, HDR_WIDTH))
    for level in (120, 130, 140, 128):
        scanline += bytes((HDR_WIDTH,)) + bytes((level,)) * HDR_WIDTH
    pixels = scanline * HDR_HEIGHT
    size = f"-Y {HDR_HEIGHT} +X {HDR_WIDTH}\n".encode()
    start, middle = b"#?RADIANCE\n#", b"\nFORMAT=32-bit_rle_rgbe\n\n"
    filler = HDR_BYTES - len(start) - len(middle) - len(size) - len(pixels)
    return start + b" " * filler + middle + size + pixels


@functools.cache
def mp4() -> bytes:
    """Make a 640×360 movie of two seconds at 25 frames a second, in which nothing moves: it is quick to encode."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "edit.mp4"
        source = "smptebars=size=640x360:rate=25:duration=2"
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", source]
        subprocess.run([*command, "-pix_fmt", "yuv420p", "-threads", "1", str(target)], check=True)
        return target.read_bytes()


FIXTURES: dict[str, Callable[[], bytes]] = {"png": png, "obj": obj, "hdr": hdr, "mp4": mp4}


def content(described: dict[str, Any]) -> bytes:
    """Give the bytes of a file described by `text`, `base64` or `fixture`."""
    if "text" in described:
        return str(described["text"]).encode()
    if "base64" in described:
        return base64.b64decode(described["base64"])
    return FIXTURES[described["fixture"]]()
