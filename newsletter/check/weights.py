"""What in an email costs how many bytes: its sections and its single blocks, with their lines in the issue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.check.inspection import Inspection

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_MOST = 0.6  # of an element's bytes: so much in one child means that the blocks stand in there
_WHOLE = frozenset("p pre ul ol dl blockquote figure h1 h2 h3 h4 h5 h6".split())
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_WORDS = {
    "ul": "a list", "ol": "a list", "dl": "a list", "pre": "code", "table": "a table", "figure": "a diagram",
    "blockquote": "a quote", "p": "a paragraph", "aside": "explained words", "img": "a picture",
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A part of an email, what it is called, its bytes, and its line in the issue's file where that was found."""

    name: str
    size: int
    line: int | None = None

    def __str__(self) -> str:
        place = f", line {self.line}" if self.line else ""
        return f"{self.name} ({self.size / 1024:.0f} KB{place})"


def costliest(inspection: Inspection, count: int = 3) -> list[Part]:
    """The parts that cost most, the costliest first: blocks of a tenth of the whole, and sections without these."""
    blocks = list(_body(inspection.tree))
    whole = sum(size for _, size in blocks) or 1
    parts, heading, section = [], "", 0
    for block, size in blocks:
        if block.tag in _HEADINGS:
            parts.append(_section(inspection, heading, section))
            heading, section = _text(block), size
        elif size >= whole / 10:
            parts.append(Part(_name(block), size, inspection.locate(_text(block))[0]))
        else:
            section += size
    parts.append(_section(inspection, heading, section))
    return sorted((part for part in parts if part.size >= whole / 20), key=lambda part: -part.size)[:count]


def _section(inspection: Inspection, heading: str, size: int) -> Part:
    short = heading if len(heading) <= 40 else heading[:40].rsplit(" ", 1)[0] + " …"
    line = inspection.locate(heading)[0] if heading else None
    return Part(f"“{short}”" if heading else "the beginning", size, line)


def _body(root: HtmlElement) -> Iterator[tuple[HtmlElement, int]]:
    """The blocks of an email with their bytes: what stands in the innermost element that holds most of it."""
    element = root
    while True:
        sizes = [(child, _size(child)) for child in element if isinstance(child.tag, str)]
        whole = sum(size for _, size in sizes)
        inner = next((child for child, size in sizes if size > _MOST * whole), None)
        if inner is None or _is_block(inner):
            yield from sizes
            return
        element = inner


def _is_block(element: HtmlElement) -> bool:
    """Whether an element is one block of an issue, or a box around one, rather than layout."""
    if element.tag in _WHOLE or (element.tag == "table" and element.get("role") != "presentation"):
        return True
    return element.tag == "div" and len(element) == 1 and _is_block(element[0])


def _size(element: HtmlElement) -> int:
    from lxml import etree  # noqa: PLC0415

    return len(etree.tostring(element, encoding="utf-8", method="html", with_tail=False))


def _name(block: HtmlElement) -> str:
    inner = next((tag for tag in ("table", "figure", "pre", "ul", "ol") if block.find(f".//{tag}") is not None), "")
    return _WORDS.get(str(block.tag)) or _WORDS.get(inner, "HTML")


def _text(element: HtmlElement) -> str:
    return " ".join(" ".join(str(element.text_content()).split())[:200].split())
