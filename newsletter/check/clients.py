"""Rules about what some mail programs do not show, by the data of caniemail.com and the readers' shares of programs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from newsletter.check.inspection import Inspection
from newsletter.check.rule import Hit, rule
from newsletter.check.support import Support
from newsletter.finding import Severity

GROUP = "HTML against clients"
_SOURCE = "https://www.caniemail.com, and the shares of programs in [clients]"
_FIX = "lay it out with a table, or leave it out: it must be readable without"
# Without these a reader sees something else than was meant; without the others it is only less pretty.
HARMFUL = frozenset(
    "css-display-flex css-display-grid css-grid-template css-position css-background-image css-transform css-clip-path "
    "css-visibility css-writing-mode css-variables css-unit-calc css-function-clamp css-function-min "
    "css-function-max css-filter css-object-fit css-column-count css-left-right-top-bottom css-mix-blend-mode "
    "css-backdrop-filter css-mask-image css-shape-outside".split()
)
_HARMFUL_ELEMENTS = frozenset(
    "audio video svg object dialog form select textarea input button meter progress picture link base".split()
)
_FORMATS = {
    ".svg": "image-svg", ".webp": "image-webp", ".avif": "image-avif", ".heif": "image-heif", ".heic": "image-heif",
    ".tif": "image-tiff", ".tiff": "image-tiff", ".bmp": "image-bmp", ".apng": "image-apng", ".mp4": "image-mp4",
    ".ico": "image-ico",
}  # fmt: skip
_VALUES = (
    (re.compile(r"display\s*:\s*(?:inline-)?flex"), "css-display-flex"),
    (re.compile(r"display\s*:\s*(?:inline-)?grid"), "css-display-grid"),
    (re.compile(r"background\s*:[^;]*url\("), "css-background-image"),
    (re.compile(r"\bcalc\("), "css-unit-calc"),
    (re.compile(r"\bvar\(|(?:^|;)\s*--[\w-]+\s*:"), "css-variables"),
    (re.compile(r"\bclamp\("), "css-function-clamp"),
    (re.compile(r"(?:^|;)\s*(?:left|right|top|bottom)\s*:"), "css-left-right-top-bottom"),
)
_PROPERTY = re.compile(r"(?:^|;)\s*([a-z-]+)\s*:")


@rule(
    "client-css", GROUP, Severity.WARNING, "A style without which something breaks for many readers",
    why="Programs that do not know it show the parts in another place, or on top of each other.",
    source=_SOURCE, fix=_FIX, limit=5, needs="support",
)  # fmt: skip
def client_css(inspection: Inspection, limit: float) -> Iterator[Hit]:
    yield from _css(inspection, limit, harmful=True)


@rule(
    "client-css-pretty", GROUP, Severity.INFO, "A style that many readers do not see",
    why="The email is only less pretty without it.",
    source=_SOURCE, fix="nothing, if it is fine without", limit=5, needs="support", opt_in=True,
)  # fmt: skip
def client_css_pretty(inspection: Inspection, limit: float) -> Iterator[Hit]:
    yield from _css(inspection, limit, harmful=False)


@rule(
    "client-html", GROUP, Severity.WARNING, "An element that many readers do not see",
    why="Programs that do not know it leave it out.",
    source=_SOURCE, fix="link to it on the web", limit=5, needs="support",
)  # fmt: skip
def client_html(inspection: Inspection, limit: float) -> Iterator[Hit]:
    used = {str(each.tag) for each in inspection.tree.iter() if isinstance(each.tag, str)}
    for name in sorted(used & _HARMFUL_ELEMENTS):
        feature = next(
            (key for key in (f"html-{name}", f"html-{name}-text", f"html-{name}-submit") if key in _names(inspection)),
            "",
        )
        pattern = re.compile(rf"<{name}\b", re.IGNORECASE)
        yield from _hit(inspection, feature, limit, pattern)


@rule(
    "client-image", GROUP, Severity.WARNING, "An image in a format that many readers do not see",
    why="Programs that do not know it show an empty frame.",
    source=_SOURCE, fix="use PNG, JPEG or GIF", limit=5, needs="support",
)  # fmt: skip
def client_image(inspection: Inspection, limit: float) -> Iterator[Hit]:
    for link in inspection.links:
        feature = _FORMATS.get(_suffix(link.target)) if link.image else None
        for message in _message(inspection, feature or "", limit):
            yield Hit(message, *inspection.at(link.at))


@rule(
    "client-anchor", GROUP, Severity.INFO, "A link within the email, which many programs do not follow",
    why="A table of contents does nothing in the Gmail and Outlook apps.",
    source=_SOURCE, fix="see that nobody needs it; on the web page it works", limit=5, needs="support",
)  # fmt: skip
def client_anchor(inspection: Inspection, limit: float) -> Iterator[Hit]:
    link = next((each for each in inspection.links if re.match(r"\s*#.", each.target)), None)
    for message in _message(inspection, "html-anchor-links", limit) if link else ():
        yield Hit(message, *inspection.at(link.start if link else 0))


def _css(inspection: Inspection, limit: float, *, harmful: bool) -> Iterator[Hit]:
    used: dict[str, None] = {}
    for style in dict.fromkeys(map(str, inspection.tree.xpath("//@style"))):
        used |= dict.fromkeys(style_features(style.lower()))
    for feature in used:
        if (feature in HARMFUL) is harmful and feature in _names(inspection):
            words = feature.removeprefix("css-").removeprefix("display-")
            yield from _hit(
                inspection, feature, limit, re.compile(rf"<[a-z][^<>]*\b{re.escape(words)}\b", re.IGNORECASE)
            )


def style_features(style: str) -> Iterator[str]:
    """The names that the data has for what the declarations `style`, in small letters, use."""
    for name in _PROPERTY.findall(style):
        yield f"css-{name}"
    for pattern, feature in _VALUES:
        if pattern.search(style):
            yield feature


def _hit(inspection: Inspection, feature: str, limit: float, pattern: re.Pattern[str]) -> Iterator[Hit]:
    """One hit for a feature that too many lack: at the author's own HTML, without a place where it is the theme's."""
    for message in _message(inspection, feature, limit):
        found = pattern.search(inspection.prose.text)
        yield Hit(message, *(inspection.at(found.start()) if found else (None, None)))


def _message(inspection: Inspection, feature: str, limit: float) -> Iterator[str]:
    support = inspection.known.support
    if support is None or feature not in support.features:
        return
    share, clients = support.without(feature)
    if share * 100 >= limit:
        listed = ", ".join(map(nice, clients[:3])) + (f" and {len(clients) - 3} more" if len(clients) > 3 else "")
        yield f"{support.features[feature].title}: not in {listed}, {share:.0%} of readers ({support.date})"


def nice(client: str) -> str:
    """`outlook-windows` -> `Outlook (windows)`."""
    family = next((name for name in _FAMILIES if client.startswith(f"{name}-")), client)
    platform = (
        client.removeprefix(family).strip("-").replace("desktop-webmail", "web").replace("mobile-webmail", "mobile web")
    )
    return f"{_FAMILIES.get(family, family)}{f' ({platform})' if platform else ''}"


_FAMILIES: Mapping[str, str] = {
    "apple-mail": "Apple Mail", "gmail": "Gmail", "outlook": "Outlook", "yahoo": "Yahoo", "aol": "AOL",
    "samsung-email": "Samsung Email", "thunderbird": "Thunderbird", "protonmail": "Proton Mail",
    "gmx": "GMX", "web-de": "WEB.DE", "fastmail": "Fastmail", "hey": "HEY", "mail-ru": "Mail.ru", "orange": "Orange",
}  # fmt: skip


def _names(inspection: Inspection) -> Mapping[str, object]:
    support: Support | None = inspection.known.support
    return support.features if support else {}


def _suffix(target: str) -> str:
    try:
        return PurePosixPath(urlsplit(target).path).suffix.lower()
    except ValueError:
        return ""


RULES = (client_css, client_css_pretty, client_html, client_image, client_anchor)
