"""Nobody's place or name is sent with a picture, and the picture itself stays the same."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from newsletter.content import metadata
from newsletter.content.metadata import without_metadata

SECRET = b"Ada at 52.5 north"
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def picture(kind: str, orientation: int = 1) -> bytes:
    image, exif, out = Image.linear_gradient("L").convert("RGB"), Image.Exif(), io.BytesIO()
    exif[0x010E], exif[0x0112] = SECRET.decode(), orientation
    exif.get_ifd(0x8825)[1] = "N"  # GPS
    text = PngInfo()
    text.add_text("Author", SECRET.decode())
    more = (
        {"pnginfo": text}
        if kind == "PNG"
        else {"comment": SECRET, "xmp": SECRET}
        if kind == "JPEG"
        else {"xmp": SECRET}
    )
    image.save(out, kind, exif=exif, icc_profile=PROFILE, **more)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_what_a_camera_wrote_is_gone_and_the_picture_looks_the_same(kind: str, orientation: int) -> None:
    data = picture(kind, orientation)
    assert SECRET in data
    bare = without_metadata(data)
    assert SECRET not in bare
    before, after = Image.open(io.BytesIO(data)), Image.open(io.BytesIO(bare))
    assert before.tobytes() == after.tobytes()
    assert after.info["icc_profile"] == PROFILE
    expected = {0x0112: 6} if (kind, orientation) == ("JPEG", 6) else {}
    assert dict(after.getexif()) == expected
    assert without_metadata(bare) == bare
    assert metadata.orientation(bare) == (6 if expected else 1)


def test_what_stands_behind_the_end_of_a_png_goes() -> None:
    data = picture("PNG")
    assert without_metadata(data + SECRET) == without_metadata(data)


@given(st.sampled_from(["JPEG", "PNG", "WEBP", "GIF"]), st.integers(0, 700), st.binary(max_size=9))
def test_a_broken_file_is_left_as_it_is_or_loses_no_pixels(kind: str, at: int, noise: bytes) -> None:
    data = PICTURES[kind][:at] + noise
    assert len(without_metadata(data)) <= max(len(data), 12)


PICTURES = {kind: picture(kind) for kind in ("JPEG", "PNG", "WEBP")} | {"GIF": b"GIF89a" + bytes(700)}
