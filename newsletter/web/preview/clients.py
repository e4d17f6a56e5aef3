"""What an edition uses that a big mail program lacks, by the data of caniemail.com that the checks go by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lxml import html

from newsletter.check.clients import style_features
from newsletter.check.support import Feature, Support

CLIENTS: Mapping[str, str] = {
    "gmail-desktop-webmail": "Gmail",
    "apple-mail-ios": "Apple Mail",
    "outlook-windows": "Outlook (Word)",
    "outlook-outlook-com": "Outlook .com",
    "yahoo-desktop-webmail": "Yahoo",
}
_WORDS = {"y": "yes", "a": "partly", "n": "no"}
_QUERIES = ("prefers-color-scheme", "prefers-reduced-motion", "hover", "orientation")


def support_of(tree: html.HtmlElement, support: Support | None) -> dict[str, Any]:
    """The features that are used and not shown everywhere, those that the most readers lack first."""
    if support is None:
        return {"names": list(CLIENTS.values()), "features": [], "date": ""}
    used = [support.features[name] for name in dict.fromkeys(_used(tree)) if name in support.features]
    rows = [_row(feature, support) for feature in used]
    rows = [row for row in rows if row["lacking"] or set(row["support"].values()) != {"yes"}]
    rows.sort(key=lambda row: -row["lacking"])
    return {"names": list(CLIENTS.values()), "features": rows, "date": support.date}


def _row(feature: Feature, support: Support) -> dict[str, Any]:
    answers = {name: _WORDS.get(feature.support.get(client, ""), "unknown") for client, name in CLIENTS.items()}
    return {"name": feature.title, "support": answers, "lacking": round(100 * support.without(feature.name)[0])}


def _used(tree: html.HtmlElement) -> Iterable[str]:
    """The names of the features, as the data calls them."""
    for style in dict.fromkeys(str(value) for value in tree.xpath("//@style")):
        yield from style_features(style.lower())
    for sheet in tree.iter("style"):
        text = (sheet.text or "").lower()
        yield "html-style"
        if "@media" in text:
            yield "css-at-media"
        yield from (f"css-at-media-{query}" for query in _QUERIES if query in text)
        yield from (f"css-at-{name}" for name in ("font-face", "import", "keyframes", "supports") if f"@{name}" in text)
    for name in dict.fromkeys(str(element.tag) for element in tree.iter() if isinstance(element.tag, str)):
        if name != "body":  # its own attributes may be dropped, what stands in it never is
            yield f"html-{name}"
    for source in (str(value).lower() for value in tree.xpath("//img/@src")):
        if source.startswith("data:"):
            yield "image-base64"
        yield f"image-{source.partition('?')[0].rpartition('.')[2]}"
