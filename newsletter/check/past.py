"""Rules that hold an issue against those before it, against its approval and against the glossary."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime

from newsletter.check.inspection import Inspection
from newsletter.check.rule import Hit, rule
from newsletter.content.issue import Issue, Moment
from newsletter.finding import Severity

GROUP = "front matter and queue"
_NUMBER = re.compile(r"\d+")
_DFN = re.compile(r"<dfn\b[^<>]*>(?P<term>[^<>]+)</dfn>", re.IGNORECASE)


@rule(
    "approval-stale", GROUP, Severity.ERROR, "The issue changed after it was approved",
    why="What was approved goes out, not what the file says now: the change would be missing.",
    source="our own: an edition is frozen when it is approved",
    fix="approve again:  newsletter approve ISSUE", needs="approval",
)  # fmt: skip
def approval_stale(inspection: Inspection) -> Iterator[Hit]:
    approval, now = inspection.known.approval, inspection.issue.source_digest
    if approval and approval.source_digest != now:
        message = f"approved {approval.source_digest[:4]}…, now {now[:4]}…: approve again"
        yield Hit(message, 1, 1, f"newsletter approve {inspection.issue.slug}")


@rule(
    "number-gap", GROUP, Severity.WARNING, "The number does not follow the last issue's",
    why="Readers count, and so does the archive.",
    source="our own: the number of the issue before, and one",
    fix="give it the next number, or silence this where one was left out on purpose",
)  # fmt: skip
def number_gap(inspection: Inspection) -> Iterator[Hit]:
    number = inspection.issue.number
    before = [other.number for other in inspection.earlier if other.number is not None]
    if number is not None and before and number not in (before[-1], before[-1] + 1):
        place = inspection.place("number")
        yield Hit(f"number {number} follows {before[-1]}", *place, f"number: {before[-1] + 1}")


@rule(
    "date-order", GROUP, Severity.WARNING, "The date is before that of the issue before",
    why="An old date says that it was copied, or that the order of the issues is not what it should be.",
    source="our own: issues are ordered by number, then by date",
    fix="set the day it goes out",
)  # fmt: skip
def date_order(inspection: Inspection) -> Iterator[Hit]:
    mine = _day(inspection.issue.date)
    numbered = inspection.issue.number is None  # those without a number come last, whatever their date
    before = next(
        (each for each in reversed(inspection.earlier) if each.date and (each.number is None) is numbered), None
    )
    if mine and before and (theirs := _day(before.date)) and mine < theirs:
        message = f"date: {mine.isoformat()} is before {theirs.isoformat()}, the date of {before.file}"
        yield Hit(message, *inspection.place("date"))


@rule(
    "slot-taken", GROUP, Severity.WARNING, "Two issues want the same slot",
    why="A slot takes one issue: the other would have to wait for a day that was not planned.",
    source="our own: at most one broadcast for each slot",
    fix="give one of them another day",
)  # fmt: skip
def slot_taken(inspection: Inspection) -> Iterator[Hit]:
    mine = _day(inspection.issue.slot)
    for other in inspection.others:
        if mine and _day(other.slot) == mine:
            yield Hit(f"slot: {mine.isoformat()} is wanted by {other.file} too", *inspection.place("slot"))
            return


@rule(
    "slot-date", GROUP, Severity.WARNING, "Date and slot are different days",
    why="Readers would see one day and get the email on another.",
    source="our own: `date` is shown, `slot` is when it is sent",
    fix="make them the same, or take one out",
)  # fmt: skip
def slot_date(inspection: Inspection) -> Iterator[Hit]:
    shown, sent = _day(inspection.issue.date), _day(inspection.issue.slot)
    if shown and sent and shown != sent:
        message = f"date: {shown.isoformat()}, but slot: {sent.isoformat()}"
        yield Hit(message, *inspection.place("date"))


@rule(
    "subject-number", "subject", Severity.WARNING, "The number in the subject does not follow the last one's",
    why="The subject was copied from the last issue and its number left behind.",
    source="our own: two subjects that differ in one number only",
    fix="write the next number",
)  # fmt: skip
def subject_number(inspection: Inspection) -> Iterator[Hit]:
    if not inspection.earlier or (inspection.earlier[-1].number is None) is not (inspection.issue.number is None):
        return
    before = inspection.earlier[-1].subject
    mine, theirs = _NUMBER.findall(inspection.issue.subject), _NUMBER.findall(before)
    same = _NUMBER.sub("0", inspection.issue.subject.casefold()) == _NUMBER.sub("0", before.casefold())
    # One number of some digits: what holds a date has several, and next to it anything may follow.
    if same and len(mine) == len(theirs) == 1 and len(mine[0]) < 6 and int(mine[0]) != int(theirs[0]) + 1:
        place = inspection.place("subject", "title")
        if mine != theirs and int(mine[0]) != inspection.issue.number:  # what else is wrong is for other rules to say
            yield Hit(f'the last subject was "{before[:60]}"', *place, f"{int(theirs[0]) + 1} would follow")


@rule(
    "link-left-over", "links", Severity.WARNING, "A link that belongs to the last issue",
    why="An issue begun as a copy of the last keeps its links: readers vote, answer or register for last week's.",
    source="our own: in the last issue too, and with its slug, its date or its number in the address",
    fix="link to what belongs to this issue",
)  # fmt: skip
def link_left_over(inspection: Inspection) -> Iterator[Hit]:
    if not inspection.earlier:
        return
    last = inspection.earlier[-1]
    marks = _marks(last)
    for link in inspection.links:
        target = link.target.lower()
        web = target.startswith(("http://", "https://")) and not target.startswith(inspection.site.base_url.lower())
        if marks and web and link.target in last.body and marks.search(target):
            yield Hit(f'"{link.target[:80]}" is about {last.file}', *inspection.at(link.at))


@rule(
    "glossary-undefined", "language", Severity.WARNING, "A term that the glossary does not explain",
    why="Marked as a term, it leads the reader to expect an explanation.",
    source="our own: <dfn> and the glossary; HTML, section 4.5.8",
    fix="add it to the glossary, or take the mark away",
)  # fmt: skip
def glossary_undefined(inspection: Inspection) -> Iterator[Hit]:
    known = {_folded(name) for key, term in inspection.site.glossary.items() for name in (key, term.term)}
    for match in _DFN.finditer(inspection.prose.text):
        term = _folded(match["term"])
        if term not in known and term.removesuffix("s") not in known:
            yield Hit(f'"{match["term"].strip()}" is not in the glossary', *inspection.at(match.start("term")))


@rule(
    "glossary-unused", "language", Severity.INFO, "A term that no issue uses",
    why="It may be misspelt, or left from an issue that was never sent.",
    source="our own: looked for in all issues when the last of them is checked",
    fix="correct it, use it or take it out",
)  # fmt: skip
def glossary_unused(inspection: Inspection) -> Iterator[Hit]:
    if not inspection.issues or not inspection.is_this(inspection.issues[-1]):
        return
    everything = _folded(" ".join(issue.body for issue in inspection.issues))
    for key, term in inspection.site.glossary.items():
        if _folded(key) not in everything and _folded(term.term) not in everything:
            yield Hit(f'no issue uses the term "{term.term}"', file="glossary.toml")


def _marks(issue: Issue) -> re.Pattern[str] | None:
    """What in an address says that it is about this issue."""
    day = _day(issue.date)
    marks = [re.escape(issue.slug.lower())] if len(issue.slug) > 5 else []
    marks += [f"{day:%Y}[-_/]?{day:%m}[-_/]?{day:%d}"] if day else []
    marks += [rf"(?:issue|number|no|ausgabe|edition)[-_=/]?0*{issue.number}"] if issue.number is not None else []
    return re.compile(rf"(?<![a-z0-9])(?:{'|'.join(marks)})(?![a-z0-9])") if marks else None


def _day(moment: Moment | None) -> date | None:
    return moment.date() if isinstance(moment, datetime) else moment


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


RULES = (approval_stale, number_gap, date_order, slot_taken, slot_date)
SUBJECT_RULES = (subject_number,)
LINK_RULES = (link_left_over,)
LANGUAGE_RULES = (glossary_undefined, glossary_unused)
