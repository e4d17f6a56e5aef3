"""Rules about who would get the issue now: what to look at before it goes out to the wrong many."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from newsletter.check.inspection import Inspection
from newsletter.check.rule import Hit, rule
from newsletter.content.markdown.mergetags import PLAUSIBLE
from newsletter.finding import Severity

GROUP = "audience"
_NEEDS = "readership"


@rule(
    "audience-empty", GROUP, Severity.ERROR, "Nobody would get the issue",
    why="The slot would pass and nothing be sent.",
    source="our own: active subscribers in the segment",
    fix="correct the segment, or import subscribers", needs=_NEEDS,
)  # fmt: skip
def audience_empty(inspection: Inspection) -> Iterator[Hit]:
    told = inspection.known.readership
    if told and not told.readers and told.skipped:
        yield Hit(f"all {told.skipped} readers would be skipped", *inspection.place("segment"))
    elif told and not told.readers and told.segment:
        yield Hit(f'nobody is in the segment "{told.segment}"', *inspection.place("segment"))


@rule(
    "audience-jump", GROUP, Severity.WARNING, "Many more or fewer readers than last time",
    why="A wrong segment or a bad import shows in the number, and after sending it is too late.",
    source="our own: per cent of the last broadcast to the same segment; lists seldom change by a fifth in a week",
    fix="see newsletter subscribers list; fine if you know why", limit=20, needs=_NEEDS,
)  # fmt: skip
def audience_jump(inspection: Inspection, limit: float) -> Iterator[Hit]:
    told = inspection.known.readership
    if told and told.before and told.readers:
        change = 100 * (told.readers - told.before) / told.before
        if abs(change) > limit:
            message = f"{told.readers} readers, {change:+.0f} % against the {told.before} of last time"
            yield Hit(message, *inspection.place("segment"))


@rule(
    "audience-suppressed", GROUP, Severity.WARNING, "Much of the list must not be mailed",
    why="An old or bought list looks like this, and mailing what is left of it harms the sender's name.",
    source="our own: a tenth; Google, Email sender guidelines: do not mail who does not want or get it",
    fix="see where they came from, and remove them", limit=10, needs=_NEEDS,
)  # fmt: skip
def audience_suppressed(inspection: Inspection, limit: float) -> Iterator[Hit]:
    told = inspection.known.readership
    if told and told.readers and told.harmed:
        everybody = told.readers + told.harmed
        share = 100 * told.harmed / everybody
        if share > limit:
            message = f"{told.harmed} of {everybody} readers bounced, complained or are suppressed ({share:.0f} %)"
            yield Hit(message, *inspection.place("segment"))


@rule(
    "audience-fields-empty", GROUP, Severity.WARNING, "Readers for whom a merge tag is empty",
    why="They see a hole: “Hello ,”.",
    source="our own: counted among who would be mailed now; a tag with a default has no hole",
    fix='{{ name | default("there") }}', needs=_NEEDS,
)  # fmt: skip
def audience_fields_empty(inspection: Inspection) -> Iterator[Hit]:
    told = inspection.known.readership
    for source, count in (told.empty or {}).items() if told else ():
        if told and count:
            place = _place_of(inspection, source)
            yield Hit(f"{{{{ {source} }}}} is empty for {count} of {told.readers} readers", *place)


@rule(
    "audience-field-unknown", GROUP, Severity.WARNING, "A merge tag that looks at what no reader has",
    why="A misspelt tag is no reader's, so everybody sees what was meant for the others.",
    source="our own: the tags and own fields of all subscribers",
    fix="correct its name, or give it to the readers first: newsletter subscribers list", needs=_NEEDS,
)  # fmt: skip
def audience_field_unknown(inspection: Inspection) -> Iterator[Hit]:
    told = inspection.known.readership
    for source, missing in (told.unknown or {}).items() if told else ():
        yield Hit(missing, *_place_of(inspection, source))


def _place_of(inspection: Inspection, source: str) -> tuple[int, int]:
    """Where a merge tag stands; where the body has it not, it is in the front matter."""
    tags = (tag for tag in PLAUSIBLE.finditer(inspection.prose.text) if tag[1].strip() == source.strip())
    typed = next(tags, None)
    return inspection.at(typed.start()) if typed else inspection.place("subject", "title")


@rule(
    "audience-slow", GROUP, Severity.WARNING, "Sending takes longer than the slots are apart",
    why="The next issue would have to wait for this one.",
    source="`[delivery] batch_size` and `requests_per_second`, `[schedule] days`",
    fix="ask the provider for a higher rate, or send to fewer", needs=_NEEDS,
)  # fmt: skip
def audience_slow(inspection: Inspection) -> Iterator[Hit]:
    told = inspection.known.readership
    if told and told.room is not None and told.needed > told.room:
        message = f"posting takes {_hours(told.needed)}, the next slot comes after {_hours(told.room)}"
        yield Hit(message, *inspection.place("slot"))


@rule(
    "audience-daily-limit", GROUP, Severity.WARNING, "More readers than the provider takes in a day",
    why="The provider refuses the rest, and the broadcast stops midway until tomorrow.",
    source="`[delivery] daily_limit`: what your plan at the provider says",
    fix="ask the provider for more, or send to a segment a day", needs=_NEEDS,
)  # fmt: skip
def audience_daily_limit(inspection: Inspection) -> Iterator[Hit]:
    told = inspection.known.readership
    if told and 0 < told.daily < told.readers:
        message = f"{told.readers} readers, but the provider takes {told.daily} mails a day"
        yield Hit(message, *inspection.place("segment"))


def _hours(length: timedelta) -> str:
    minutes = round(length.total_seconds() / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


RULES = (
    audience_empty, audience_jump, audience_suppressed, audience_fields_empty, audience_field_unknown, audience_slow,
    audience_daily_limit,
)  # fmt: skip
