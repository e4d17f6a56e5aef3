"""Diagrams as pictures: lines join, letters stand in their cells, and what cannot be drawn is told."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from newsletter.content import drawing
from newsletter.content.box_drawing import INK, Cell, draw_box
from newsletter.content.drawing import Look, NoGlyphError, draw, read_font

BOXES = [chr(code) for code in range(0x2500, 0x2580)]
CELL = Cell(0, 0, 16, 32)
SIDES = {"left": (0, 16), "right": (15, 16), "up": (8, 0), "down": (8, 31)}


def drawn(char: str) -> Image.Image:
    mask = Image.new("L", (16, 32), 0)
    draw_box(mask, char, CELL)
    return mask


@pytest.fixture(scope="module")
def look() -> Look:
    try:
        return Look(read_font("", Path()), "#23211d", "#f7f4ec")
    except OSError as error:
        pytest.skip(str(error))


def profile(char: str, side: str) -> list[int]:
    """The ink along one side of the cell: what meets the next cell there."""
    box = {"left": (0, 0, 1, 32), "right": (15, 0, 16, 32), "up": (0, 0, 16, 1), "down": (0, 31, 16, 32)}[side]
    return list(drawn(char).crop(box).tobytes())


@pytest.mark.parametrize(
    ("char", "sides"),
    [("─", "left right"), ("│", "up down"), ("┌", "right down"), ("╮", "left down"), ("┼", "left right up down"),
     ("╴", "left"), ("╹", "up"), ("╠", "up down right"), ("╪", "left right up down"), ("╰", "up right")],
)  # fmt: skip
def test_a_sign_reaches_the_sides_that_its_name_says_and_no_other(char: str, sides: str) -> None:
    assert [side for side in SIDES if INK in profile(char, side)] == [side for side in SIDES if side in sides.split()]


@pytest.mark.parametrize(("one", "other"), [("─", "┐"), ("─", "╯"), ("═", "╗"), ("━", "┓"), ("═", "╣"), ("─", "╢")])
def test_neighbours_join_without_a_step(one: str, other: str) -> None:
    assert profile(one, "right") == profile(other, "left")


def test_double_lines_keep_their_gap_around_corners_and_crossings() -> None:
    mask = drawn("╬")
    assert mask.getpixel((8, 16)) == 0
    assert [mask.getpixel(at) for at in ((5, 13), (10, 13), (5, 18), (10, 18))] == [INK] * 4
    assert drawn("╟").getpixel((8, 16)) == 0  # the light arm ends at the nearer line


def test_no_two_signs_look_the_same() -> None:
    pictures = {drawn(char).tobytes(): char for char in map(chr, range(0x2500, 0x25A0))}
    # U+2504 to U+250B differ in dashes that are too fine for a cell in some weights: each still has ink.
    assert len(pictures) >= 158
    assert all(any(picture) for picture in pictures)


def test_a_diagram_has_twice_the_pixels_and_the_same_bytes_each_time(look: Look) -> None:
    data, header = draw("┌──┐\n│ab│\n└──┘", look)
    draw.cache_clear()
    assert draw("┌──┐\n│ab│\n└──┘", look) == (data, header)
    image = Image.open(io.BytesIO(data))
    assert (image.size, image.mode) == ((header.width, header.height), "P")
    assert image.convert("RGB").getpixel((0, 0)) == (0xF7, 0xF4, 0xEC)
    assert (0x23, 0x21, 0x1D) in {colour for _, colour in image.convert("RGB").getcolors() or ()}
    assert len(data) < 2000


def test_signs_without_a_glyph_and_letters_that_join_are_named(look: Look) -> None:
    with pytest.raises(NoGlyphError) as raised:
        draw("┌─┐ é e\u0301 → ✓\n😀 中 ل ب", look)
    assert raised.value.chars == ("😀", "中", "ل", "ب")


def test_a_giant_diagram_is_refused(look: Look) -> None:
    with pytest.raises(ValueError, match="more than 400 columns or lines"):
        draw("─" * 401, look)
    with pytest.raises(ValueError, match="more than 400 columns or lines"):
        draw("\n" * 400, look)


def test_a_font_is_a_file_of_the_publication_or_one_of_the_system(tmp_path: Path, look: Look) -> None:
    (tmp_path / "own.ttf").write_bytes(look.font)
    assert read_font("own.ttf", tmp_path) == look.font
    with pytest.raises(OSError, match=r"there is no font nope\.ttf"):
        read_font("nope.ttf", tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "FONTS", ("nope.ttf",))
        with pytest.raises(OSError, match=r"there is no font nope\.ttf"):
            read_font("", tmp_path)
