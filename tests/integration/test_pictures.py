"""Pictures as artists upload them, and as attackers do."""

import json
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import pytest
from PIL import Image, ImageChops, ImageStat

from services.media.transcoding import BrokenPicture, pictures
from services.media.transcoding.hdr import read_hdr
from services.media.transcoding.pictures import (
    Picture,
    make_attachment_thumbnail,
    make_avatar,
    make_hdr_thumbnail,
    make_thumbnail,
    make_variants,
    make_variants_apart,
    preview_size,
    probe_picture,
)
from services.media.transcoding.png import write_png
from services.media.transcoding.spare import Spare
from tests.support import pictures as sample


def difference(first: Image.Image, second: Image.Image) -> float:
    """Return the mean difference of two pictures, 0 to 255."""
    return max(ImageStat.Stat(ImageChops.difference(first.convert("RGB"), second.convert("RGB"))).mean)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    folder = tmp_path / "made"
    folder.mkdir()
    return folder


def test_a_png_gets_all_sizes_and_stays_untouched_itself(tmp_path: Path, made: Path) -> None:
    source = sample.save(sample.mosaic(1920, 1080), tmp_path / "frame.png", compress_level=1)
    before = source.read_bytes()
    paths = make_variants(source, made)
    sizes = {name: Image.open(path).size for name, path in paths.items()}
    assert sizes == {
        "original": (1920, 1080),
        "previews": (1200, 675),
        "thumbnails": (150, 100),
        "thumbnails-square": (100, 100),
    }
    assert paths["original"] == source
    assert source.read_bytes() == before
    assert all(Image.open(path).format == "PNG" for path in paths.values())


def test_small_pictures_show_what_the_large_one_shows(tmp_path: Path, made: Path) -> None:
    picture = sample.mosaic(1920, 1080)
    paths = make_variants(sample.save(picture, tmp_path / "frame.png", compress_level=1), made)
    assert difference(Image.open(paths["previews"]), picture.resize((1200, 675), Image.Resampling.LANCZOS)) < 2
    middle = picture.crop((150, 0, 1770, 1080)).resize((150, 100), Image.Resampling.LANCZOS)
    assert difference(Image.open(paths["thumbnails"]), middle) < 4


def test_a_jpeg_becomes_a_png_of_the_same_pixels(tmp_path: Path, made: Path) -> None:
    source = sample.save(sample.photograph(640, 480), tmp_path / "frame.jpg", quality=92)
    paths = make_variants(source, made)
    original = Image.open(paths["original"])
    assert original.format == "PNG"
    assert difference(original, Image.open(source)) == 0
    assert "original" not in make_variants(source, made, original=False)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_camera_says_how_to_turn_a_picture(tmp_path: Path, made: Path, orientation: int) -> None:
    source = sample.save_turned_jpeg(sample.photograph(320, 280), tmp_path / "frame.jpg", orientation)
    upright = (280, 320) if orientation > 4 else (320, 280)
    assert probe_picture(source) == Picture(*upright, "JPEG")
    paths = make_variants(source, made)
    assert Image.open(paths["original"]).size == upright
    assert Image.open(paths["previews"]).size == preview_size(*upright)
    expected = Image.open(paths["original"]).resize((60, 60))
    assert difference(Image.open(paths["previews"]).resize((60, 60)), expected) < 3


def test_every_mode_of_colour_is_shown_as_it_looks(tmp_path: Path, made: Path) -> None:
    grey = sample.photograph(320, 200, "camera.png")
    colour = sample.photograph(320, 200)
    cases = [
        (sample.save_grey16(tmp_path / "grey16.png"), grey, 3),
        (sample.save_rgb16(tmp_path / "rgb16.png"), colour, 2),
        (sample.save(grey.convert("L"), tmp_path / "grey.png"), grey, 2),
        (sample.save_palette(tmp_path / "palette.png"), colour, 12),
        (sample.save_cmyk(tmp_path / "cmyk.jpg"), colour, 12),
        (sample.save(colour, tmp_path / "photo.webp", lossless=True), colour, 2),
    ]
    for source, expected, tolerance in cases:
        preview = Image.open(make_variants(source, made)["previews"])
        assert difference(preview.resize((320, 200)), expected) < tolerance, source.name


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_stays(tmp_path: Path, made: Path, mode: str) -> None:
    paths = make_variants(sample.save_with_alpha(tmp_path / "alpha.png", mode), made)
    for name in ("previews", "thumbnails", "thumbnails-square"):
        small = Image.open(paths[name])
        alpha = small.getchannel("A")
        assert alpha.getpixel((2, 2)) == 0
        assert alpha.getpixel((small.width - 3, 2)) == 255


def test_a_transparent_palette_colour_stays_transparent(tmp_path: Path, made: Path) -> None:
    paths = make_variants(sample.save_palette(tmp_path / "hole.png", see_through=True), made)
    assert Image.open(paths["previews"]).getchannel("A").getextrema()[0] == 0


def test_small_pictures_carry_no_colour_profile(tmp_path: Path, made: Path) -> None:
    source = sample.save_with_profile(tmp_path / "profile.png")
    assert "icc_profile" in Image.open(source).info
    paths = make_variants(source, made)
    assert "icc_profile" not in Image.open(paths["previews"]).info
    assert "icc_profile" not in Image.open(paths["thumbnails"]).info


@pytest.mark.parametrize(
    ("size", "preview"),
    [
        ((3840, 2160), (1200, 675)),
        ((600, 300), (1200, 600)),
        ((1200, 1), (1200, 1)),
        ((9000, 2), (1200, 1)),
        ((10, 10_000), (16, 16_384)),
    ],
)
def test_a_preview_is_1200_wide_unless_too_tall_to_draw(size: tuple[int, int], preview: tuple[int, int]) -> None:
    assert preview_size(*size) == preview


def test_a_single_pixel_is_a_picture(tmp_path: Path, made: Path) -> None:
    paths = make_variants(sample.save(Image.new("1", (1, 1), 1), tmp_path / "dot.png"), made)
    assert Image.open(paths["thumbnails"]).size == (150, 100)


def test_avatars_and_attachments_are_cut_to_size(tmp_path: Path) -> None:
    source = sample.save(sample.mosaic(1920, 1080), tmp_path / "face.jpg", quality=90)
    assert Image.open(make_avatar(source, tmp_path / "avatar.png")).size == (400, 400)
    assert Image.open(make_attachment_thumbnail(source, tmp_path / "chat.png")).size == (150, 150)
    middle = sample.mosaic(1920, 1080).crop((420, 0, 1500, 1080)).resize((400, 400), Image.Resampling.LANCZOS)
    assert difference(Image.open(tmp_path / "avatar.png"), middle) < 4


HOSTILE = {
    "a web page": (sample.save_html, "The file is not a picture."),
    "a zip archive": (sample.save_zip, "The file is not a picture."),
    "nothing": (sample.save_empty, "The file is empty."),
    "billions of pixels": (sample.save_pixel_bomb, "The picture is too large: 60000x60000 pixels."),
    "endless text": (sample.save_text_bomb, "The picture holds too much text."),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_are_refused_at_once_and_leave_nothing(tmp_path: Path, made: Path, kind: str) -> None:
    write, reason = HOSTILE[kind]
    source = write(tmp_path / "upload.png")
    started = perf_counter()
    for attempt in (
        lambda: probe_picture(source),
        lambda: make_variants(source, made),
        lambda: make_avatar(source, made / "avatar.png"),
    ):
        with pytest.raises(BrokenPicture) as refusal:
            attempt()
        assert refusal.value.reason == reason
    assert perf_counter() - started < 1
    assert list(made.iterdir()) == []


@pytest.mark.parametrize("extension", ["png", "jpg", "webp"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_truncated_pictures_are_refused_and_leave_nothing(
    tmp_path: Path, made: Path, extension: str, share: float
) -> None:
    whole = sample.save(sample.photograph(640, 480), tmp_path / f"whole.{extension}")
    cut = sample.save_truncated(whole, tmp_path / f"cut.{extension}", share)
    for attempt in (probe_picture, lambda path: make_variants(path, made)):
        with pytest.raises(BrokenPicture):
            attempt(cut)
    assert list(made.iterdir()) == []


def test_bytes_behind_the_end_do_no_harm(tmp_path: Path) -> None:
    for extension in ("png", "jpg"):
        source = sample.save(sample.photograph(320, 200), tmp_path / f"photo.{extension}")
        source.write_bytes(source.read_bytes() + bytes(5000))
        assert probe_picture(source).width == 320


def test_a_missing_file_is_no_fault_of_the_picture(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        probe_picture(tmp_path / "absent.png")


def test_the_reason_names_no_path(tmp_path: Path) -> None:
    with pytest.raises(BrokenPicture) as refusal:
        probe_picture(sample.save_html(tmp_path / "page.png"))
    assert str(tmp_path) not in refusal.value.reason


def test_a_process_of_its_own_does_the_same(tmp_path: Path, made: Path) -> None:
    source = sample.save(sample.photograph(640, 480), tmp_path / "frame.jpg")
    assert make_variants_apart(source, made).keys() == make_variants(source, made).keys()
    with pytest.raises(BrokenPicture, match="not a picture"):
        make_variants_apart(sample.save_html(tmp_path / "page.png"), made)
    with pytest.raises(BrokenPicture, match="longer than"):
        make_variants_apart(source, made, seconds=0.01)
    with pytest.raises(BrokenPicture, match="memory"):
        make_variants_apart(source, made, spare=Spare([sys.executable, "-m", pictures.__name__], memory=40 << 20))


def test_the_module_is_a_program(tmp_path: Path, made: Path) -> None:
    command = [sys.executable, "-m", "services.media.transcoding.pictures"]
    ended = subprocess.run([*command, sample.save_zip(tmp_path / "a.png"), made], capture_output=True, check=False)
    assert ended.returncode == 2
    assert json.loads(ended.stdout) == {"broken": "The file is not a picture."}


@pytest.mark.parametrize("packed", [True, False])
def test_an_hdr_background_gets_a_thumbnail(tmp_path: Path, packed: bool) -> None:
    source = sample.save_hdr(tmp_path / "sky.hdr", packed=packed)
    thumbnail = Image.open(make_hdr_thumbnail(source, tmp_path / "sky.png"))
    assert thumbnail.size == (300, 200)
    assert 60 < ImageStat.Stat(thumbnail.convert("L")).mean[0] < 200


def test_an_hdr_thumbnail_does_not_depend_on_exposure(tmp_path: Path) -> None:
    dark = make_hdr_thumbnail(sample.save_hdr(tmp_path / "a.hdr", brightness=-6), tmp_path / "a.png")
    bright = make_hdr_thumbnail(sample.save_hdr(tmp_path / "b.hdr", brightness=8), tmp_path / "b.png")
    assert difference(Image.open(dark), Image.open(bright)) < 2


def test_damaged_hdr_files_are_refused(tmp_path: Path) -> None:
    whole = sample.save_hdr(tmp_path / "sky.hdr")
    huge = tmp_path / "huge.hdr"
    huge.write_bytes(b"#?RADIANCE\n\n-Y 99999 +X 99999\n")
    for source in (
        sample.save_truncated(whole, tmp_path / "cut.hdr"),
        sample.save_html(tmp_path / "page.hdr"),
        sample.save_empty(tmp_path / "empty.hdr"),
        huge,
    ):
        with pytest.raises(BrokenPicture):
            make_hdr_thumbnail(source, tmp_path / "thumbnail.png")
    assert not (tmp_path / "thumbnail.png").exists()


def test_upside_down_hdr_files_are_turned(tmp_path: Path) -> None:
    source = sample.save_hdr(tmp_path / "sky.hdr")
    upright = read_hdr(source)
    source.write_bytes(source.read_bytes().replace(b"-Y 128 +X", b"+Y 128 -X"))
    assert difference(read_hdr(source), upright.transpose(Image.Transpose.ROTATE_180)) == 0


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_our_png_writer_loses_nothing(tmp_path: Path, mode: str) -> None:
    picture = sample.photograph(333, 77).convert(mode)
    if "A" in mode:
        picture.putalpha(sample.photograph(333, 77, "moon.png").convert("L"))
    write_png(picture, tmp_path / "a.png", icc_profile=b"x" * 100)
    again = Image.open(tmp_path / "a.png")
    again.load()
    assert again.mode == mode
    assert again.tobytes() == picture.tobytes()
    assert again.info["icc_profile"] == b"x" * 100


def test_strips_of_a_large_png_fit_together(tmp_path: Path) -> None:
    picture = sample.photograph(1500, 1500)
    write_png(picture, tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").tobytes() == picture.tobytes()


def test_a_thumbnail_enlarges_what_is_smaller(tmp_path: Path) -> None:
    source = sample.save(sample.photograph(20, 30), tmp_path / "icon.png")
    assert Image.open(make_thumbnail(source, tmp_path / "thumb.png", (150, 150))).size == (150, 150)
