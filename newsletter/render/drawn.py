"""`diagram: image`: an issue's diagrams as pictures, which look the same in every mail program."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from lxml import html

from newsletter.content.drawing import DENSITY, RULE, Look, NoGlyphError, draw
from newsletter.content.issue import Issue
from newsletter.content.pictures import Picture
from newsletter.finding import Finding, Severity
from newsletter.render.placing import FOLDER

_TEXT_ALL_THE_SAME = "it stays text, which mail programs set in fonts of their own; use signs that the font has"


@dataclass(frozen=True)
class Drawn:
    """The pictures that were drawn, and which diagrams stay text, and why."""

    pictures: tuple[Picture, ...] = ()
    findings: tuple[Finding, ...] = ()


def draw_diagrams(
    root: html.HtmlElement, look: Look, issue: Issue, page: str, *, column: int, typed: Callable[[str], str] = str
) -> Drawn:
    """Replace the text of each diagram below `root` by a picture with its address on the web, in place.

    What a screen reader was told of the diagram is the picture's description. A diagram with a sign that the font has
    not stays as it is. `column` is the text's width in px: nothing is shown wider. `typed` turns a text of the tree
    into what its author typed.
    """
    pictures, findings, position = dict[str, Picture](), [], 0
    for figure in root.find_class("diagram"):
        pre = figure.find("pre")
        if figure.tag != "figure" or pre is None:
            continue
        text = typed(str(pre.text_content())).strip("\n")
        position = max(position, issue.body.find(text.strip().split("\n")[0], position) + 1)
        try:
            data, header = draw(text, look)
        except (NoGlyphError, ValueError) as error:
            findings.append(_finding(issue, position, error))
            continue
        name = f"diagram-{hashlib.sha256(data).hexdigest()[:10]}.png"
        width = min(column, header.width // DENSITY)
        height = max(1, round(header.height * width / header.width))
        pictures[name] = Picture(name, name, header.kind, width, height, data)
        figure.remove(pre)
        image = html.Element("img", {"src": f"{page}{FOLDER}/{name}", "alt": figure.attrib.pop("aria-label", "")})
        image.attrib.update({"width": str(width), "height": str(height)})
        figure.append(image)
        for key in ("role", "data-columns"):
            figure.attrib.pop(key, None)
    return Drawn(tuple(pictures.values()), tuple(findings))


def _named(chars: tuple[str, ...]) -> str:
    """`😀 (GRINNING FACE), ل (ARABIC LETTER LAM) and 3 more`."""
    shown = [f"{char} ({unicodedata.name(char[0], f'U+{ord(char[0]):04X}')})" for char in chars[:3]]
    return ", ".join(shown) + (f" and {len(chars) - 3} more" if len(chars) > 3 else "")


def _finding(issue: Issue, position: int, error: Exception) -> Finding:
    """What is wrong with the diagram that is at, or after, this place of the body."""
    reason = f"the font has no glyph for {_named(error.chars)}" if isinstance(error, NoGlyphError) else str(error)
    message = f"a diagram is not drawn as a picture: {reason}"
    line = issue.body_line + issue.body.count("\n", 0, position)
    return Finding(RULE, Severity.WARNING, message, issue.file, line, None, _TEXT_ALL_THE_SAME)
