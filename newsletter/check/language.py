"""Rules about slips of the pen: words twice, marks without their other half, days that do not exist."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from newsletter.check.inbox import INVISIBLE
from newsletter.check.inspection import Inspection
from newsletter.check.rule import Hit, rule
from newsletter.finding import Severity

GROUP = "language"
_TWICE = re.compile(
    r"(?<![\w'’-])(?P<first>[^\W\d_]{2,}|[aA])(?P<gap>\s{1,3})(?P<again>(?P=first))(?![\w'’-])", re.IGNORECASE
)
# Said twice on purpose: grammar (had had), German relative clauses, French reflexives, emphasis.
_MAY_REPEAT = frozenset(
    "had that is do very really so no many bye ha haha blah yes long far out more much again please well never "
    "die der das den dem sie was nous vous".split()
)
_CYRILLIC = re.compile(r"(?=\w*[A-Za-z])(?=\w*[\u0400-\u04ff])\w+")
_SMILEY = re.compile(r"(?<![\w)])[:;=][-^']?[()]+|\(\s*[:;=](?!\w)")
_ENUMERATOR = re.compile(r"(?:^|[\s(,;])(?:[a-zA-Z]|[ivx]{1,4}|\d{1,2})$")
_MONTHS = "January February March April May June July August September October November December".split()
_MONTH = "|".join(f"{name}|{name[:3]}" + ("|Sept" if name == "September" else "") for name in _MONTHS)
_WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_WEEKDAY = "|".join(f"{name}|{name[:3]}" for name in _WEEKDAYS) + "|Tues|Thur|Thurs"
_TH = r"(?:st|nd|rd|th)?"
_DATE = re.compile(
    rf"""\b(?:(?P<weekday>{_WEEKDAY})\.?,?\s+(?:the\s+)?)?
    (?: (?P<day>\d{{1,2}}){_TH}(?:\s+of)?\s+(?P<month>{_MONTH})\b\.?
      | (?P<month2>{_MONTH})\.?\s+(?P<day2>\d{{1,2}}){_TH}(?![\d:])
      | (?P<iso>\d{{4}}-\d\d-\d\d)\b )
    (?:,?\s+(?P<year>(?:19|20)\d\d)\b)?""",
    re.VERBOSE,
)  # fmt: skip
_NEAR = timedelta(days=60)


@rule(
    "word-repeated", GROUP, Severity.WARNING, "A word stands twice",
    why="It is the slip that spelling programs miss and readers see.",
    source="our own; not what may be said twice (had had, that that)",
    fix="take one out",
)  # fmt: skip
def word_repeated(inspection: Inspection) -> Iterator[Hit]:
    body = inspection.issue.body
    for start, text in inspection.paragraphs:
        found, example = [], False
        for match in _TWICE.finditer(text):
            gap = body[start + match.start("gap") : start + match.end("gap")]  # code or an address may be between them
            slip = gap.isspace() and match["again"].islower() and match["again"] not in _MAY_REPEAT
            if slip and _goes_on(text, match):
                example = True
            elif slip:
                found.append(match)
        # A word that stands thrice, or more than two that stand twice, are an example of repeating.
        for match in found if len(found) < 3 and not example else ():
            yield Hit(f'"{match["first"]}" stands twice', *inspection.at(start + match.start("again")))


@rule(
    "quotes-unbalanced", GROUP, Severity.WARNING, "A quotation mark without its other half",
    why="Where the quotation ends is left to the reader.",
    source="our own: in each paragraph; one that goes on in the next may stay open",
    fix="add the other mark",
)  # fmt: skip
def quotes_unbalanced(inspection: Inspection) -> Iterator[Hit]:
    blocks = inspection.paragraphs
    for number, (start, text) in enumerate(blocks):
        at = _odd_straight(text)
        if at and _odd_straight(inspection.issue.body[start : start + len(text)]):  # code may hold the other half
            yield Hit('the " has no other half', *inspection.at(start + at - 1))
        opened, closed = text.count("“"), text.count("”")
        following = blocks[number + 1][1].lstrip("> ") if number + 1 < len(blocks) else ""
        if opened != closed and "„" not in text and not following.startswith("“"):
            sign = "“" if opened > closed else "”"
            yield Hit(f"the {sign} has no other half", *inspection.at(start + text.rindex(sign)))


@rule(
    "brackets-unbalanced", GROUP, Severity.WARNING, "A bracket without its other half",
    why="Where the aside ends is left to the reader; in a link it is a broken link.",
    source="our own: round brackets in each paragraph, without smileys and a), b)",
    fix="add the other bracket",
)  # fmt: skip
def brackets_unbalanced(inspection: Inspection) -> Iterator[Hit]:
    for start, block in inspection.paragraphs:
        text = inspection.unlinked[start : start + len(block)]
        if "(" not in text and ")" not in text:
            continue
        text = _SMILEY.sub(lambda match: " " * len(match[0]), text)
        if (at := _unpaired(text)) is not None:
            yield Hit(f'the "{text[at]}" has no other half', *inspection.at(start + at))


@rule(
    "date-weekday", GROUP, Severity.WARNING, "A day of the week that does not fit its date",
    why="Half of the readers come on the one, half on the other.",
    source="the calendar; without a year, for dates within two months of the issue",
    fix="correct one of them",
)  # fmt: skip
def date_weekday(inspection: Inspection) -> Iterator[Hit]:
    near = _reference(inspection)
    for match in _DATE.finditer(inspection.words):
        meant = _date_of(match, near)
        if match["weekday"] and meant and _WEEKDAYS[meant.weekday()][:3] != match["weekday"][:3]:
            message = f"{meant.isoformat()} is a {_WEEKDAYS[meant.weekday()]}, not a {match['weekday']}"
            yield Hit(message, *inspection.at(match.start()))


@rule(
    "date-impossible", GROUP, Severity.WARNING, "A day that its month does not have",
    why="Nobody can tell which day was meant.",
    source="the calendar",
    fix="correct the day",
)  # fmt: skip
def date_impossible(inspection: Inspection) -> Iterator[Hit]:
    for match in _DATE.finditer(inspection.words):
        day, month = int(match["day"] or match["day2"] or 0), match["month"] or match["month2"]
        if not month:
            continue
        year = int(match["year"] or 2024)  # a leap year where none is given
        if calendar.monthrange(year, _month(month))[1] < day <= 31:
            yield Hit(f'there is no "{" ".join(match[0].split())}"', *inspection.at(match.start()))


@rule(
    "invisible-character", GROUP, Severity.WARNING, "A character that cannot be seen",
    why="It comes along when text is copied: it breaks searching and links, and filters know it from spam.",
    source="Unicode Technical Report 36, section 3.6; CVE-2021-42574 (text that reads otherwise than it is)",
    fix="delete it",
)  # fmt: skip
def invisible_character(inspection: Inspection) -> Iterator[Hit]:
    for match in INVISIBLE.finditer(inspection.prose.text):
        yield Hit(f"U+{ord(match[0]):04X} stands here", *inspection.at(match.start()))


@rule(
    "letters-mixed", GROUP, Severity.WARNING, "A word in two alphabets",
    why="A Cyrillic letter that looks like a Latin one is not found by a search, and filters take it for a trick.",
    source="Unicode Technical Standard 39, section 5.1 (mixed-script detection)",
    fix="type the word anew",
)  # fmt: skip
def letters_mixed(inspection: Inspection) -> Iterator[Hit]:
    for match in _CYRILLIC.finditer(inspection.words):
        yield Hit(f'"{match[0]}" mixes Latin and Cyrillic letters', *inspection.at(match.start()))


@rule(
    "word-misspelt", GROUP, Severity.WARNING, "A word that the dictionary does not know",
    why="A slip in the first line is what a reader remembers.",
    source="the dictionary of the issue's language in pyspellchecker, and the file of `[spelling] words`",
    fix="correct it, or add it to the list of words", needs="misspelt", opt_in=True,
)  # fmt: skip
def word_misspelt(inspection: Inspection) -> Iterator[Hit]:
    if inspection.known.misspelt is None:
        return
    for word, guess in inspection.known.misspelt(inspection.words).items():
        if found := re.search(rf"(?<![\w'’-]){re.escape(word)}(?![\w'’-])", inspection.words):
            fix = f'did you mean "{guess}"?' if guess else ""
            yield Hit(f'"{word}" is in no dictionary', *inspection.at(found.start()), fix)


@rule(
    "sentence-long", GROUP, Severity.INFO, "A long sentence",
    why="Readers lose its beginning before its end.",
    source="GOV.UK, content design: long sentences are those over 25 words; 40 is our own",
    fix="make two of it", limit=40, opt_in=True,
)  # fmt: skip
def sentence_long(inspection: Inspection, limit: float) -> Iterator[Hit]:
    for start, text in inspection.paragraphs:
        if text.lstrip().startswith("|"):
            continue
        for match in re.finditer(r"[^.!?…:]+(?:[.!?…:](?=\S)[^.!?…:]*)*", text):
            words = len(re.findall(r"\w[\w'’-]*", match[0]))
            if words > limit:
                lead = len(match[0]) - len(match[0].lstrip())
                yield Hit(f"a sentence of {words} words", *inspection.at(start + match.start() + lead))


def _goes_on(text: str, match: re.Match[str]) -> bool:
    """Whether the word stands there a third time, which is no slip."""
    word = re.escape(match["again"])
    after = re.match(rf"\W+{word}(?!\w)", text[match.end() :], re.IGNORECASE)
    return bool(after or re.search(rf"(?<!\w){word}\W+\Z", text[: match.start()], re.IGNORECASE))


def _odd_straight(text: str) -> int:
    """The 1-based place of the last straight quotation mark where their number is odd; inches do not count."""
    marks = [match.start() for match in re.finditer(r'(?<!\d)(?<!\\)"', text)]
    return marks[-1] + 1 if len(marks) % 2 else 0


def _unpaired(text: str) -> int | None:
    opened: list[int] = []
    for match in re.finditer(r"(?<!\\)[()]", text):
        if match[0] == "(":
            opened.append(match.start())
        elif opened:
            opened.pop()
        elif not _ENUMERATOR.search(text[: match.start()].rsplit("\n", 1)[-1]):
            return match.start()
    return opened[-1] if opened else None


def _month(name: str) -> int:
    return next(number for number, month in enumerate(_MONTHS, start=1) if month[:3] == name[:3])


def _date_of(match: re.Match[str], near: date) -> date | None:
    """The day that is meant; without a year the one next to `near`, unless that is far away."""
    try:
        if match["iso"]:
            return date.fromisoformat(match["iso"])
        day, month = int(match["day"] or match["day2"]), _month(match["month"] or match["month2"])
        if match["year"]:
            return date(int(match["year"]), month, day)
        meant = min((date(near.year + shift, month, day) for shift in (-1, 0, 1)), key=lambda each: abs(each - near))
    except ValueError:
        return None
    return meant if abs(meant - near) <= _NEAR else None


def _reference(inspection: Inspection) -> date:
    moment = inspection.issue.slot or inspection.issue.date or inspection.today
    return moment.date() if isinstance(moment, datetime) else moment


RULES = (
    word_repeated, quotes_unbalanced, brackets_unbalanced, date_weekday, date_impossible, invisible_character,
    letters_mixed, word_misspelt, sentence_long,
)  # fmt: skip
