"""What of an edition's HTML and CSS the big mail programs are known to show. A small table of what matters most."""

from __future__ import annotations

import re
from dataclasses import dataclass

CLIENTS = ("Gmail", "Apple Mail", "Outlook (Word)", "Outlook .com", "Yahoo")
YES, PARTLY, NO = "yes", "partly", "no"


@dataclass(frozen=True)
class Feature:
    """One thing that an email may use: how to find it, who shows it (as `CLIENTS` are ordered), what others see."""

    name: str
    pattern: str
    support: tuple[str, str, str, str, str]
    otherwise: str


# Outlook for Windows is the one that renders with Word (2016 to 2024); the new Outlook is as Outlook.com.
FEATURES = (
    Feature("dark style sheet", r"prefers-color-scheme",
        (NO, YES, NO, PARTLY, NO), "colours as by day, or inverted"),
    Feature("style sheet in the head", r"<style\b", (YES, YES, PARTLY, YES, YES), "inlined styles only"),
    Feature("media queries by width", r"@media[^{]*width", (PARTLY, YES, NO, YES, YES), "the wide layout"),
    Feature("rounded corners", r"border-radius", (YES, YES, NO, YES, YES), "square corners"),
    Feature("max-width", r"max-width",
        (YES, YES, NO, YES, YES), "full width, unless a table for Outlook holds it"),
    Feature("scrolling blocks", r"overflow(?:-x)?\s*:\s*(?:auto|scroll)",
        (YES, YES, NO, YES, YES), "cut or wide lines"),
    Feature("min(), max(), clamp(), calc()", r"(?:min|max|clamp|calc)\(",
        (PARTLY, YES, NO, PARTLY, PARTLY), "the plain size"),
    Feature("flexbox or grid", r"display\s*:\s*(?:inline-)?(?:flex|grid)",
        (PARTLY, YES, NO, PARTLY, PARTLY), "one below the other"),
    Feature("background images", r"background(?:-image)?\s*:[^;\"]*url\(",
        (YES, YES, NO, YES, YES), "the plain colour"),
    Feature("web fonts", r"@font-face|fonts\.googleapis", (NO, YES, NO, NO, NO), "the next font of the list"),
    Feature("images within the text (data:)", r"src=\"data:", (NO, YES, NO, NO, NO), "an empty frame"),
    Feature("SVG", r"<svg\b|\.svg\b", (NO, YES, NO, NO, NO), "nothing"),
    Feature("WebP images", r"\.webp\b", (YES, YES, NO, YES, YES), "an empty frame"),
    Feature("moving images (GIF)", r"\.gif\b", (YES, YES, PARTLY, YES, YES), "the first picture"),
    Feature("fold-out parts (details)", r"<details\b", (NO, YES, NO, NO, NO), "all of it, unfolded"),
    Feature("video", r"<video\b", (NO, YES, NO, NO, NO), "what stands within it"),
    Feature("position: absolute or fixed", r"position\s*:\s*(?:absolute|fixed)",
        (NO, YES, NO, NO, NO), "in the flow of the text"),
)  # fmt: skip


def support_of(page: str) -> list[dict[str, object]]:
    """What the page uses, each with who shows it."""
    found = []
    for feature in FEATURES:
        uses = len(re.findall(feature.pattern, page, re.IGNORECASE))
        if uses:
            support = dict(zip(CLIENTS, feature.support, strict=True))
            found.append({"name": feature.name, "uses": uses, "support": support, "otherwise": feature.otherwise})
    return found
