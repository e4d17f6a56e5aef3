"""A diagram of box-drawing signs as a picture: one cell a column, lines drawn by us, letters by a monospace font.

The picture has twice as many pixels as it is shown at. The same text, font and version of Pillow give the same bytes.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from wcwidth import wcwidth

from newsletter.content.box_drawing import Cell, draw_box, is_box
from newsletter.content.image_headers import Header

if TYPE_CHECKING:
    from PIL import Image, ImageFont

RULE = "diagram-not-drawn"
DENSITY = 2
FONTS = (
    "DejaVuSansMono.ttf", "LiberationMono-Regular.ttf", "NotoSansMono-Regular.ttf", "Menlo.ttc", "consola.ttf",
    "cour.ttf",
)  # fmt: skip
LARGEST = 400  # columns, and lines
_SIZE = 13 * DENSITY  # pixels of a letter
_MARGIN = 8 * DENSITY
_SHADES = 16  # between ink and paper: as many as letters need to look smooth
_NOTHING = "\U0010fffe"  # no character, so what a font shows for it is what it shows for those that it has not
_SHAPED = ("R", "AL", "AN", "NSM")  # directions of letters that join, turn or stand on others


class NoGlyphError(Exception):
    """Signs that the font has not, or that cannot be drawn one by one; `chars` are they."""

    def __init__(self, chars: Sequence[str]) -> None:
        super().__init__("".join(chars))
        self.chars = tuple(chars)


@dataclass(frozen=True)
class Look:
    """How diagrams are drawn: the font file's bytes, and the colours of lines and paper (`#rrggbb`)."""

    font: bytes
    ink: str
    paper: str


def read_font(name: str, folder: Path) -> bytes:
    """The font file `name` of `folder` or of the system; without a name the first known one that the system has.

    Raises OSError where there is none, ImportError without Pillow.
    """
    from PIL import ImageFont  # noqa: PLC0415 - an extra

    if name and (folder / name).is_file():
        return (folder / name).read_bytes()
    for each in (name,) if name else FONTS:
        try:
            return Path(str(ImageFont.truetype(each, _SIZE).path)).read_bytes()
        except OSError:
            continue
    raise OSError(f"there is no font {name or ', '.join(FONTS)}")


@lru_cache(maxsize=32)  # a preview renders at each save
def draw(text: str, look: Look) -> tuple[bytes, Header]:
    """The diagram as PNG, and its size in pixels. Raises NoGlyphError, and ValueError for one that is too large."""
    from PIL import Image, ImageFont  # noqa: PLC0415 - an extra

    lines = [list(_clusters(line)) for line in text.split("\n")]
    columns = max((sum(width for _, width in line) for line in lines), default=0)
    if columns > LARGEST or len(lines) > LARGEST:
        raise ValueError(f"it has more than {LARGEST} columns or lines")
    font = ImageFont.truetype(io.BytesIO(look.font), _SIZE, layout_engine=ImageFont.Layout.BASIC)
    if missing := _missing(lines, font):
        raise NoGlyphError(missing)
    width = _even(font.getlength("M"))
    height = _even(sum(font.getmetrics()))
    mask = Image.new("L", (2 * _MARGIN + columns * width, 2 * _MARGIN + len(lines) * height), 0)
    for row, line in enumerate(lines):
        column = 0
        for cluster, wide in line:
            cell = Cell(_MARGIN + column * width, _MARGIN + row * height, wide * width, height)
            _sign(mask, cluster, cell, font)
            column += wide
    return _png(mask, look), Header("image/png", *mask.size)


def _sign(mask: Image.Image, cluster: str, cell: Cell, font: ImageFont.FreeTypeFont) -> None:
    from PIL import ImageDraw  # noqa: PLC0415 - an extra

    if is_box(cluster):
        draw_box(mask, cluster, cell)
    elif not cluster.isspace():
        left = cell.x + (cell.width - font.getlength(cluster)) / 2
        ImageDraw.Draw(mask).text((round(left), cell.y + cell.height - font.getmetrics()[1]), cluster, 255, font, "ls")


def _clusters(line: str) -> Iterator[tuple[str, int]]:
    """The signs of a line, each with what stands on it, and how many columns it takes."""
    cluster, width = "", 0
    for char in unicodedata.normalize("NFC", line):
        own = wcwidth(char)
        if own <= 0 and cluster:
            cluster += char
            continue
        if cluster:
            yield cluster, width
        cluster, width = char, max(own, 0)
    if cluster:
        yield cluster, width


def _missing(lines: Sequence[Sequence[tuple[str, int]]], font: ImageFont.FreeTypeFont) -> list[str]:
    nothing = bytes(font.getmask(_NOTHING))
    found = []
    for cluster in dict.fromkeys(cluster for line in lines for cluster, _ in line):
        if is_box(cluster) or cluster.isspace():
            continue
        shaped = len(cluster) > 1 or unicodedata.bidirectional(cluster) in _SHAPED
        if shaped or bytes(font.getmask(cluster)) == nothing:
            found.append(cluster)
    return found


def _png(mask: Image.Image, look: Look) -> bytes:
    """The mask in the colours of `look`, with a palette: a tenth of the bytes that full colours would take."""
    image = mask.point([value * (_SHADES - 1) // 255 for value in range(256)])
    image = image.copy()
    paper, ink = _rgb(look.paper), _rgb(look.ink)
    image.putpalette([
        round(low + (high - low) * shade / (_SHADES - 1))
        for shade in range(_SHADES)
        for low, high in zip(paper, ink, strict=True)
    ])  # fmt: skip
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True, bits=4)
    return out.getvalue()


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _even(length: float) -> int:
    """At least `length`, and even: half of it is a whole pixel, and so is a line's middle."""
    return 2 * -(-round(length) // 2)
