"""What python-markdown leaves undone, done on the tree: links, headings, task lists, pictures, tables."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from lxml import html

from newsletter.content.markdown.inline import BARE_URL, balanced

_BARE = re.compile(
    rf"(?P<url>{BARE_URL})|(?<![a-z0-9_.+-])(?P<mail>[a-z0-9_.+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+)(?![\w@-])", re.I
)
_NO_LINKS_IN = frozenset("a code pre script style kbd samp".split())
_TASK = re.compile(r"\[([ xX])\]\s+")
_NUMBER = re.compile(r"(\d{1,3}[.)])\s+(?=\S)")
_INLINE = frozenset(
    "a abbr acronym b bdi bdo big br cite code data del dfn em font i img ins kbd mark q ruby s samp small span strike "
    "strong sub sup time tt u var wbr".split()
)
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


def texts(root: html.HtmlElement, outside: frozenset[str]) -> Iterator[tuple[html.HtmlElement, bool, str]]:
    """(element, whether it is the text behind it, text) for each text that is in no element of `outside`."""
    stack: list[tuple[html.HtmlElement, bool]] = [(root, False)]
    while stack:
        element, tail = stack.pop()
        if tail:
            if element.tail:
                yield element, True, element.tail
            continue
        if element is not root:
            stack.append((element, True))
        if isinstance(element.tag, str) and element.tag not in outside:
            if element.text:
                yield element, False, element.text
            stack.extend((child, False) for child in reversed(element))


def gather_loose(root: html.HtmlElement) -> None:
    """Put text and inline elements that stand between the blocks, left by taken out HTML, into paragraphs."""
    paragraph = None
    if (root.text or "").strip():
        paragraph = html.Element("p")
        paragraph.text, root.text = root.text, "\n"
        root.insert(0, paragraph)
    for element in list(root):
        if element is paragraph:
            continue
        if element.tag in _INLINE:
            if paragraph is None:
                paragraph = html.Element("p")
                element.addprevious(paragraph)
            paragraph.append(element)  # and the text behind it
        elif (element.tail or "").strip():
            paragraph = html.Element("p")
            paragraph.text, element.tail = element.tail, "\n"
            element.addnext(paragraph)
        else:
            paragraph = None


def drop_empty(root: html.HtmlElement) -> None:
    """Take out the paragraphs that hold nothing: what is left of taken out HTML, and of blocks inside a paragraph."""
    for paragraph in list(root.iter("p")):
        if not len(paragraph) and not (paragraph.text or "").strip() and not paragraph.get("id"):
            paragraph.drop_tree()


def link_addresses(root: html.HtmlElement) -> None:
    """Make links of bare web and mail addresses."""
    for element, tail, text in list(texts(root, _NO_LINKS_IN)):
        if "://" not in text and "www." not in text and "@" not in text:
            continue
        pieces, position = [], 0
        for match in _BARE.finditer(text):
            typed = balanced(match[0]) if match["url"] else match[0]
            target = typed if "://" in typed else ("mailto:" if match["mail"] else "https://") + typed
            link = html.Element("a", {"href": target})
            link.text = typed
            pieces.append((text[position : match.start()], link))
            position = match.start() + len(typed)
        if pieces:
            _splice(element, tail, pieces, text[position:])


def _splice(element: html.HtmlElement, tail: bool, pieces: list[tuple[str, html.HtmlElement]], rest: str) -> None:
    """Put `pieces`, each an element with the text before it, in the place of a text of the tree."""
    for index, (_, piece) in enumerate(pieces):
        piece.tail = pieces[index + 1][0] if index + 1 < len(pieces) else rest
    if tail:
        element.tail = pieces[0][0]
        parent = element.getparent()
        at = parent.index(element) + 1
    else:
        element.text = pieces[0][0]
        parent, at = element, 0
    parent[at:at] = [piece for _, piece in pieces]


def settle_headings(root: html.HtmlElement) -> None:
    """Headings below the issue's title: no second `h1`, an `id` for each, a number that was typed set apart."""
    headings = list(root.iter(*_HEADINGS))
    demote = any(element.tag == "h1" for element in headings)
    taken = {str(element.get("id")): 1 for element in root.iter() if element.get("id")}
    for element in headings:
        if demote:
            element.tag = f"h{min(6, int(element.tag[1]) + 1)}"
        if not element.get("id"):
            element.set("id", _unused(_anchor(str(element.text_content())), taken))
        if number := _NUMBER.match(element.text or ""):
            span = html.Element("span", {"class": "number"})
            span.text, span.tail = number[1], " " + (element.text or "")[number.end() :]
            element.text = ""
            element.insert(0, span)


def _unused(base: str, taken: dict[str, int]) -> str:
    """`base`, or `base-2`, `base-3`, …; `taken` counts how often each name was wanted."""
    name = base
    while name in taken:
        taken[base] = taken.get(base, 1) + 1
        name = f"{base}-{taken[base]}"
    taken[name] = 1
    return name


def _anchor(text: str) -> str:
    kept = (char if char.isalnum() or unicodedata.category(char)[0] == "M" else " " for char in text.lower())
    return "-".join("".join(kept).split())[:60] or "section"


def tick_tasks(root: html.HtmlElement) -> None:
    """`- [x] done` and `- [ ] to do` as ticked and empty boxes (GFM 5.3)."""
    for item in root.iter("li"):
        first = item[0] if not (item.text or "").strip() and len(item) and item[0].tag == "p" else item
        if task := _TASK.match((first.text or "").lstrip()):
            done = task[1] != " "
            first.text = ("☑ " if done else "☐ ") + (first.text or "").lstrip()[task.end() :]
            item.set("class", "task")


def settle_pictures(root: html.HtmlElement) -> None:
    """A paragraph that is one picture (or a linked one) is marked, so that a theme can give it the full width."""
    for image in root.iter("img"):
        if image.get("alt") is None:
            image.set("alt", "")
        outer = image.getparent() if image.getparent().tag == "a" else image
        paragraph = outer.getparent()
        alone = paragraph.tag == "p" and len(paragraph) == 1 and not (paragraph.text or outer.tail or "").strip()
        if alone:
            paragraph.set("class", "picture")


def settle_tables(root: html.HtmlElement) -> None:
    """Each data table in a box of its own that can scroll where a screen is narrow; without a body that has no words.

    python-markdown makes an empty row for a table that is but its head.
    """
    for table in list(root.iter("table")):
        body = table.find("tbody")
        if body is not None and not str(body.text_content()).strip() and body.find(".//img") is None:
            body.drop_tree()
        if table.get("role") == "presentation" or table.getparent().tag == "td":
            continue
        box = html.Element("div", {"class": "table"})
        box.tail, table.tail = table.tail, None
        table.getparent().replace(table, box)
        box.append(table)
