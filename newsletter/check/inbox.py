"""Rules about what the inbox shows before the email is opened: more of the subject, and the preheader."""

from __future__ import annotations

import re
from collections.abc import Iterator

from newsletter.check.inspection import Inspection
from newsletter.check.rule import Hit, rule
from newsletter.content.markdown.mergetags import PLAUSIBLE
from newsletter.finding import Severity

GROUP = "subject"
_REPLY = re.compile(r"\s*(?:re|fwd?|aw|wg|sv|vs|tr)\s*:", re.IGNORECASE)
INVISIBLE = re.compile("[\u200b\u2028\u2029\u202a-\u202e\u2060\u2066-\u2069\ufeff\x00-\x08\x0b-\x1f\x7f]")


@rule(
    "subject-wordless", GROUP, Severity.WARNING, "The subject has no words",
    why="Screen readers spell out emoji, some programs show boxes, and nobody knows what the email is about.",
    source="WCAG 2.2, success criterion 2.4.2 (A)",
    fix="say in words what the issue is about",
)  # fmt: skip
def subject_wordless(inspection: Inspection) -> Iterator[Hit]:
    subject = PLAUSIBLE.sub("", inspection.issue.subject).strip()
    if subject and not any(char.isalnum() for char in subject):
        yield Hit(f'the subject is only "{subject[:20]}"', *inspection.place("subject", "title"))


@rule(
    "subject-reply", GROUP, Severity.WARNING, "The subject pretends to be a reply",
    why="`Re:` on what is no reply misleads the reader, and is against the law in places.",
    source="CAN-SPAM, 15 U.S.C. 7704(a)(2): no deceptive subject headings",
    fix="take the mark away",
)  # fmt: skip
def subject_reply(inspection: Inspection) -> Iterator[Hit]:
    if mark := _REPLY.match(inspection.issue.subject):
        yield Hit(f'the subject begins with "{mark[0].strip()}"', *inspection.place("subject", "title"))


@rule(
    "subject-invisible", GROUP, Severity.WARNING, "Characters that cannot be seen in subject or preheader",
    why="They come along when text is copied; filters know them from spam, and some turn the text around.",
    source="Unicode Technical Report 36, section 2.5 (bidirectional text) and 3.6 (deletion of code points)",
    fix="type the line anew",
)  # fmt: skip
def subject_invisible(inspection: Inspection) -> Iterator[Hit]:
    for key in ("subject", "title", "preheader"):
        if found := INVISIBLE.search(getattr(inspection.issue, key)):
            if key == "title" and inspection.issue.title == inspection.issue.subject:
                continue
            place = inspection.place(key, "title") if key == "subject" else inspection.place(key)
            yield Hit(f"the {key} holds U+{ord(found[0]):04X}", *place)


@rule(
    "preheader-repeats", GROUP, Severity.WARNING, "The preheader repeats the subject",
    why="The inbox shows both side by side: half of the room is wasted.",
    source="our own",
    fix="go on where the subject ends",
)  # fmt: skip
def preheader_repeats(inspection: Inspection) -> Iterator[Hit]:
    preheader, subject = (_folded(text) for text in (inspection.issue.preheader, inspection.issue.subject))
    if preheader and subject.startswith(preheader):
        yield Hit("the preheader says what the subject says", *inspection.place("preheader"))


@rule(
    "preheader-long", GROUP, Severity.INFO, "The preheader is long",
    why="What does not fit behind the subject is cut.",
    source="our own: 150 characters are more than any common inbox shows on one line",
    fix="say the important words first, or less", limit=150,
)  # fmt: skip
def preheader_long(inspection: Inspection, limit: float) -> Iterator[Hit]:
    length = len(PLAUSIBLE.sub("", inspection.issue.preheader))
    if length > limit:
        yield Hit(f"the preheader has {length} characters, more than {limit:g}", *inspection.place("preheader"))


def _folded(text: str) -> str:
    return " ".join(re.findall(r"\w+", text)).casefold()


RULES = (subject_wordless, subject_reply, subject_invisible, preheader_repeats, preheader_long)
