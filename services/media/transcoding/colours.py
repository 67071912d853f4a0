"""Bring the colours of any picture to what every browser shows: 8 bits, L, LA, RGB or RGBA, sRGB."""

from io import BytesIO

from PIL import Image, ImageCms

_PLAIN = ("L", "LA", "RGB", "RGBA")
# Larger profiles are not worth the time, and nobody makes them by honest means.
_MAX_PROFILE = 4 << 20


def plain(image: Image.Image) -> Image.Image:
    """Return the picture as L, LA, RGB or RGBA. Only RGB keeps its colour profile, in `info["icc_profile"]`."""
    image.load()
    profile = image.info.get("icc_profile")
    if "transparency" in image.info or image.mode == "PA":
        picture = _straight(image).convert("RGBA")
    elif image.mode == "CMYK" and profile:
        picture = _through_profile(image, profile, "RGB")
        profile = None
    elif image.mode in _PLAIN:
        picture = image
    elif image.mode == "1":
        picture = image.convert("L")
    else:
        straight = _straight(image)
        picture = straight if straight.mode in _PLAIN else straight.convert("RGB")
    picture.info = {"icc_profile": profile} if profile and picture.mode in ("RGB", "RGBA") else {}
    return picture


def in_srgb(picture: Image.Image) -> Image.Image:
    """Return the picture in sRGB and without a profile, so that small pictures need not carry one."""
    profile = picture.info.get("icc_profile")
    if profile:
        picture = _through_profile(picture, profile, picture.mode)
    picture.info = {}
    return picture


def _straight(image: Image.Image) -> Image.Image:
    """Return 16 bit greys as 8 bit ones: Pillow would cut off all that is brighter than 255."""
    if not image.mode.startswith("I"):
        return image
    return image.convert("I").point(lambda value: value * (1 / 257) + 0.5).convert("L")


def _through_profile(image: Image.Image, profile: bytes, mode: str) -> Image.Image:
    if len(profile) <= _MAX_PROFILE:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            if "sRGB" in (source.profile.profile_description or "") and image.mode == mode:
                return image
            found = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=mode)
            if found is not None:
                return found
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            # A damaged profile, or one for other channels: show the numbers as they are.
            pass
    return image.convert(mode)
