"""Rules for readers who listen to the email, or see little of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from newsletter.check.colours import Colour, contrast, parse
from newsletter.check.inspection import Inspection
from newsletter.check.rule import Hit, rule
from newsletter.finding import Severity

if TYPE_CHECKING:
    from lxml.html import HtmlElement

GROUP = "accessibility"
_LARGE_CONTRAST = 3.0
_EMOJI = "[\u2600-\u27bf\u2b50\u2b55\U0001f300-\U0001faff]"
_DRESSED = rf"{_EMOJI}[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]*"
_EMOJI_RUN = re.compile(rf"(?<!\u200d)(?:{_DRESSED}(?:\u200d{_DRESSED}){{0,9}}[ ]?){{4,}}")
_HIDDEN = re.compile(
    r"(?:^|;)(?:display:none|visibility:hidden|font-size:[01](?:px)?(?:;|$)|max-height:0|opacity:0(?:;|$))"
)
_TABLE = re.compile(r"<table\b", re.IGNORECASE)


@rule(
    "heading-empty", GROUP, Severity.WARNING, "A heading without text",
    why="Screen readers announce a heading and then say nothing.",
    source="WCAG 2.2, success criteria 1.3.1 (A) and 2.4.6 (AA)",
    fix="write the heading, or take its marks away",
)  # fmt: skip
def heading_empty(inspection: Inspection) -> Iterator[Hit]:
    empty = [each for each in inspection.tree.iter("h1", "h2", "h3", "h4", "h5", "h6") if _says_nothing(each)]
    lines = inspection.prose.text.split("\n")
    typed = [
        number
        for number, line in enumerate(lines)
        if re.fullmatch(r" {0,3}#{1,6}[ \t#]*|.*<h[1-6][^<>]*>\s*</h[1-6]>.*", line)
    ]
    for number, _ in enumerate(empty):
        line = inspection.issue.body_line + typed[number] if number < len(typed) else None
        yield Hit("this heading has no text", line, 1 if line else None)


@rule(
    "table-header-missing", GROUP, Severity.INFO, "A table without a header",
    why="Who listens to a table hears numbers and not what they count.",
    source="WCAG 2.2, success criterion 1.3.1 (A), technique H51",
    fix='name the columns; for mere layout write <table role="presentation">',
)  # fmt: skip
def table_header_missing(inspection: Inspection) -> Iterator[Hit]:
    typed = [match.start() for match in _TABLE.finditer(inspection.prose.text)]
    for table in inspection.tree.iter("table"):
        if table.get("role") in ("presentation", "none"):
            continue
        named = any((cell.text_content() or "").strip() for cell in table.iter("th"))
        if not named and len(list(table.iter("tr"))) > 1:
            first = next(
                (str(each.text_content()) for each in table.iter("td") if str(each.text_content()).strip()), ""
            )
            place = inspection.locate(first)
            yield Hit("this table has no header", *(place if place[0] or not typed else inspection.at(typed[0])))


@rule(
    "contrast-low", GROUP, Severity.WARNING, "Text that stands out too little from what is behind it",
    why="Many readers cannot read it, and nobody can in the sun.",
    source="WCAG 2.2, success criterion 1.4.3 (AA): 4.5 to 1, and 3 to 1 for large text",
    fix="make the text darker, or what is behind it lighter", limit=4.5,
)  # fmt: skip
def contrast_low(inspection: Inspection, limit: float) -> Iterator[Hit]:
    seen: set[tuple[Colour, Colour]] = set()
    body = inspection.tree.find("body")
    for text, look in _looks(body, _Look()) if body is not None else ():
        ratio = contrast(look.ink, look.paper)
        wanted = min(limit, _LARGE_CONTRAST) if look.large else limit
        if ratio < wanted and (look.ink, look.paper) not in seen:
            seen.add((look.ink, look.paper))
            shown = f"#{bytes(look.ink).hex()} on #{bytes(look.paper).hex()}"
            message = f'"{" ".join(text.split())[:40]}" is {shown}: {ratio:.1f} to 1, less than {wanted:g}'
            yield Hit(message, *inspection.locate(text))


@rule(
    "emoji-run", GROUP, Severity.INFO, "A row of emoji",
    why="A screen reader reads out the name of each: “party popper party popper party popper”.",
    source="our own: four and more in a row",
    fix="one is enough",
)  # fmt: skip
def emoji_run(inspection: Inspection) -> Iterator[Hit]:
    for match in _EMOJI_RUN.finditer(inspection.words):
        yield Hit(f'"{match[0].strip()[:12]}" is read out one by one', *inspection.at(match.start()))


@rule(
    "html-language", GROUP, Severity.WARNING, "The email does not say its language",
    why="Screen readers would read it in the reader's own language, whatever it is.",
    source="WCAG 2.2, success criterion 3.1.1 (A)",
    fix='the theme: <html lang="{{ language }}">',
)  # fmt: skip
def html_language(inspection: Inspection) -> Iterator[Hit]:
    if not any((each.get("lang") or "").strip() for each in inspection.tree.iter("html", "body", "div", "table")):
        yield Hit("nothing in the HTML has a lang")


@dataclass(frozen=True)
class _Look:
    """How text looks where one stands in the tree."""

    ink: Colour = (0, 0, 0)
    paper: Colour = (255, 255, 255)
    size: float = 16.0
    bold: bool = False

    @property
    def large(self) -> bool:
        """18 point, or bold and 14 (WCAG 2.2, definition of large scale); a CSS pixel is 0.75 points."""
        return self.size >= 24 or (self.bold and self.size >= 18.66)


def _looks(element: HtmlElement, look: _Look) -> Iterator[tuple[str, _Look]]:
    """Each visible text below `element`, with how it looks by inline styles."""
    stack = [(element, look)]
    while stack:
        here, before = stack.pop()
        if not isinstance(here.tag, str) or here.tag in ("style", "script", "title", "head"):
            continue
        style = here.get("style") or ""
        if style and _HIDDEN.search(style.replace(" ", "").lower()):
            continue
        mine = _look(here, style, before)
        if here.text and here.text.strip():
            yield here.text, mine
        for child in reversed(here):
            if child.tail and child.tail.strip():
                yield child.tail, mine
            stack.append((child, mine))


def _look(element: HtmlElement, style: str, look: _Look) -> _Look:
    if not style and not element.get("bgcolor") and element.tag not in ("b", "strong", "h1", "h2", "h3", "h4", "th"):
        return look
    rules = dict(part.split(":", 1) for part in style.lower().split(";") if ":" in part)
    rules = {name.strip(): value for name, value in rules.items()}
    paper = parse(rules.get("background-color") or rules.get("background") or element.get("bgcolor") or "")
    ink = parse(rules.get("color", ""))
    weight = rules.get("font-weight", "").strip()
    bold = (
        weight in ("bold", "bolder", "600", "700", "800", "900")
        if weight
        else look.bold or element.tag in ("b", "strong", "h1", "h2", "h3", "h4", "th")
    )
    size = re.match(r"\s*([\d.]+)px", rules.get("font-size", ""))
    return replace(
        look, ink=ink or look.ink, paper=paper or look.paper, bold=bold, size=float(size[1]) if size else look.size
    )


def _says_nothing(element: HtmlElement) -> bool:
    return not str(element.text_content()).strip() and not any(image.get("alt") for image in element.iter("img"))


RULES = (heading_empty, table_header_missing, contrast_low, emoji_run, html_language)
