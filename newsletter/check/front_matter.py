"""Rules about the keys above the text, and how the issue sits among the others."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from datetime import date, datetime

from newsletter.check.inspection import Inspection
from newsletter.check.rule import Hit, Rule, rule
from newsletter.content.issue import Issue, Moment, Status
from newsletter.finding import Severity

GROUP = "front matter and queue"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@rule(
    "status-draft", GROUP, Severity.ERROR, "The issue is a draft",
    why="The draft that went out is the accident that editors fear most.",
    source="our own: only `ready` may be approved",
    fix="status: ready (when it is)",
)  # fmt: skip
def status_draft(inspection: Inspection) -> Iterator[Hit]:
    if inspection.issue.status is Status.DRAFT:
        yield Hit("the issue is marked as a draft", *inspection.place("status", "draft"))


@rule(
    "status-hold", GROUP, Severity.ERROR, "The issue is on hold",
    why="Somebody asked that this issue waits.",
    source="our own: only `ready` may be approved",
    fix="status: ready (ask who put it on hold)",
)  # fmt: skip
def status_hold(inspection: Inspection) -> Iterator[Hit]:
    if inspection.issue.status is Status.HOLD:
        yield Hit("the issue is on hold", *inspection.place("status"))


@rule(
    "slug-duplicate", GROUP, Severity.ERROR, "Two issues have the same slug",
    why="The slug is the issue's address and its name in the ledger: one of the two could never be sent.",
    source="our own: at most one broadcast for each slug",
    fix="give one of them another slug, or rename its file",
)  # fmt: skip
def slug_duplicate(inspection: Inspection) -> Iterator[Hit]:
    slug = inspection.issue.slug
    if files := _files(other for other in inspection.others if other.slug == slug):
        yield Hit(f'the slug "{slug}" is that of {files} too', *inspection.place("slug"))


@rule(
    "number-duplicate", GROUP, Severity.WARNING, "Two issues have the same number",
    why="Issues are ordered by number: which of the two comes first is left to their files' names.",
    source="our own: the order of issues",
    fix="give one of them another number",
)  # fmt: skip
def number_duplicate(inspection: Inspection) -> Iterator[Hit]:
    number = inspection.issue.number
    files = _files(other for other in inspection.others if number is not None and other.number == number)
    if files:
        yield Hit(f"the number {number} is that of {files} too", *inspection.place("number"))


@rule(
    "next-unknown", GROUP, Severity.ERROR, "`next` points to nothing",
    why="The link to the next issue would be missing, or lead to a page that does not exist.",
    source="our own: `next` is a slug or the name of a file in issues/",
    fix="name an issue of this publication, or take the key out",
)  # fmt: skip
def next_unknown(inspection: Inspection) -> Iterator[Hit]:
    issue = inspection.issue
    if not issue.next:
        return
    place = inspection.place("next")
    if issue.next in (issue.slug, issue.path.name):
        yield Hit("next: points to this issue itself", *place)
    elif not inspection.knows(issue.next):
        near = difflib.get_close_matches(issue.next, inspection.names, n=1)
        fix = f'did you mean "{near[0]}"?' if near else ""
        yield Hit(f'next: there is no issue "{issue.next}"', *place, fix)


@rule(
    "slot-past", GROUP, Severity.ERROR, "The slot is in the past",
    why="A slot that is over does not open again: the issue would wait for ever.",
    source="our own: a slot opens once",
    fix="choose a day to come, or take the key out to send it in the next free slot",
)  # fmt: skip
def slot_past(inspection: Inspection) -> Iterator[Hit]:
    slot = inspection.issue.slot
    if slot and _day(slot) < inspection.today:
        yield Hit(f"slot: {_shown(slot)} is in the past", *inspection.place("slot"))


@rule(
    "slot-day", GROUP, Severity.WARNING, "The slot is on a day without slots",
    why="Readers were promised certain days, and no slot opens on others.",
    source="`[schedule] days` in newsletter.toml",
    fix="choose one of the schedule's days",
)  # fmt: skip
def slot_day(inspection: Inspection) -> Iterator[Hit]:
    slot, days = inspection.issue.slot, inspection.site.days
    if slot and days and _DAYS[slot.weekday()] not in days:
        message = f"slot: {_shown(slot)}, but the schedule's days are {', '.join(days)}"
        yield Hit(message, *inspection.place("slot"))


@rule(
    "date-past", GROUP, Severity.WARNING, "The date is in the past",
    why="Readers see the date: an old one says that the issue lay around, or was copied from the last one.",
    source="our own: compared with today",
    fix="set the day it goes out; an issue that was sent needs no change",
)  # fmt: skip
def date_past(inspection: Inspection) -> Iterator[Hit]:
    moment = inspection.issue.date
    if moment and _day(moment) < inspection.today:
        yield Hit(f"date: {_shown(moment)} is in the past", *inspection.place("date"))


@rule(
    "preheader-missing", GROUP, Severity.INFO, "There is no preheader",
    why="Inboxes show it behind the subject; without it they show the beginning of the text, whatever that is.",
    source="our own: `preheader` in front matter, else `subtitle`",
    fix="add a line such as  preheader: What this issue is about, in a sentence",
)  # fmt: skip
def preheader_missing(inspection: Inspection) -> Iterator[Hit]:
    if not inspection.issue.preheader and not inspection.issue.subtitle:  # the subtitle stands in for it
        yield Hit("the issue has no preheader", 1, 1)


def _files(issues: Iterable[Issue]) -> str:
    """The issues' files, three at most by name; "" where there are none."""
    names = [issue.file for issue in issues]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _day(moment: Moment) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _shown(moment: Moment) -> str:
    """Without the names of the locale: `Tuesday` is the same everywhere."""
    day = _day(moment)
    name = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")[day.weekday()]
    return f"{name}, {day.isoformat()}"


UNKNOWN_KEY = Rule(
    "front-matter-unknown-key", GROUP, Severity.WARNING, "A key that nobody reads",
    why="A misspelt key has no effect, and nobody notices until the email is out.",
    source="docs/writing.md: the keys of front matter",
    fix="correct the key or take it out",
)  # fmt: skip
IMPOSSIBLE_DATE = Rule(
    "front-matter-date", GROUP, Severity.ERROR, "A date that the calendar does not have",
    why="Nobody can tell which day was meant, so no slot can be planned.",
    source="ISO 8601: YYYY-MM-DD",
    fix="write the day as 2026-11-27",
)  # fmt: skip

RULES = (
    status_draft, status_hold, slug_duplicate, number_duplicate, next_unknown, slot_past, slot_day, date_past,
    preheader_missing, UNKNOWN_KEY, IMPOSSIBLE_DATE,
)  # fmt: skip
