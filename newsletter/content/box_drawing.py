"""The signs U+2500 to U+259F as lines and rectangles of a cell, so that they join whatever the font.

What a sign looks like is in its Unicode name: `BOX DRAWINGS VERTICAL SINGLE AND RIGHT DOUBLE` has four arms that meet
in the middle, up and down light, to the right double (The Unicode Standard, code charts "Box Drawing" and "Block
Elements").
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

INK = 255  # of a mask: 0 is paper
_LINE = 2  # pixels of a light line; a heavy one has twice as many, a double one two of them and a gap
_THICK = MappingProxyType({"": 0, "light": _LINE, "heavy": 2 * _LINE, "double": 3 * _LINE})
_WEIGHTS = MappingProxyType({"LIGHT": "light", "SINGLE": "light", "HEAVY": "heavy", "DOUBLE": "double"})
_SIDES = MappingProxyType({
    "LEFT": ("left",), "RIGHT": ("right",), "UP": ("up",), "DOWN": ("down",),
    "HORIZONTAL": ("left", "right"), "VERTICAL": ("up", "down"),
})  # fmt: skip
_DASHES = MappingProxyType({"DOUBLE": 2, "TRIPLE": 3, "QUADRUPLE": 4})
_QUADRANTS = MappingProxyType(
    {"UPPER LEFT": (0, 0), "UPPER RIGHT": (1, 0), "LOWER LEFT": (0, 1), "LOWER RIGHT": (1, 1)}
)
_EIGHTHS = MappingProxyType({
    "ONE EIGHTH": 1, "ONE QUARTER": 2, "THREE EIGHTHS": 3, "HALF": 4, "FIVE EIGHTHS": 5, "THREE QUARTERS": 6,
    "SEVEN EIGHTHS": 7,
})  # fmt: skip
_SHADES = MappingProxyType({"LIGHT SHADE": 64, "MEDIUM SHADE": 128, "DARK SHADE": 191})
_SMOOTH = 4  # arcs and diagonals are drawn so many times larger and made small again


class Cell(NamedTuple):
    """Where a sign is drawn: its corner and size in pixels."""

    x: int
    y: int
    width: int
    height: int


class _Sign(NamedTuple):
    """The weights of the four arms, the number of dashes, and whether the arms meet in an arc."""

    left: str = ""
    right: str = ""
    up: str = ""
    down: str = ""
    dashes: int = 0
    arc: bool = False


def is_box(char: str) -> bool:
    """Whether `char` is one that `draw_box` draws."""
    return "\u2500" <= char <= "\u259f"


def draw_box(mask: Image.Image, char: str, cell: Cell) -> None:
    """Draw a box-drawing sign or block element over `cell` of a mask (mode `L`)."""
    from PIL import ImageDraw  # noqa: PLC0415 - an extra

    draw = ImageDraw.Draw(mask)
    name = unicodedata.name(char)
    if char >= "\u2580":
        _block(draw, name, cell)
    elif "DIAGONAL" in name:
        _smooth(mask, cell, _diagonals(name, cell))
    else:
        sign = _read(name)
        if sign.arc:
            _arc(mask, draw, sign, cell)
        else:
            _arms(draw, sign, cell)


@lru_cache(maxsize=128)
def _read(name: str) -> _Sign:
    """The sign that has this Unicode name."""
    words = name.removeprefix("BOX DRAWINGS ")
    dashed = re.search(r"(\w+) DASH ", words)
    words = words.replace(dashed[0], "") if dashed else words
    weight, arms = "light", dict[str, str]()
    for clause in words.split(" AND "):
        weight = next((_WEIGHTS[word] for word in clause.split() if word in _WEIGHTS), weight)
        for word in clause.split():
            arms |= dict.fromkeys(_SIDES.get(word, ()), weight)
    return _Sign(**arms, dashes=_DASHES[dashed[1]] if dashed else 0, arc=" ARC " in name)


def _arms(draw: ImageDraw.ImageDraw, sign: _Sign, cell: Cell) -> None:
    """Double arms as thick ones whose inner third is taken out again, then the others over them."""
    for weight, thick, ink in (("double", 3 * _LINE, INK), ("double", _LINE, 0)):
        for side in ("left", "right", "up", "down"):
            if getattr(sign, side) == weight:
                _rectangle(draw, _arm(sign, side, cell, thick, inner=not ink), ink)
    for side in ("left", "right", "up", "down"):
        if getattr(sign, side) in ("light", "heavy"):
            _rectangle(draw, _arm(sign, side, cell, _THICK[getattr(sign, side)]), INK)
    if sign.dashes:
        _cut(draw, sign, cell)


def _arm(sign: _Sign, side: str, cell: Cell, thick: int, *, inner: bool = False) -> tuple[int, int, int, int]:
    """The rectangle of an arm: from its side of the cell to where it meets the arms across."""
    across = (sign.up, sign.down) if side in ("left", "right") else (sign.left, sign.right)
    opposite = getattr(sign, {"left": "right", "right": "left", "up": "down", "down": "up"}[side])
    reach = max(_THICK[weight] for weight in across) // 2
    if inner:
        reach = _LINE // 2 if "double" in across else 0
    elif across == ("double", "double") and not opposite and getattr(sign, side) != "double":
        reach = -_LINE // 2  # a wall of two lines: up to the nearer one
    middle_x, middle_y = cell.x + cell.width // 2, cell.y + cell.height // 2
    low_x, low_y = middle_x - thick // 2, middle_y - thick // 2
    return {
        "left": (cell.x, low_y, middle_x + reach, low_y + thick),
        "right": (middle_x - reach, low_y, cell.x + cell.width, low_y + thick),
        "up": (low_x, cell.y, low_x + thick, middle_y + reach),
        "down": (low_x, middle_y - reach, low_x + thick, cell.y + cell.height),
    }[side]


def _cut(draw: ImageDraw.ImageDraw, sign: _Sign, cell: Cell) -> None:
    """Make dashes of a line that goes through the cell."""
    length = cell.width if sign.left else cell.height
    for number in range(sign.dashes):
        end = (number + 1) * length // sign.dashes
        gap = (end - max(2, length // sign.dashes // 3), end)
        if sign.left:
            _rectangle(draw, (cell.x + gap[0], cell.y, cell.x + gap[1], cell.y + cell.height), 0)
        else:
            _rectangle(draw, (cell.x, cell.y + gap[0], cell.x + cell.width, cell.y + gap[1]), 0)


def _arc(mask: Image.Image, draw: ImageDraw.ImageDraw, sign: _Sign, cell: Cell) -> None:
    """A quarter of a circle in the middle, and straight lines from its ends to the sides of the cell."""
    middle_x, middle_y = cell.width / 2, cell.height / 2
    radius = min(middle_x, middle_y) - _LINE
    x = middle_x + (radius if sign.right else -radius)
    y = middle_y + (radius if sign.down else -radius)
    start = {(True, True): 180, (True, False): 90, (False, True): 270, (False, False): 0}[
        (bool(sign.right), bool(sign.down))
    ]
    box = tuple(_SMOOTH * (value + edge) for value, edge in (
        (x - radius, -_LINE / 2), (y - radius, -_LINE / 2), (x + radius, _LINE / 2), (y + radius, _LINE / 2)
    ))  # fmt: skip
    _smooth(mask, cell, ("arc", box, start))
    low_x, low_y = cell.x + cell.width // 2 - _LINE // 2, cell.y + cell.height // 2 - _LINE // 2
    far_x, far_y = cell.x + round(x), cell.y + round(y)
    if sign.down:
        _rectangle(draw, (low_x, far_y, low_x + _LINE, cell.y + cell.height), INK)
    else:
        _rectangle(draw, (low_x, cell.y, low_x + _LINE, far_y), INK)
    if sign.right:
        _rectangle(draw, (far_x, low_y, cell.x + cell.width, low_y + _LINE), INK)
    else:
        _rectangle(draw, (cell.x, low_y, far_x, low_y + _LINE), INK)


_Shape = tuple[Literal["arc", "lines"], tuple[float, ...], int]


def _diagonals(name: str, cell: Cell) -> _Shape:
    """`/`, `\\` or both, from corner to corner."""
    right, low = _SMOOTH * cell.width, _SMOOTH * cell.height
    rising, falling = (right, 0, 0, low), (0, 0, right, low)
    lines = rising + falling if "CROSS" in name else rising if "UPPER RIGHT" in name else falling
    return "lines", tuple(map(float, lines)), 0


def _smooth(mask: Image.Image, cell: Cell, shape: _Shape) -> None:
    from PIL import Image, ImageChops, ImageDraw  # noqa: PLC0415 - an extra

    large = Image.new("L", (_SMOOTH * cell.width, _SMOOTH * cell.height), 0)
    draw = ImageDraw.Draw(large)
    kind, numbers, start = shape
    if kind == "arc":
        draw.arc(numbers[:4], start, start + 90, fill=INK, width=_SMOOTH * _LINE)
    for at in range(0, len(numbers) if kind == "lines" else 0, 4):
        draw.line(numbers[at : at + 4], fill=INK, width=_SMOOTH * _LINE)
    small = large.resize((cell.width, cell.height), Image.Resampling.BOX)
    place = (cell.x, cell.y, cell.x + cell.width, cell.y + cell.height)
    mask.paste(ImageChops.lighter(mask.crop(place), small), place)


def _block(draw: ImageDraw.ImageDraw, name: str, cell: Cell) -> None:
    if name in _SHADES:
        _part(draw, cell, (0, 0, 8, 8), _SHADES[name])
    elif name.startswith("QUADRANT"):
        for corner, (x, y) in _QUADRANTS.items():
            if corner in name.removeprefix("QUADRANT ").split(" AND "):
                _part(draw, cell, (4 * x, 4 * y, 4 * x + 4, 4 * y + 4))
    else:
        side, _, size = name.removesuffix(" BLOCK").partition(" ")
        part = _EIGHTHS.get(size, 8)
        box = {
            "LOWER": (0, 8 - part, 8, 8),
            "UPPER": (0, 0, 8, part),
            "LEFT": (0, 0, part, 8),
            "RIGHT": (8 - part, 0, 8, 8),
        }
        _part(draw, cell, box.get(side, (0, 0, 8, 8)))


def _part(draw: ImageDraw.ImageDraw, cell: Cell, eighths: tuple[int, int, int, int], ink: int = INK) -> None:
    left, top, right, bottom = eighths
    _rectangle(draw, (
        cell.x + left * cell.width // 8, cell.y + top * cell.height // 8,
        cell.x + right * cell.width // 8, cell.y + bottom * cell.height // 8,
    ), ink)  # fmt: skip


def _rectangle(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], ink: int) -> None:
    """From (left, top) up to, but without, (right, bottom)."""
    if box[2] > box[0] and box[3] > box[1]:
        draw.rectangle((box[0], box[1], box[2] - 1, box[3] - 1), fill=ink)
