"""What an edition is made of, for the side of the page: bytes, links, outline, images, reading order. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from lxml import html

from newsletter.check.known import Outcome
from newsletter.check.size import CLIPPED, NEAR
from newsletter.render.measuring import bare
from newsletter.render.site import Site

_BLOCKS = ("h1", "h2", "h3", "h4", "h5", "h6", "p", "li", "pre", "blockquote", "img", "th", "td", "dt", "dd")
_SHOWN = 400  # entries of a list; nobody reads more, and a browser has to draw them
_ENTRY = 120  # characters of an entry


@dataclass(frozen=True)
class Part:
    """A share of the email's bytes."""

    name: str
    bytes: int


def parse(page: str) -> html.HtmlElement:
    """The page as a tree; never fails, whatever the theme made."""
    parser = html.HTMLParser(encoding="utf-8", huge_tree=True)
    return html.document_fromstring((bare(page) or "<html></html>").encode(), parser=parser)


def size_of(page: str, tree: html.HtmlElement) -> dict[str, Any]:
    """The bytes of the HTML, against the limit at which Gmail clips, and what they are spent on."""
    whole = len(page.encode())
    styles = sum(len(str(value).encode()) + 9 for value in tree.xpath("//@style"))
    head = sum(len((style.text or "").encode()) for style in tree.iter("style"))
    addresses = sum(len(str(value).encode()) for value in tree.xpath("//@href | //@src"))
    words = sum(len(str(text).encode()) for text in tree.xpath("//body//text()"))
    parts = [
        Part("inline styles", styles),
        Part("text", words),
        Part("addresses", addresses),
        Part("style sheet", head),
    ]
    rest = max(0, whole - sum(part.bytes for part in parts))
    parts.append(Part("markup", rest))
    return {
        "bytes": whole,
        "near": NEAR,
        "limit": CLIPPED,
        "parts": [vars(part) for part in sorted(parts, key=lambda part: -part.bytes) if part.bytes],
        "costly": [vars(part) for part in _costly(tree)],
    }


def _costly(tree: html.HtmlElement) -> list[Part]:
    """The three sections that weigh most: from a heading of level 2 to the next."""
    sections: dict[str, int] = {}
    for heading in tree.iter("h2"):
        title, weight = _said(heading), _weight(heading)
        following = heading.getnext()
        while following is not None and following.tag != "h2":
            weight += _weight(following)
            following = following.getnext()
        sections[title] = sections.get(title, 0) + weight
    return [Part(title, weight) for title, weight in sorted(sections.items(), key=lambda item: -item[1])[:3] if title]


def _weight(element: html.HtmlElement) -> int:
    return len(html.tostring(element, encoding="utf-8")) if isinstance(element.tag, str) else 0


def links_of(
    tree: html.HtmlElement, site: Site, outcomes: Mapping[str, Outcome] = MappingProxyType({})
) -> list[dict[str, str]]:
    """Each link with its words and what is known of it: by itself, or from when it was tried (`outcomes`)."""
    ids = {str(name) for name in tree.xpath("//@id | //a/@name")}
    found = []
    for link in tree.iter("a"):
        href = (link.get("href") or "").strip()
        if href:
            state, note = _state(href, site, ids)
            if href in outcomes:
                state, note = _tried(outcomes[href], note)
            if site.clicks and href.startswith(("http://", "https://")):
                note = f"{note}; clicks are counted"
            found.append({"href": href, "text": _said(link) or _pictured(link), "state": state, "note": note})
    return found[:_SHOWN]


def _state(href: str, site: Site, ids: set[str]) -> tuple[str, str]:
    if href.startswith("{{"):
        return "own", "made for each reader"
    if href.startswith("#"):
        return ("own", "leads within the email") if href[1:] in ids else ("wrong", "leads to nothing in the email")
    scheme = urlsplit(href).scheme.lower()
    if scheme in ("mailto", "tel"):
        return "own", f"opens a {'mail' if scheme == 'mailto' else 'call'}"
    if scheme not in ("http", "https"):
        return "wrong", "no address that a reader can follow"
    if href.startswith(f"{site.base_url}/"):
        slug = href.removeprefix(f"{site.base_url}/").split("/")[0].partition("#")[0]
        if not slug or site.issue(slug):
            return "own", "this publication"
    return ("doubtful", "not encrypted") if scheme == "http" else ("open", "not tried")


_OUTCOMES = {"fine": "own", "moved": "doubtful", "refused": "open", "private": "doubtful", "unchecked": "open"}
_TRIED = {"fine": "works", "moved": "has moved", "gone": "is gone", "failing": "fails", "insecure": "is not secure"}


def _tried(outcome: Outcome, note: str) -> tuple[str, str]:
    """The state and the words for what became of trying an address."""
    words = " ".join(filter(None, (_TRIED.get(outcome.state, note), outcome.detail and f"({outcome.detail})")))
    return _OUTCOMES.get(outcome.state, "wrong"), words


def outline_of(tree: html.HtmlElement) -> list[dict[str, Any]]:
    """The headings in their order; `skips` says that a level was left out before one."""
    found, last = [], 0
    for heading in tree.iter("h1", "h2", "h3", "h4", "h5", "h6"):
        level = int(heading.tag[1])
        found.append({"level": level, "text": _said(heading), "skips": level > last + 1})
        last = level
    return found[:_SHOWN]


def order_of(tree: html.HtmlElement) -> list[dict[str, str]]:
    """What a screen reader says, one block after the other; tables for layout say nothing themselves."""
    found = []
    for element in tree.iter(*_BLOCKS):
        if element.tag in ("td", "th") and (_is_layout(element) or element.find(".//p") is not None):
            continue
        text = (element.get("alt") or "").strip() if element.tag == "img" else _said(element)
        if (text or element.tag == "img") and not _inside_another(element) and not _is_hidden(element):
            found.append({"kind": _KINDS.get(element.tag, "text"), "text": text[:_ENTRY]})
    return found[:_SHOWN]


_KINDS: Mapping[str, str] = {f"h{level}": f"heading {level}" for level in range(1, 7)} | {
    "img": "image", "li": "item", "pre": "code", "blockquote": "quote", "th": "cell", "td": "cell",
}  # fmt: skip


def _is_layout(cell: html.HtmlElement) -> bool:
    return any(table.get("role") == "presentation" for table in cell.iterancestors("table"))


def _inside_another(element: html.HtmlElement) -> bool:
    return element.tag != "img" and any(parent.tag in ("li", "blockquote") for parent in element.iterancestors())


def _is_hidden(element: html.HtmlElement) -> bool:
    return any(parent.get("aria-hidden") == "true" for parent in (element, *element.iterancestors()))


def images_of(tree: html.HtmlElement) -> list[dict[str, str | None]]:
    """Each image with its description; None where it has none."""
    return [{"src": image.get("src") or "", "alt": image.get("alt")} for image in tree.iter("img")][:_SHOWN]


def _said(element: html.HtmlElement) -> str:
    return " ".join(str(element.text_content()).split())


def _pictured(element: html.HtmlElement) -> str:
    return next((image.get("alt") or "" for image in element.iter("img")), "")


def seek(source: list[str], line: int | None, column: int | None) -> dict[str, str]:
    """What to look for in the email, to find the place of a line of Markdown: its plain words, and an address in it."""
    if not line or line > len(source):
        return {"text": "", "target": ""}
    text = source[line - 1]
    here = text[(column or 1) - 1 :] or text
    target = re.search(r"https?://[^\s)>\"']+|(?<=\]\()[^\s)]+", here)
    return {"text": _plain(text), "target": target[0] if target else ""}


def _plain(markdown: str) -> str:
    """A line of Markdown without its marks, roughly: enough to be found again among the words of the email."""
    text = re.sub(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])?", r"\1", markdown)
    text = re.sub(r"<[^>]*>|\{\{.*?\}\}|`|\*+|~~|(?<!\w)_+|_+(?!\w)", " ", text)
    text = re.sub(r"^\s*(?:#{1,6}\s|>\s?|[-+*]\s|\d+[.)]\s|\[\^[^\]]+\]:|[:|])+", "", text)
    return " ".join(text.replace("|", " ").split())
