"""What can be mended without asking: each mend is a stretch of the file and what stands there instead.

Only what is mechanical and cannot change what a reader understands; a person sees the difference and can take it back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from newsletter.check.inspection import Inspection
from newsletter.check.source import Link, plain
from newsletter.finding import Finding, Severity

_EDGES = re.compile(
    r"!?\[(?P<before>[ \t]*)(?P<text>(?:[^\[\]]|\\.)*?)(?P<after>[ \t]*)\]"
    r"(?:\((?P<lead>[ \t]*)[^\s()]*(?P<tail>[ \t]*)\))?\Z"
)
_TITLE = re.compile(r"""!\[[ \t]*\]\([^()\s]+[ \t]+(?:"(?P<a>[^"\n]+)"|'(?P<b>[^'\n]+)')\)\Z""")
_CAPTION = re.compile(r"[ \t]*\n[ \t]*(?P<mark>[*_])(?P<text>[^*_\n]{3,200})(?P=mark)[ \t]*(?:\n|\Z)")
_CROWDED = re.compile(r"^ {0,3}#{2,6}(?![#\s])(?=\S)", re.MULTILINE)
_INVISIBLE = re.compile("[\u200b\u2060\ufeff]")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+(?=[^\W\d_a-z])")
_PREHEADER = 110  # characters of a proposal


@dataclass(frozen=True, order=True)
class Mend:
    """`text` instead of what stands from `start` to `end` in the file's text; `rule` is whose finding it mends."""

    start: int
    end: int
    text: str
    rule: str
    line: int


def mends_of(inspection: Inspection, rules: Iterable[str]) -> tuple[Mend, ...]:
    """The mends of an issue, in order and without overlaps, for findings of `rules` only: what is silenced stays."""
    wanted, kept = frozenset(rules), list[Mend]()
    for mend in sorted({*_preheader(inspection), *_in_body(inspection)}):
        if mend.rule in wanted and (not kept or mend.start >= kept[-1].end):
            kept.append(mend)
    return tuple(kept)


def mended(text: str, mends: Iterable[Mend]) -> str:
    """`text` with the mends made."""
    parts, position = [], 0
    for mend in mends:
        parts += [text[position : mend.start], mend.text]
        position = mend.end
    return "".join(parts) + text[position:]


def spaces_at_edges(body: str, link: Link) -> tuple[tuple[int, int], ...]:
    """Where in the body white space stands at the edges of a link's text or address, as (start, end)."""
    if link.bare or link.raw:
        return ()
    typed = _EDGES.match(body[link.start : link.end])
    if not typed or not typed["text"].strip():
        return ()
    spans = (typed.span(name) for name in ("before", "after", "lead", "tail") if typed[name])
    return tuple((link.start + start, link.start + end) for start, end in spans)


def _in_body(inspection: Inspection) -> Iterator[Mend]:
    """Mends in the body, whose lines are those of the file, but for a heading that became the title and is empty."""
    text, body = inspection.issue.text, inspection.issue.body
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    for start, end, new, rule in (*_links(inspection), *_signs(inspection)):
        typed = inspection.issue.really_at(Finding("", Severity.INFO, "", inspection.issue.file, *inspection.at(start)))
        if typed.file != inspection.issue.file:
            continue  # in a snippet, which other issues share
        line = typed.line or 1
        at = starts[line - 1] + (typed.column or 1) - 1
        if text[at : at + end - start + 1] == body[start : end + 1]:
            yield Mend(at, at + end - start, new, rule, line)


def _links(inspection: Inspection) -> Iterator[tuple[int, int, str, str]]:
    body, outcomes = inspection.issue.body, inspection.known.outcomes or {}
    for link in inspection.links:
        outcome = outcomes.get(link.target)
        if outcome and outcome.secure and body.startswith("http://", link.at):
            yield link.at, link.at + len("http"), "https", "link-insecure"
        for start, end in spaces_at_edges(body, link):
            yield start, end, "", "link-spaces"
        if link.image and not link.raw and link.alt is None and (told := _description(body, link)):
            at = body.index("]", link.start)
            yield link.start + 2, at, told, "image-alt-missing"


def _signs(inspection: Inspection) -> Iterator[tuple[int, int, str, str]]:
    for match in _INVISIBLE.finditer(inspection.prose.text):
        yield match.start(), match.end(), "", "invisible-character"
    for match in _CROWDED.finditer(inspection.words):
        yield match.end(), match.end(), " ", "heading-crowded"


def _description(body: str, link: Link) -> str:
    """What an image's title or the caption below it says: that describes it better than nothing."""
    title = _TITLE.match(body[link.start : link.end])
    caption = _CAPTION.match(body, link.end)
    alone = not body[body.rfind("\n", 0, link.start) + 1 : link.start].strip()
    told = (title["a"] or title["b"]) if title else caption["text"] if caption and alone else ""
    return re.sub(r"[\[\]\\]", "", _said(told))


def _preheader(inspection: Inspection) -> Iterator[Mend]:
    """A preheader from the first sentence that says something; only in front matter between lines `---`."""
    text, lines = inspection.issue.text, inspection.issue.key_lines
    line = lines.get("subject") or lines.get("title")
    proposal = _first_sentence(inspection)
    if not line or not proposal or not text.startswith("---\n") or inspection.issue.subject in proposal:
        return
    at = len("\n".join(text.split("\n")[:line])) + 1
    quoted = "'" + proposal.replace("'", "''") + "'"
    yield Mend(at, at, f"preheader: {quoted}\n", "preheader-missing", line + 1)


def _first_sentence(inspection: Inspection) -> str:
    for start, block in inspection.paragraphs:
        typed = inspection.issue.body[start : start + len(block)]
        said = _said(typed)
        if "{{" in typed or typed.startswith(("#", "|", ">", "-", "*", "+", "!", "<")) or len(said.split()) < 6:
            continue
        first = _SENTENCE.split(said)[0]
        return first if len(first) <= _PREHEADER else first[:_PREHEADER].rsplit(" ", 1)[0] + " …"
    return ""


def _said(markdown: str) -> str:
    """What a reader sees of a paragraph, on one line: of links their texts."""
    return plain(re.sub(r"\[([^\[\]]*)\](?:\([^()]*\)|\[[^\[\]]*\])", r"\1", markdown))
