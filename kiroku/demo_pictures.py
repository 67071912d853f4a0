"""Pictures for the demo, drawn with Pillow: a sea, a lighthouse, faces. A name always gives the same picture."""

import io
import math
from zlib import crc32

from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]

SHOT_SIZE = (1280, 720)
ASSET_SIZE = (900, 900)
FACE_SIZE = (400, 400)
SKIES: tuple[tuple[Colour, Colour], ...] = (
    ((32, 42, 92), (250, 150, 90)),
    ((20, 24, 38), (70, 88, 110)),
    ((120, 170, 220), (250, 236, 200)),
)


def png(picture: Image.Image) -> bytes:
    """Return a picture as PNG bytes."""
    target = io.BytesIO()
    picture.save(target, "PNG", compress_level=3)
    return target.getvalue()


def shot_picture(name: str, take: int) -> Image.Image:
    """Draw the frame of a shot: sky by sequence, the lighthouse at another place and size in each shot."""
    seed = crc32(name.encode())
    top, bottom = SKIES[(int(name[2:5]) // 10 - 1) % len(SKIES)]
    picture = _gradient(SHOT_SIZE, top, bottom)
    pen = ImageDraw.Draw(picture)
    _sun(pen, seed)
    _sea(pen, seed, bottom)
    _lighthouse(pen, 200 + seed % 800, 0.6 + seed % 7 / 10)
    _caption(pen, f"{name}   take {take % 9 + 1}")
    return picture


def asset_picture(name: str, take: int) -> Image.Image:
    """Draw a turntable-like card of an asset: a few round shapes in its own colours, on grey."""
    seed = crc32(name.encode())
    picture = _gradient(ASSET_SIZE, (96, 96, 100), (170, 170, 174))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((150, 720, 750, 820), fill=(80, 80, 84))
    for part in range(5):
        hue = _colour(seed + part * 7919)
        width = 90 + (seed >> part) % 160
        middle, height = 450 + ((seed >> (part + 3)) % 160) - 80, 700 - part * 130
        pen.ellipse(
            (middle - width, height - 110, middle + width, height + 60), fill=hue, outline=(40, 40, 44), width=4
        )
    picture = picture.filter(ImageFilter.SMOOTH)
    _caption(ImageDraw.Draw(picture), f"{name}   take {take % 9 + 1}")
    return picture


def face(first: str, last: str) -> Image.Image:
    """Draw an avatar: a simple face with initials."""
    seed = crc32(f"{first} {last}".encode())
    picture = Image.new("RGB", FACE_SIZE, _colour(seed))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((90, 70, 310, 330), fill=(244, 214, 186))
    pen.chord((85, 50, 315, 240), 180, 360, fill=(64, 48, 42))
    for x in (160, 240):
        pen.ellipse((x - 12, 190, x + 12, 214), fill=(40, 40, 50))
    pen.arc((150, 210, 250, 290), 20, 160, fill=(150, 60, 60), width=8)
    pen.text((20, 350), f"{first[0]}{last[0]}", fill="white", font_size=36)
    return picture


def poster(title: str) -> Image.Image:
    """Draw the picture of the production."""
    picture = _gradient((800, 800), *SKIES[0])
    pen = ImageDraw.Draw(picture)
    _sea(pen, 7, SKIES[0][1], (800, 800))
    _lighthouse(pen, 400, 1.4)
    pen.text((40, 40), title, fill="white", font_size=48)
    return picture


def _gradient(size: tuple[int, int], top: Colour, bottom: Colour) -> Image.Image:
    shade = Image.linear_gradient("L").resize(size)
    return Image.composite(Image.new("RGB", size, bottom), Image.new("RGB", size, top), shade)


def _sun(pen: ImageDraw.ImageDraw, seed: int) -> None:
    x, y, radius = 100 + seed % 1000, 120 + seed % 240, 40 + seed % 50
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(255, 244, 214))


def _sea(pen: ImageDraw.ImageDraw, seed: int, light: Colour, size: tuple[int, int] = SHOT_SIZE) -> None:
    width, height = size
    for row in range(8):
        line = height * 0.62 + row * height * 0.05
        swell = [
            (x, line + math.sin((x + seed % 97) / (60 + row * 12) + row) * (4 + row * 3))
            for x in range(0, width + 20, 20)
        ]
        dark = tuple(int(part * (0.55 - row * 0.05)) for part in light)
        pen.polygon([*swell, (width, height), (0, height)], fill=dark)


def _lighthouse(pen: ImageDraw.ImageDraw, x: int, scale: float) -> None:
    def at(dx: float, dy: float) -> tuple[float, float]:
        return x + dx * scale, 560 + dy * scale

    pen.polygon([at(-160, 60), at(-60, -20), at(70, -20), at(180, 60)], fill=(60, 56, 54))
    pen.polygon([at(-42, -20), at(-26, -280), at(26, -280), at(42, -20)], fill=(238, 234, 226))
    for band in range(3):
        low, wide, narrow = -60 - band * 80, 39 - band * 5, 37 - band * 5
        corners = [at(-wide, low), at(-narrow, low - 35), at(narrow, low - 35), at(wide, low)]
        pen.polygon(corners, fill=(186, 60, 50))
    pen.rectangle((*at(-32, -320), *at(32, -280)), fill=(255, 236, 150))
    pen.polygon([at(-38, -320), at(0, -360), at(38, -320)], fill=(90, 40, 36))


def _caption(pen: ImageDraw.ImageDraw, text: str) -> None:
    pen.text((24, 20), text, fill="white", font_size=28, stroke_width=2, stroke_fill="black")


def _colour(seed: int) -> Colour:
    return 70 + seed % 150, 70 + (seed >> 8) % 150, 70 + (seed >> 16) % 150
