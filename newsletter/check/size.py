"""Rules about how much is sent."""

from __future__ import annotations

from collections.abc import Iterator

from newsletter.check.inspection import Inspection
from newsletter.check.rule import Hit, rule
from newsletter.check.weights import costliest
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
    fix=_FIX, limit=CLIPPED // 1024,
)  # fmt: skip
def size_clipped(inspection: Inspection, limit: float) -> Iterator[Hit]:
    size = _kilobytes(inspection)
    if size > limit:
        yield _hit(inspection, f"the HTML has {size:.0f} KB; Gmail shows {limit:g} KB")


@rule(
    "size-near-clipping", GROUP, Severity.WARNING, "The email is nearly as large as Gmail shows",
    why="What the provider adds (longer links, a tracking image) may push it over the limit.",
    source=_SOURCE + "; 90 KB leaves an eighth of it for the provider",
    fix=_FIX, limit=NEAR // 1024,
)  # fmt: skip
def size_near_clipping(inspection: Inspection, limit: float) -> Iterator[Hit]:
    size = _kilobytes(inspection)
    if limit <= size <= CLIPPED / 1024:
        yield _hit(inspection, f"the HTML has {size:.0f} of the {CLIPPED // 1024} KB that Gmail shows")


def _hit(inspection: Inspection, message: str) -> Hit:
    """With what costs most, at the line of the costliest part."""
    parts = costliest(inspection)
    most = f"; most of it: {', '.join(map(str, parts))}" if parts else ""
    return Hit(message + most, parts[0].line if parts else None)


def _kilobytes(inspection: Inspection) -> float:
    return len(inspection.edition.html.encode()) / 1024


RULES = (size_clipped, size_near_clipping)
