"""Real photographs and movies, and files that want to do harm.

The photographs are those that the scikit-image wheel ships, read as files: nothing is downloaded, and neither numpy nor
scikit-image is imported.
"""

import struct
import subprocess
import zipfile
import zlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, ImageCms, ImageOps

from services.media.transcoding.ffmpeg import ffmpeg_program

NAMES = ("astronaut.png", "coffee.png", "chelsea.png", "motorcycle_left.png", "rocket.jpg", "hubble_deep_field.jpg")
GREY_NAMES = ("camera.png", "moon.png", "coins.png")


def photograph_file(name: str = "astronaut.png") -> Path:
    """Return one of the shipped photographs as a file."""
    spec = find_spec("skimage")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "data" / name


@cache
def photograph(width: int = 512, height: int = 512, name: str = "astronaut.png") -> Image.Image:
    """Return an RGB photograph of any size, cut to shape."""
    with Image.open(photograph_file(name)) as image:
        return ImageOps.fit(image.convert("RGB"), (width, height), Image.Resampling.BICUBIC)


@cache
def mosaic(width: int = 3840, height: int = 2160) -> Image.Image:
    """Return nine photographs as one large picture, as busy as a real frame."""
    picture = Image.new("RGB", (width, height))
    for number in range(9):
        part = photograph(-(-width // 3), -(-height // 3), NAMES[number % len(NAMES)])
        picture.paste(part, (number % 3 * part.width, number // 3 * part.height))
    return picture


def save(picture: Image.Image, path: Path, **options: object) -> Path:
    """Write a picture in the format of its extension and return the path."""
    picture.save(path, **options)
    return path


def save_turned_jpeg(picture: Image.Image, path: Path, orientation: int) -> Path:
    """Write a JPEG whose EXIF orientation says how to turn it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return save(picture, path, quality=92, exif=exif)


def save_grey16(path: Path, size: tuple[int, int] = (320, 200)) -> Path:
    """Write a photograph as PNG with one channel of 16 bits."""
    grey = photograph(*size, "camera.png").convert("L")
    wide = grey.convert("I").point(lambda value: value * 257)
    return save(wide.convert("I;16"), path)


def save_rgb16(path: Path, size: tuple[int, int] = (320, 200)) -> Path:
    """Write a photograph as PNG with three channels of 16 bits, which Pillow cannot write."""
    raw = photograph(*size).tobytes()
    row = size[0] * 3
    lines = b"".join(b"\0" + bytes(b for v in raw[at : at + row] for b in (v, v)) for at in range(0, len(raw), row))
    return _save_png(path, size, depth=16, colour=2, data=zlib.compress(lines, 1))


def save_palette(path: Path, size: tuple[int, int] = (320, 200), *, see_through: bool = False) -> Path:
    """Write a photograph as PNG with a palette, optionally with its first colour transparent."""
    picture = photograph(*size).quantize(64)
    return save(picture, path, **({"transparency": 0} if see_through else {}))


def save_with_alpha(path: Path, mode: str = "RGBA", size: tuple[int, int] = (320, 200)) -> Path:
    """Write a photograph whose left half is transparent, in mode RGBA or LA."""
    picture = photograph(*size).convert(mode)
    alpha = Image.new("L", size, 255)
    alpha.paste(0, (0, 0, size[0] // 2, size[1]))
    picture.putalpha(alpha)
    return save(picture, path)


def save_cmyk(path: Path, size: tuple[int, int] = (320, 200)) -> Path:
    """Write a photograph as JPEG for print."""
    return save(photograph(*size).convert("CMYK"), path, quality=92)


def save_with_profile(path: Path, size: tuple[int, int] = (320, 200)) -> Path:
    """Write a photograph with a colour profile that is not sRGB."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ"))
    return save(photograph(*size), path, icc_profile=profile.tobytes())


def save_hdr(path: Path, size: tuple[int, int] = (256, 128), *, packed: bool = True, brightness: int = 0) -> Path:
    """Write a photograph as Radiance RGBE, run-length coded or flat, `brightness` stops brighter."""
    rows = []
    raw = photograph(*size).tobytes()
    for at in range(0, len(raw), size[0] * 3):
        line = raw[at : at + size[0] * 3]
        bands = [line[0::3], line[1::3], line[2::3], bytes([128 + brightness]) * size[0]]
        if packed:
            rows.append(struct.pack(">BBH", 2, 2, size[0]) + b"".join(_packed(band) for band in bands))
        else:
            rows.append(bytes(value for pixel in zip(*bands, strict=True) for value in pixel))
    head = f"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y {size[1]} +X {size[0]}\n".encode()
    path.write_bytes(head + b"".join(rows))
    return path


def _packed(band: bytes) -> bytes:
    coded = bytearray()
    at = 0
    while at < len(band):
        run = 1
        while run < 127 and at + run < len(band) and band[at + run] == band[at]:
            run += 1
        coded += bytes([128 + run, band[at]]) if run > 2 else bytes([run]) + band[at : at + run]
        at += run
    return bytes(coded)


def movie_frames(count: int, size: tuple[int, int] = (320, 180)) -> list[Image.Image]:
    """Return the frames of a pan over a photograph, each clearly different from the next."""
    step = 12
    wide = photograph(size[0] + count * step, size[1], "motorcycle_left.png")
    return [wide.crop((n * step, 0, n * step + size[0], size[1])) for n in range(count)]


def save_movie(
    path: Path,
    frames: int = 12,
    size: tuple[int, int] = (320, 180),
    *,
    fps: str = "25",
    audio: bool = False,
    options: tuple[str, ...] = (),
) -> Path:
    """Write a short pan in the container of the extension, optionally with a tone."""
    raw = b"".join(frame.tobytes() for frame in movie_frames(frames, size))
    codec = {".webm": "libvpx", ".wmv": "wmv2", ".avi": "mpeg4"}.get(path.suffix, "libx264")
    speed = ("-preset", "ultrafast") if codec == "libx264" else ()
    tone = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000") if audio else ()
    command = [ffmpeg_program(), "-v", "error", "-y"]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[0]}x{size[1]}", "-r", fps, "-i", "-", *tone]
    command += ["-c:v", codec, *speed, "-b:v", "2M", "-pix_fmt", "yuv420p", "-shortest", *options, str(path)]
    subprocess.run(command, input=raw, check=True, timeout=60)
    return path


def save_html(path: Path) -> Path:
    """Write a page that runs a script, whatever the extension says."""
    path.write_text("<!doctype html><script>alert(document.cookie)</script>", encoding="utf-8")
    return path


def save_truncated(source: Path, path: Path, share: float = 0.6) -> Path:
    """Write the first part of a file, as a broken upload leaves it."""
    data = source.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def save_pixel_bomb(path: Path, side: int = 60_000) -> Path:
    """Write a PNG of a few kilobytes that claims billions of pixels."""
    return _save_png(path, (side, side), depth=8, colour=2, data=zlib.compress(bytes(1 << 20), 9))


def save_text_bomb(path: Path, megabytes: int = 16) -> Path:
    """Write a small PNG with a comment that unpacks to `megabytes`."""
    text = b"Comment\0\0" + zlib.compress(bytes(megabytes << 20), 9)
    data = zlib.compress(b"\0" + bytes(3), 9)
    return _save_png(path, (1, 1), depth=8, colour=2, data=data, extra=_chunk(b"zTXt", text))


def save_zip(path: Path) -> Path:
    """Write a zip archive, whatever the extension says."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "not a picture")
    return path


def save_empty(path: Path) -> Path:
    """Write nothing."""
    path.write_bytes(b"")
    return path


def save_playlist(path: Path, target: str) -> Path:
    """Write an HLS playlist that makes a careless ffmpeg open `target`, a file or an address."""
    lines = ("#EXTM3U", "#EXT-X-MEDIA-SEQUENCE:0", "#EXTINF:10.0,", target, "#EXT-X-ENDLIST", "")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _save_png(path: Path, size: tuple[int, int], *, depth: int, colour: int, data: bytes, extra: bytes = b"") -> Path:
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + extra + _chunk(b"IDAT", data) + _chunk(b"IEND", b""))
    return path


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
