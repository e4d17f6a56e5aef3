"""The picture that is shown where a page is shared (ogp.me): its title and the publication's name, as PNG.

Made with Pillow, an extra: equal text, colours and fonts give equal bytes. What no font of this machine can write is
left out rather than drawn as boxes.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

WIDTH, HEIGHT = 1200, 630  # what all networks ask for; others crop it
_EDGE = 80
_SIZES = (84, 72, 60, 50)  # of a title, the largest that fits
_NAME_SIZE = 40
_LINES = 4
_SHADES = 32  # of each colour, for smooth edges
# Bold sans serifs, by the names that Linux, macOS and Windows give them; a collection's font by its number.
_FONTS = (
    ("DejaVuSans-Bold.ttf", 0),
    ("NotoSans-Bold.ttf", 0),
    ("LiberationSans-Bold.ttf", 0),
    ("Arial Bold.ttf", 0),
    ("arialbd.ttf", 0),
    ("NotoSansArabic-Bold.ttf", 0),
    ("NotoSansDevanagari-Bold.ttf", 0),
    ("Nirmala.ttf", 0),
)
_EAST_ASIAN: Mapping[str, tuple[tuple[str, int], ...]] = {
    "zh": (("NotoSansCJK-Bold.ttc", 2), ("PingFang.ttc", 0), ("msyhbd.ttc", 0)),
    "ko": (("NotoSansCJK-Bold.ttc", 1), ("AppleSDGothicNeo.ttc", 0), ("malgunbd.ttf", 0)),
    "": (("NotoSansCJK-Bold.ttc", 0), ("ヒラギノ角ゴシック W6.ttc", 0), ("YuGothB.ttc", 0)),
}


@dataclass(frozen=True)
class Card:
    """What is to be drawn. `font` is the path of a font to try first, `title` may be empty."""

    title: str
    name: str
    language: str
    rtl: bool
    sheet: str
    ink: str
    accent: str
    font: str = ""


@dataclass(frozen=True)
class Drawn:
    """A PNG of WIDTH x HEIGHT, and whether all of its text could be written."""

    data: bytes
    whole: bool


@dataclass(frozen=True)
class _Part:
    """Some text of a card: from where down, in which sizes, and in how many lines at most."""

    text: str
    top: int
    sizes: tuple[int, ...]
    lines: int


@lru_cache(maxsize=256)
def draw(card: Card) -> Drawn | None:
    """The picture, or None where Pillow is not installed."""
    try:
        from PIL import Image, ImageChops, ImageDraw
    except ModuleNotFoundError:
        return None
    # Two sheets, each with how much of its colour is where: a picture of few colours is small and quick to write.
    ink, accent = (Image.new("L", (WIDTH, HEIGHT)) for _ in range(2))
    canvas = ImageDraw.Draw(accent)
    canvas.rectangle((WIDTH - 24, 0, WIDTH, HEIGHT) if card.rtl else (0, 0, 24, HEIGHT), fill=255)
    named = _write(canvas, card, _Part(_plain(card.name), _EDGE, (_NAME_SIZE,), 1))
    titled = _write(ImageDraw.Draw(ink), card, _Part(_plain(card.title), _EDGE + 2 * _NAME_SIZE, _SIZES, _LINES))
    strong = accent.point([_SHADES + level * (_SHADES - 1) // 255 if level else 0 for level in range(256)])
    image = ImageChops.lighter(strong, ink.point([level * (_SHADES - 1) // 255 for level in range(256)]))
    image.putpalette([*_shades(card.sheet, card.ink), *_shades(card.sheet, card.accent)])
    out = io.BytesIO()
    image.save(out, "PNG")
    return Drawn(out.getvalue(), named and titled)


def _shades(first: str, last: str) -> Iterator[int]:
    """Red, green and blue of the colours from `first` to `last`."""
    from PIL import ImageColor

    ends = ImageColor.getrgb(first)[:3], ImageColor.getrgb(last)[:3]
    for step in range(_SHADES):
        yield from (low + (high - low) * step // (_SHADES - 1) for low, high in zip(*ends, strict=True))


def _write(canvas: ImageDraw, card: Card, part: _Part) -> bool:
    """Write a part in the largest of its sizes in which it fits; whether some font has its letters."""
    size, lines = 0, list[str]()
    for size in part.sizes:
        font = _font_for(part.text, card, size)
        if font is None:
            return False
        lines = list(_wrap(part.text, font, WIDTH - 2 * _EDGE))
        if len(lines) <= part.lines:
            break
    if len(lines) > part.lines:
        lines = [*lines[: part.lines - 1], lines[part.lines - 1].rstrip(" .,;:") + "…"]
    across, anchor = (WIDTH - _EDGE, "ra") if card.rtl else (_EDGE, "la")
    for number, line in enumerate(lines):
        place = (across, part.top + round(number * size * 1.25))
        canvas.text(place, line, font=font, fill=255, anchor=anchor)
    return True


def _wrap(text: str, font: FreeTypeFont, width: int) -> Iterator[str]:
    """`text` in lines of at most `width` pixels, broken at spaces, or between any two letters where a word is longer
    than a line or its script has no spaces.
    """
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if font.getlength(longer) <= width:
            line = longer
            continue
        if line and font.getlength(word) <= width and not _is_east_asian(word):
            yield line
            line = word
            continue
        line += " " if line else ""
        for letter in word:
            if font.getlength(line + letter) > width:
                yield line.rstrip()
                line = ""
            line += letter
    if line:
        yield line


def _font_for(text: str, card: Card, size: int) -> FreeTypeFont | None:
    """The first font that is here and has all letters of `text`."""
    from PIL import ImageFont, features

    complex_script = any(_needs_shaping(letter) for letter in text)
    if complex_script and not features.check_feature("raqm"):
        return None
    engine = ImageFont.Layout.RAQM if complex_script else ImageFont.Layout.BASIC
    own = ((card.font, 0),) if card.font else ()
    language = card.language.partition("-")[0].lower()
    eastern = _EAST_ASIAN.get(language, _EAST_ASIAN[""])
    for name, index in (*own, *_FONTS, *eastern):
        try:
            font = ImageFont.truetype(name, size, index=index, layout_engine=engine)
        except OSError:
            continue
        if _has_all(font, text):
            return font
    embedded = ImageFont.load_default(size)
    return embedded if isinstance(embedded, ImageFont.FreeTypeFont) and _has_all(embedded, text) else None


def _has_all(font: FreeTypeFont, text: str) -> bool:
    """Whether a font has every letter of `text`: what it lacks looks like a character that does not exist."""
    absent = bytes(font.getmask("\U0010fffe"))
    return all(bytes(font.getmask(letter)) != absent for letter in set(text) - {" "})


def _plain(text: str) -> str:
    """`text` without the emoji and invisible characters that a title may have and a font lacks."""
    kept = (
        letter
        for letter in unicodedata.normalize("NFC", text)
        if unicodedata.category(letter) not in ("So", "Sk", "Cf", "Cc", "Mn", "Me") or _needs_shaping(letter)
    )
    return " ".join("".join(kept).split())


def _needs_shaping(letter: str) -> bool:
    """Whether letters of its script join, turn round or stack: Hebrew and Arabic, India, South-East Asia, Tibet."""
    return 0x0590 <= ord(letter) <= 0x109F or 0x1780 <= ord(letter) <= 0x17FF or 0xFB1D <= ord(letter) <= 0xFDFF


def _is_east_asian(word: str) -> bool:
    return any(unicodedata.east_asian_width(letter) in "WF" for letter in word)
