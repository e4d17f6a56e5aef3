"""The issue as a picture of where readers clicked: its email, with a badge behind each link."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

from lxml import html

from newsletter.stats.links import OWN_PAGE, LinkClicks
from newsletter.stats.words import percent

# From hardly anybody to as many as for any link; dark letters can be read on each.
_HEAT = ("#efece6", "#ffefb3", "#ffdc7a", "#ffbd52", "#f9954a")
_INK = "#1c1b18"
_STYLE = (
    "display:inline-block;margin:0 3px;padding:0 6px;border-radius:9px;font:600 12px/18px system-ui,sans-serif;"
    "text-decoration:none;letter-spacing:0;white-space:nowrap;vertical-align:middle;"
)


def heat_map(email: str, links: Sequence[LinkClicks], reached: int, unsubscribe: str) -> str:
    """`email`, HTML with all values filled, with a badge behind each link: who followed it, of those reached.

    Links to the same address have the same badge: nobody can tell which of them was followed. `unsubscribe` is how the
    personal addresses begin that lead out of the list. Scripts could not run where this is shown; links lead nowhere.
    """
    counted = {plain(link.link): link for link in links}
    most = max((link.readers for link in links), default=0)
    root = html.document_fromstring(email)
    for anchor in list(root.iter("a")):
        address = anchor.get("href") or ""
        if not address or address.startswith("#"):
            continue
        found = counted.get(OWN_PAGE if address.startswith(unsubscribe) else plain(address))
        badge = _badge(found.readers if found else 0, most, reached)
        anchor.addnext(badge)
        badge.tail, anchor.tail = anchor.tail, None  # the text behind a link belongs behind its badge
    return "<!DOCTYPE html>\n" + str(html.tostring(root, encoding="unicode"))


def plain(address: str) -> str:
    """An address as it is compared: a fragment never reaches a server, and an empty path is one stroke."""
    if address == OWN_PAGE:
        return address
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return address
    return urlunsplit((parts.scheme.lower(), parts.netloc.lower(), parts.path or "/", parts.query, ""))


def _badge(readers: int, most: int, reached: int) -> html.HtmlElement:
    element = html.Element("span")
    step = 0 if not readers else 1 + min(3, readers * 4 // (most + 1))
    element.set("style", f"{_STYLE}background:{_HEAT[step]};color:{_INK}")
    element.text = f"{percent(readers / reached if reached else 0.0)} \N{MIDDLE DOT} {readers}"
    return element
