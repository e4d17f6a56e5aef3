"""Rules about how much is sent."""

from __future__ import annotations

from collections.abc import Iterator

from newsletter.check.inspection import Inspection
from newsletter.check.rule import Hit, rule
from newsletter.finding import Severity

GROUP = "size and speed"
CLIPPED = 102 * 1024
NEAR = 90 * 1024
_SOURCE = "Gmail clips at about 102 KB of HTML: https://github.com/hteumeuleu/email-bugs/issues/41"
_FIX = "shorten the issue, or put its long parts on the web and link to them"


@rule(
    "size-clipped", GROUP, Severity.ERROR, "The email is so large that Gmail clips it",
    why="Readers see “[Message clipped]” in the middle, and the unsubscribe link is behind it.",
    source=_SOURCE,
    fix=_FIX,
)  # fmt: skip
def size_clipped(inspection: Inspection) -> Iterator[Hit]:
    size = _size(inspection)
    if size > CLIPPED:
        yield Hit(f"the HTML has {size / 1024:.0f} KB; Gmail shows 102 KB")


@rule(
    "size-near-clipping", GROUP, Severity.WARNING, "The email is nearly as large as Gmail shows",
    why="What the provider adds (longer links, a tracking image) may push it over the limit.",
    source=_SOURCE + "; 90 KB leaves an eighth of it for the provider",
    fix=_FIX,
)  # fmt: skip
def size_near_clipping(inspection: Inspection) -> Iterator[Hit]:
    size = _size(inspection)
    if NEAR <= size <= CLIPPED:
        yield Hit(f"the HTML has {size / 1024:.0f} of the 102 KB that Gmail shows")


def _size(inspection: Inspection) -> int:
    return len(inspection.edition.html.encode())


RULES = (size_clipped, size_near_clipping)
