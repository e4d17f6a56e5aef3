"""Rules about the line that decides whether an email is opened."""

from __future__ import annotations

import re
from collections.abc import Iterator

from newsletter.check.inspection import Inspection
from newsletter.check.rule import Hit, rule
from newsletter.content.markdown.mergetags import PLAUSIBLE
from newsletter.finding import Severity

GROUP = "subject"
ONE_LINE = 78 - len("Subject: ")
PROVIDER_LIMIT = 998
MOST_SUBJECTS = 5
_REPEATED_MARKS = re.compile(r"[!?！？]{2,}")


@rule(
    "subject-missing", GROUP, Severity.ERROR, "There is no subject",
    why="An email without subject looks broken and is often taken for spam.",
    source="RFC 5322, section 3.6.5; the AutoSend API requires one",
    fix="add  subject: …  to the front matter",
)  # fmt: skip
def subject_missing(inspection: Inspection) -> Iterator[Hit]:
    if not inspection.issue.subject.strip():
        yield Hit("the issue has no subject, no title and no first heading", 1, 1)


@rule(
    "subject-long", GROUP, Severity.WARNING, "The subject is long",
    why="Inboxes cut it; what is behind the cut is not read.",
    source=f"RFC 5322, section 2.1.1: a header's line should not pass 78 characters, {ONE_LINE} without `Subject: `",
    fix="say it in fewer characters, the important words first", limit=ONE_LINE,
)  # fmt: skip
def subject_long(inspection: Inspection, limit: float) -> Iterator[Hit]:
    length = len(PLAUSIBLE.sub("", inspection.issue.subject))
    if limit < length <= PROVIDER_LIMIT:
        yield Hit(f"the subject has {length} characters, more than {limit:g}", *inspection.place("subject", "title"))


@rule(
    "subject-limit", GROUP, Severity.ERROR, "The subject is longer than the provider takes",
    why="The provider refuses the whole batch.",
    source=f"AutoSend API, POST /mails/send: subject up to {PROVIDER_LIMIT} characters; RFC 5322, section 2.1.1",
    fix=f"say it in at most {ONE_LINE} characters",
)  # fmt: skip
def subject_limit(inspection: Inspection) -> Iterator[Hit]:
    length = max(len(inspection.edition.subject), len(inspection.issue.subject))
    if length > PROVIDER_LIMIT:
        yield Hit(f"the subject has {length} characters", *inspection.place("subject", "title"))


@rule(
    "subject-shouting", GROUP, Severity.WARNING, "The subject shouts",
    why="Capitals throughout and rows of exclamation marks read as shouting, and spam filters count them.",
    source="SpamAssassin, SUBJ_ALL_CAPS: ten characters or more, more than one word, no small letter",
    fix="write it as a sentence",
)  # fmt: skip
def subject_shouting(inspection: Inspection) -> Iterator[Hit]:
    subject = PLAUSIBLE.sub("", inspection.issue.subject).strip()
    place = inspection.place("subject", "title")
    long_words = [word for word in re.findall(r"[^\W\d_]+", subject) if len(word) >= 4]  # not only names such as NATO
    if subject.isupper() and len(subject) >= 10 and len(long_words) >= 2:
        yield Hit("the subject is in capitals throughout", *place)
    if marks := _REPEATED_MARKS.search(subject):
        yield Hit(f'the subject has "{marks[0][:10]}"', *place)


@rule(
    "subject-repeated", GROUP, Severity.WARNING, "An earlier issue has the same subject",
    why="Mail programs put both into one conversation, and readers take the new one for the old.",
    source="our own: compared with all issues before this one, whatever their case",
    fix="say what is new in this issue",
)  # fmt: skip
def subject_repeated(inspection: Inspection) -> Iterator[Hit]:
    mine = _folded(inspection.issue.subject)
    for other in inspection.earlier:
        if mine and _folded(other.subject) == mine:
            yield Hit(f"{other.file} has the same subject", *inspection.place("subject", "title"))
            return


@rule(
    "subjects-few", GROUP, Severity.ERROR, "The subjects cannot be tested",
    why="A test compares two to five different subjects, and each one more leaves fewer readers to tell them apart.",
    source="our own",
    fix="subjects: with two to five different ones, or subject: with one",
)  # fmt: skip
def subjects_few(inspection: Inspection) -> Iterator[Hit]:
    subjects, written = inspection.issue.subjects, inspection.issue.key_lines
    different = {_folded(subject) for subject in subjects if subject.strip()}
    if "subjects" in written and "subject" in written:
        yield Hit("there is both subject and subjects", written["subject"], 1, "take one of them out")
    elif "subjects" in written and not (2 <= len(subjects) <= MOST_SUBJECTS and len(different) == len(subjects)):
        yield Hit(f"{len(subjects)} subjects, {len(different)} of them different", *inspection.place("subjects"))


@rule(
    "subjects-unmeasured", GROUP, Severity.ERROR, "Nobody would tell which subject is the better one",
    why="The subject for most readers is chosen by what the first ones did; where that is not told, it is a guess.",
    source="our own: what the provider and the settings let us know of",
    fix="[tracking] clicks = true, another [ab] rule, or one subject", needs="responses",
)  # fmt: skip
def subjects_unmeasured(inspection: Inspection) -> Iterator[Hit]:
    rule_name, told = inspection.known.trial_rule, inspection.known.responses
    if inspection.issue.subjects and told is not None and rule_name not in told:
        yield Hit(f"[ab] rule is {rule_name}, and nobody tells us of {rule_name}", *inspection.place("subjects"))


def _folded(subject: str) -> str:
    return " ".join(subject.split()).casefold()


RULES = (
    subject_missing, subject_long, subject_limit, subject_shouting, subject_repeated, subjects_few, subjects_unmeasured,
)  # fmt: skip
