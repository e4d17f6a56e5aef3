"""Colours of CSS, and how far two of them stand out from each other (WCAG 2.2)."""

from __future__ import annotations

import re

Colour = tuple[int, int, int]
_HEX = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
_RGB = re.compile(r"rgb\(\s*(\d{1,3})\s*[, ]\s*(\d{1,3})\s*[, ]\s*(\d{1,3})\s*\)", re.IGNORECASE)
# CSS Color Module Level 4, section 6.1: those that people type.
_NAMED = {
    "black": "000000", "white": "ffffff", "red": "ff0000", "green": "008000", "blue": "0000ff", "yellow": "ffff00",
    "gray": "808080", "grey": "808080", "silver": "c0c0c0", "lightgray": "d3d3d3", "lightgrey": "d3d3d3",
    "darkgray": "a9a9a9", "darkgrey": "a9a9a9", "orange": "ffa500", "purple": "800080", "navy": "000080",
    "maroon": "800000", "teal": "008080", "olive": "808000", "lime": "00ff00", "aqua": "00ffff", "cyan": "00ffff",
    "fuchsia": "ff00ff", "magenta": "ff00ff", "pink": "ffc0cb", "gold": "ffd700", "whitesmoke": "f5f5f5",
}  # fmt: skip


def parse(value: str) -> Colour | None:
    """The first colour in a CSS value, None where there is none that is the same everywhere (`rgba`, `inherit`)."""
    for word in re.findall(r"#[0-9a-fA-F]+|rgb\([^)]*\)|[a-zA-Z]+", value):
        if (found := _HEX.fullmatch(word)) or (
            word.lower() in _NAMED and (found := _HEX.fullmatch("#" + _NAMED[word.lower()]))
        ):
            digits = found[1] if len(found[1]) == 6 else "".join(2 * digit for digit in found[1])
            return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
        if found := _RGB.fullmatch(word):
            red, green, blue = (min(255, int(part)) for part in found.groups())
            return red, green, blue
    return None


def contrast(one: Colour, other: Colour) -> float:
    """The contrast ratio, from 1 to 21 (WCAG 2.2, definition of contrast ratio)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Colour) -> float:
    parts = [part / 255 for part in colour]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
