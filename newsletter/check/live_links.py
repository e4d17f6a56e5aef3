"""Rules about what became of trying the links; the trying itself is in `newsletter.check.live`."""

from __future__ import annotations

from collections.abc import Iterator

from newsletter.check.addresses import is_local
from newsletter.check.inspection import Inspection
from newsletter.check.known import Outcome
from newsletter.check.rule import Hit, rule
from newsletter.finding import Severity

GROUP = "links"
_NEEDS = "outcomes"


@rule(
    "link-dead", GROUP, Severity.ERROR, "A link to what does not exist",
    why="Readers who follow it get an error, and remember who sent them there.",
    source="RFC 9110, sections 15.5.5 and 15.5.11 (404, 410); RFC 8020 (no such name)",
    fix="correct the address, or find where the page went: https://web.archive.org", needs=_NEEDS,
)  # fmt: skip
def link_dead(inspection: Inspection) -> Iterator[Hit]:
    for url, outcome in _in_state(inspection, "gone"):
        yield Hit(f'"{url[:80]}": {outcome.detail}', *_place(inspection, url))


@rule(
    "link-failing", GROUP, Severity.WARNING, "A link that does not work now",
    why="It may be a passing fault of the site, or its end.",
    source="RFC 9110, section 15.6 (5xx); our own: `[links] timeout`",
    fix="open it in a browser, or check again later", needs=_NEEDS,
)  # fmt: skip
def link_failing(inspection: Inspection) -> Iterator[Hit]:
    for url, outcome in _in_state(inspection, "failing"):
        yield Hit(f'"{url[:80]}": {outcome.detail}', *_place(inspection, url))


@rule(
    "link-certificate", GROUP, Severity.WARNING, "A link to a site whose certificate is not valid",
    why="Browsers show a warning instead of the page.",
    source="RFC 9110, section 4.3.4",
    fix="tell the site, or link elsewhere", needs=_NEEDS,
)  # fmt: skip
def link_certificate(inspection: Inspection) -> Iterator[Hit]:
    for url, outcome in _in_state(inspection, "insecure"):
        yield Hit(f'"{url[:80]}": {outcome.detail}', *_place(inspection, url))


@rule(
    "link-moved", GROUP, Severity.INFO, "A link to what has moved for good",
    why="The old address works for as long as somebody looks after it.",
    source="RFC 9110, sections 15.4.2 and 15.4.9 (301, 308)",
    fix="link to the new address", needs=_NEEDS,
)  # fmt: skip
def link_moved(inspection: Inspection) -> Iterator[Hit]:
    for url, outcome in _in_state(inspection, "moved"):
        place = _place(inspection, url)
        yield Hit(f'"{url[:80]}" has moved', *place, fix=f"link to {outcome.final[:200]}")


@rule(
    "link-private", GROUP, Severity.WARNING, "A link that leads into a private network",
    why="Readers cannot reach it; it was not tried.",
    source="RFC 6890: special-purpose addresses; OWASP, Server Side Request Forgery Prevention",
    fix="link to a public page; a host that may be tried all the same: [links] allow = [\"intranet.example\"]",
    needs=_NEEDS,
)  # fmt: skip
def link_private(inspection: Inspection) -> Iterator[Hit]:
    for url, outcome in _in_state(inspection, "private"):
        if is_local(url):  # the address itself says it already: link-local
            continue
        yield Hit(f'"{url[:80]}": {outcome.detail}', *_place(inspection, url))


@rule(
    "link-unchecked", GROUP, Severity.INFO, "Links that were not checked",
    why="Nobody knows whether they work.",
    source="our own: offline, out of time, or the site does not answer programs",
    fix="open them in a browser, or check again with a network", needs=_NEEDS,
)  # fmt: skip
def link_unchecked(inspection: Inspection) -> Iterator[Hit]:
    # Who asked to stay offline knows why; the last line of the output counts these links.
    skipped = [(url, outcome) for url, outcome in _in_state(inspection, "unchecked") if outcome.detail != "offline"]
    for reason in dict.fromkeys(outcome.detail for _, outcome in skipped):
        urls = [url for url, outcome in skipped if outcome.detail == reason]
        many = f"{len(urls)} links were" if len(urls) > 1 else f'"{urls[0][:80]}" was'
        place = next((place for url in urls if (place := inspection.addresses[url])), (None, None))
        yield Hit(f"{many} not checked: {reason}", *place)
    for url, outcome in _in_state(inspection, "refused"):
        message = f'"{url[:80]}" does not answer programs ({outcome.detail}): not checked'
        yield Hit(message, *_place(inspection, url))


def _in_state(inspection: Inspection, state: str) -> Iterator[tuple[str, Outcome]]:
    outcomes = inspection.known.outcomes or {}
    for url in inspection.addresses:
        if url in outcomes and outcomes[url].state == state:
            yield url, outcomes[url]


def _place(inspection: Inspection, url: str) -> tuple[int | None, int | None]:
    return inspection.addresses[url] or (None, None)


RULES = (link_dead, link_failing, link_certificate, link_moved, link_private, link_unchecked)
