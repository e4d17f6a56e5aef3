"""Box-drawing diagrams: found among the code blocks, and set so that their columns stay in line.

A monospace font rarely holds every sign of a diagram. Signs that a font is likely to borrow from another one (emoji,
ideographs, arrows) have that font's width, and everything after them shifts. So each run of such signs stands in a span
whose width is counted in columns of the monospace font (CSS `ch`).
"""

from __future__ import annotations

import re
from html import escape

from lxml import html
from wcwidth import wcswidth

_BOXES = re.compile(r"[\u2500-\u259f]")
# Latin, Greek, Cyrillic and the box and block elements are in every monospace font that we name.
_BORROWED = re.compile(r"[^\x00-\u052f\u2010-\u2026\u2500-\u259f]+")
_NAMES = {"diagram", "box", "ascii-art"}
_LABEL_LENGTH = 160


def columns(text: str) -> int:
    """How many columns of a terminal `text` takes (Unicode Standard Annex 11, with emoji sequences as one sign)."""
    if text.isascii():
        return len(text)
    width = wcswidth(text)
    return width if width >= 0 else len(text)


def is_diagram(code: str, language: str = "") -> bool:
    """Whether a code block is a drawing: it says so, or has lines of boxes in it."""
    if language in _NAMES:
        return True
    return not language and len(_BOXES.findall(code)) >= 4 and code.strip().count("\n") >= 1


def make_figure(pre: html.HtmlElement, code: str, label: str = "") -> int:
    """Turn the `<pre>` of a diagram into a `<figure class="diagram">`; returns the diagram's width in columns.

    `label` is what a screen reader says in its place; without it, the words in the diagram are said.
    """
    lines = [line.rstrip() for line in code.expandtabs(4).strip("\n").split("\n")]
    width = max(map(columns, lines))
    drawn = "\n".join(_BORROWED.sub(_cell, escape(line, quote=False)) for line in lines)
    said = label or _words(code)
    figure = html.fragment_fromstring(
        f'<figure class="diagram" dir="ltr" role="img" aria-label="{escape(said)}"><pre>\n{drawn}</pre></figure>'
    )
    figure.set("data-columns", str(width))
    figure.tail = pre.tail
    pre.getparent().replace(pre, figure)
    return width


def _cell(match: re.Match[str]) -> str:
    return f'<span class="c{columns(match[0])}">{match[0]}</span>'


def _words(code: str) -> str:
    words = re.findall(r"[^\W_][\w'’&$%.,:+-]*", code)
    text = " ".join(words)
    return text if len(text) <= _LABEL_LENGTH else text[:_LABEL_LENGTH].rsplit(" ", 1)[0] + " …"
