"""Pictures beside an issue: measured like Pillow measures them, made smaller, refused with a reason and a line."""

from __future__ import annotations

import builtins
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from newsletter.content.image_headers import read_header
from newsletter.content.pictures import LARGEST, Picture, Wanted, read_pictures

COLUMN = 576
KINDS = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}


def picture(width: int, height: int, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(out, kind, **options)
    return out.getvalue()


def noise(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((width, height), 100).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def issue(tmp_path: Path) -> Path:
    (tmp_path / "issues").mkdir()
    return tmp_path / "issues" / "a.md"


def read(issue: Path, source: str) -> Picture:
    pictures = read_pictures(issue, [Wanted(source)], issue.parent.parent, COLUMN)
    assert pictures.findings == ()
    return pictures.pictures[0]


def refusal(issue: Path, source: str) -> str:
    pictures = read_pictures(issue, [Wanted(source, 7, 3)], issue.parent.parent, COLUMN, file="issues/a.md")
    (finding,) = pictures.findings
    assert pictures.pictures == ()
    assert (finding.place, finding.severity) == ("issues/a.md:7:3", "error")
    return f"{finding.message}; {finding.fix}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(1, 1), (37, 512), (300, 2)])
def test_a_size_is_read_from_the_header(kind: str, size: tuple[int, int]) -> None:
    assert read_header(picture(*size, kind)) == (KINDS[kind], *size)
    if kind == "WEBP":
        assert read_header(picture(*size, kind, lossless=True)) == (KINDS[kind], *size)
        assert read_header(picture(*size, kind, exif=Image.Exif().tobytes())) == (KINDS[kind], *size)
    if kind == "JPEG":
        assert read_header(picture(*size, kind, progressive=True, comment=b"\xff" * 99)) == (KINDS[kind], *size)


STARTS = [b"", b"\xff\xd8\xff", b"GIF89a", b"RIFF0000WEBPVP8 ", b"\x89PNG\r\n\x1a\n"]


@given(st.binary(max_size=60), st.sampled_from(STARTS))
def test_any_bytes_are_measured_or_not_but_never_fail(data: bytes, start: bytes) -> None:
    read_header(start + data)


def test_a_picture_is_shown_at_its_size_and_at_most_as_wide_as_the_text(issue: Path) -> None:
    for name, size, shown in [
        ("a.png", (100, 50), (100, 50)),
        ("b.png", (800, 400), (576, 288)),
        ("c@2x.png", (100, 50), (50, 25)),
        ("d.png", (2000, 1000), (576, 288)),
    ]:
        (issue.parent / name).write_bytes(picture(*size))
        found = read(issue, name)
        assert (found.width, found.height) == shown, name
    assert read_header(read(issue, "d.png").data) == ("image/png", 2 * COLUMN, COLUMN)
    assert read(issue, "b.png").data == (issue.parent / "b.png").read_bytes()


def test_a_photo_is_turned_made_smaller_and_loses_what_the_camera_wrote(issue: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010F] = "Camera"
    (issue.parent / "photo.jpg").write_bytes(picture(3000, 2000, "JPEG", exif=exif.tobytes()))
    found = read(issue, "photo.jpg")
    assert (found.width, found.height) == (576, 864)
    assert b"Camera" not in found.data


@pytest.mark.parametrize("pillow", [True, False])
def test_a_small_photo_is_shown_upright_and_keeps_no_place(
    issue: Path, monkeypatch: pytest.MonkeyPatch, pillow: bool
) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera of Ada"
    (issue.parent / "a.jpg").write_bytes(picture(200, 100 + pillow, "JPEG", exif=exif))
    real = builtins.__import__

    def without(name: str, *args: Any, **options: Any) -> Any:
        if name == "PIL" and not pillow:
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    found = read(issue, "a.jpg")
    assert (found.width, found.height) == (100 + pillow, 200)
    assert b"Camera of Ada" not in found.data
    assert read_header(found.data) == ("image/jpeg", *((101, 200) if pillow else (200, 100)))


def test_a_name_tells_the_content(issue: Path) -> None:
    (issue.parent / "My cat (1).PNG").write_bytes(picture(10, 10))
    before = read(issue, "My%20cat%20(1).PNG?x#y")
    assert before.name.startswith("my-cat-1-")
    assert before.name.endswith(".png")
    (issue.parent / "My cat (1).PNG").write_bytes(picture(11, 10))
    assert read(issue, "My cat (1).PNG").name != before.name


def test_a_picture_may_lie_anywhere_in_the_publication_and_nowhere_else(issue: Path, tmp_path: Path) -> None:
    (tmp_path / "pics").mkdir()
    (tmp_path / "pics" / "a.png").write_bytes(picture(5, 5))
    (tmp_path / ".newsletter").mkdir()
    (tmp_path / ".newsletter" / "a.png").write_bytes(picture(5, 5))
    (issue.parent / "within.png").symlink_to("../pics/a.png")
    (issue.parent / "out.png").symlink_to("/etc/hostname")
    (issue.parent / "loop.png").symlink_to("loop.png")
    assert read(issue, "../pics/a.png").width == 5
    assert read(issue, "within.png").width == 5
    assert "lies outside of the publication" in refusal(issue, "../" * 12 + "etc/hostname")
    assert "lies outside of the publication" in refusal(issue, "../.newsletter/a.png")
    assert "is a link that leads outside of the publication" in refusal(issue, "out.png")
    assert "cannot be read" in refusal(issue, "loop.png")


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.png", None, "is not there; put the file at"),
        ("a.png", b"", "is no PNG, JPEG, GIF or WebP"),
        ("a.png", picture(9, 9)[:20], "is no PNG"),
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is SVG, which mail programs do not show"),
        ("a.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0\0\0\0\0", "has no size"),
        ("a.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xff\xff\0\0\xff\xff" + bytes(99), "cannot be decoded"),
        ("a.png", noise(1152, 1100), "MB; 1 MB is the most"),
        ("a\0.png", None, "cannot be read"),
        ("x" * 300 + ".png", None, "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_a_finding_with_its_reason(
    issue: Path, name: str, data: bytes | None, words: str
) -> None:
    if data is not None:
        (issue.parent / name).write_bytes(data)
    assert words in refusal(issue, name)


def test_all_pictures_together_have_a_limit_too(issue: Path) -> None:
    wanted = [Wanted(f"{number}.png") for number in range(6)]
    for want in wanted:
        (issue.parent / want.source).write_bytes(noise(960, 960))
    assert read_pictures(issue, wanted, issue.parent, COLUMN).findings == ()
    (finding,) = read_pictures(issue, wanted, issue.parent, COLUMN, embed=True).findings
    assert finding.message.endswith("MB together; 5 MB is the most")


def test_without_pillow_a_large_picture_is_refused_and_a_small_one_is_not(
    issue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (issue.parent / "small.png").write_bytes(picture(2000, 10))
    (issue.parent / "large.png").write_bytes(noise(1200, 1200))
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "PIL":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    found = read(issue, "small.png")
    assert (found.width, found.data) == (576, (issue.parent / "small.png").read_bytes())
    assert (issue.parent / "large.png").stat().st_size > LARGEST
    assert 'pip install "newsletter[images]"' in refusal(issue, "large.png")
