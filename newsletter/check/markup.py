"""Rules about Markdown that does not do what it looks like: its signs would arrive as they were typed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from newsletter.check.inspection import Inspection
from newsletter.check.rule import Hit, rule
from newsletter.content.markdown.tree import texts
from newsletter.finding import Severity

GROUP = "Markdown source"
_NO_MARKS_IN = frozenset("code pre script style kbd samp title".split())
_STARS = re.compile(r"(?<![\w*])\*\*(?!\*)|(?<!\*)\*\*(?![\w*])")
_MARKS = re.compile(r"(?<![*\\])\*\*(?!\*)(?:(?<!\w\*\*)|(?!\w))")  # not between two letters: 2**3
_CROWDED = re.compile(r"^ {0,3}(#{2,6})(?![#\s])\S", re.MULTILINE)
_FOOTNOTE = re.compile(r"\[\^(?P<name>[^\]\s]+)\](?P<definition>:)?")
_DELIMITER = re.compile(r"^[ >]*\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)+\|?[ \t]*$", re.MULTILINE)
_BROKEN_LINKS = (
    (re.compile(r"\]\([^\s()<>]+[ \t]+[^()\"'<>\n]*\)"), "an address with a space in it", "write %20 for the space"),
    (re.compile(r"\][ \t]+\((?:https?://|www\.)[^()\s]*\)"), "a space between text and address", "take the space away"),
    (re.compile(r"\([^()\n]+\)\[(?:https?://|www\.)[^\[\]\s]*\]"), "the brackets are swapped", "[text](address)"),
    (re.compile(r"\]\((?:https?://|www\.)[^()\s]*(?=\s|\Z)(?![^\n]{0,200}\))"), "it is never closed", "add the )"),
    (re.compile(r"(?<!\\)\]\[[^\[\]\n]*\]"), "nothing is defined under that name", "add a line  [name]: https://…"),
)  # fmt: skip


@rule(
    "emphasis-open", GROUP, Severity.WARNING, "Emphasis that is not closed",
    why="Readers see the stars.",
    source="CommonMark 0.31, section 6.2: marks stand at the word, and in pairs",
    fix="put the marks at the word: **like this**; for real stars write \\*\\*",
)  # fmt: skip
def emphasis_open(inspection: Inspection) -> Iterator[Hit]:
    if not any(_STARS.search(text) for _, _, text in texts(inspection.tree, _NO_MARKS_IN)):
        return
    for start, paragraph in inspection.paragraphs:
        marks = [match.start() for match in _MARKS.finditer(paragraph)]
        alone = [at for at in marks if paragraph[at - 1 : at].isspace() and paragraph[at + 2 : at + 3].isspace()]
        if len(alone) > 1 or (len(marks) % 2 and not alone):
            yield Hit("the ** is never closed", *inspection.at(start + (alone or marks)[-1]))


@rule(
    "heading-crowded", GROUP, Severity.WARNING, "A heading without a space behind its marks",
    why="Without the space it is no heading: readers see ##.",
    source="CommonMark 0.31, section 4.2",
    fix="write a space behind the #",
)  # fmt: skip
def heading_crowded(inspection: Inspection) -> Iterator[Hit]:
    for match in _CROWDED.finditer(inspection.words):
        yield Hit(f'"{match[1]}" needs a space behind it', *inspection.at(match.start(1)))


@rule(
    "footnote-undefined", GROUP, Severity.WARNING, "A footnote that says nothing",
    why="Readers see [^name], and nothing below.",
    source="PHP Markdown Extra, footnotes",
    fix="add a line  [^name]: what it says",
)  # fmt: skip
def footnote_undefined(inspection: Inspection) -> Iterator[Hit]:
    marks, defined = _footnotes(inspection)
    for match in marks:
        if match["name"] not in defined:
            yield Hit(f"nothing is defined under [^{match['name']}]", *inspection.at(match.start()))


@rule(
    "footnote-unused", GROUP, Severity.WARNING, "A footnote that nobody points to",
    why="It stands at the end of the email, and no reader knows what it belongs to.",
    source="PHP Markdown Extra, footnotes",
    fix="point to it with [^name], or take it out",
)  # fmt: skip
def footnote_unused(inspection: Inspection) -> Iterator[Hit]:
    marks, defined = _footnotes(inspection)
    used = {match["name"] for match in marks}
    for name, start in defined.items():
        if name not in used:
            yield Hit(f"nothing points to [^{name}]", *inspection.at(start))


@rule(
    "table-broken", GROUP, Severity.WARNING, "A table that is none",
    why="Readers see bars and hyphens.",
    source="GitHub Flavored Markdown, section 4.10: the line of hyphens has as many cells as the header above it",
    fix="give both lines the same number of cells, and put an empty line above",
)  # fmt: skip
def table_broken(inspection: Inspection) -> Iterator[Hit]:
    if not any(re.search(r"-\|-|\|[ ]?:?--", text) for _, _, text in texts(inspection.tree, _NO_MARKS_IN)):
        return
    text = inspection.prose.text
    for match in _DELIMITER.finditer(text):
        above = text[: match.start()].rstrip("\n").rsplit("\n", 1)[-1] if match.start() else ""
        if _cells(above) != _cells(match[0]):
            start = match.start() + len(match[0]) - len(match[0].lstrip())
            yield Hit(f"{_cells(above)} cells above, {_cells(match[0])} here", *inspection.at(start))


@rule(
    "link-broken", "links", Severity.WARNING, "What looks like a link and is none",
    why="Readers see the brackets.",
    source="CommonMark 0.31, section 6.3",
    fix="write [text](https://…)",
)  # fmt: skip
def link_broken(inspection: Inspection) -> Iterator[Hit]:
    for pattern, what, fix in _BROKEN_LINKS:
        for match in pattern.finditer(inspection.unlinked):
            if "{{" not in match[0] and not match[0].startswith("][^"):
                yield Hit(f"this is no link: {what}", *inspection.at(match.start()), fix)


def _footnotes(inspection: Inspection) -> tuple[list[re.Match[str]], dict[str, int]]:
    """The marks that point to footnotes, and where each footnote is defined: at the start of a line."""
    text, marks, defined = inspection.prose.text, list[re.Match[str]](), dict[str, int]()
    for match in _FOOTNOTE.finditer(text):
        at_start = not text[text.rfind("\n", 0, match.start()) + 1 : match.start()].strip()
        if match["definition"] and at_start:
            defined.setdefault(match["name"], match.start())
        else:
            marks.append(match)
    return marks, defined


def _cells(row: str) -> int:
    bare = row.strip(" \t>").removeprefix("|").removesuffix("|")
    return len(re.findall(r"(?<!\\)\|", bare)) + 1 if bare else 0


RULES = (emphasis_open, heading_crowded, footnote_undefined, footnote_unused, table_broken)
LINK_RULES = (link_broken,)
