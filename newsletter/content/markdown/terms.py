"""Glossary terms: the first use of each in an issue is marked, and its definition stands after the block it is in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import html

from newsletter.content.glossary import Term

_NOT_IN = frozenset("a code pre h1 h2 h3 h4 h5 h6 script style kbd samp button figure dfn th".split())
# In these scripts words are not set apart by spaces (UAX 29, section 4).
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


@dataclass(frozen=True)
class _Place:
    """A text of the tree: an element's own text, or the text behind it; `block` is the root's child it is in."""

    element: html.HtmlElement
    tail: bool
    block: html.HtmlElement

    @property
    def text(self) -> str:
        return (self.element.tail if self.tail else self.element.text) or ""


def mark_terms(root: html.HtmlElement, glossary: Mapping[str, Term]) -> tuple[Term, ...]:
    """Mark the first use of each term of `glossary` in `root`, in place, and add its definition after the block.

    A term is found in any case (one in capitals only in capitals) and with an English plural's `s`, as a word of its
    own; not in headings, links and code. Returns the terms found, in order.
    """
    wanted = {name: term for key, term in glossary.items() for name in (_fold(key), _fold(term.term)) if name}
    if not wanted:
        return ()
    pattern = re.compile("|".join(map(_pattern, sorted(wanted, key=lambda name: (-len(name), name)))), re.IGNORECASE)
    found: dict[html.HtmlElement, list[Term]] = {}
    seen: set[Term] = set()
    for place in list(_places(root)):
        marked = _mark(place, pattern, wanted, seen)
        if marked:
            found.setdefault(place.block, []).extend(marked)
    for block, terms in found.items():
        _add_note(block, terms)
    return tuple(term for terms in found.values() for term in terms)


def _fold(name: str) -> str:
    return " ".join(name.split()).casefold()


def _pattern(name: str) -> str:
    return r"\s+".join(map(re.escape, name.split(" "))) + ("s?" if name[-1].isascii() and name[-1].isalpha() else "")


def _places(root: html.HtmlElement) -> Iterator[_Place]:
    """The texts of the tree in reading order, but for those where no term is marked."""
    for block in root:
        stack: list[tuple[html.HtmlElement, bool]] = [(block, False)]
        while stack:
            element, tail = stack.pop()
            if tail:
                if element.tail and not element.tail.isspace():
                    yield _Place(element, True, block)
                continue
            if element is not block:
                stack.append((element, True))
            if isinstance(element.tag, str) and element.tag not in _NOT_IN:
                if element.text and not element.text.isspace():
                    yield _Place(element, False, block)
                stack.extend((child, False) for child in reversed(element))


def _mark(place: _Place, pattern: re.Pattern[str], wanted: Mapping[str, Term], seen: set[Term]) -> list[Term]:
    text, marked, position = place.text, [], 0
    pieces: list[tuple[str, str]] = []  # (text before, marked text)
    for match in pattern.finditer(text):
        term = wanted.get(_fold(match[0])) or wanted.get(_fold(match[0][:-1]))
        if term is None or term in seen or not _stands_alone(text, match) or not _same_case(term.term, match[0]):
            continue
        seen.add(term)
        marked.append(term)
        pieces.append((text[position : match.start()], match[0]))
        position = match.end()
    if pieces:
        _insert(place, pieces, text[position:])
    return marked


def _insert(place: _Place, pieces: list[tuple[str, str]], rest: str) -> None:
    spans = [html.Element("span", {"class": "term"}) for _ in pieces]
    for index, span in enumerate(spans):
        span.text = pieces[index][1]
        span.tail = pieces[index + 1][0] if index + 1 < len(pieces) else rest
    if place.tail:
        place.element.tail = pieces[0][0]
        parent = place.element.getparent()
        at = parent.index(place.element) + 1
    else:
        place.element.text = pieces[0][0]
        parent, at = place.element, 0
    parent[at:at] = spans


def _stands_alone(text: str, match: re.Match[str]) -> bool:
    before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
    return not (_joins(before, match[0][0]) or _joins(after, match[0][-1]))


def _joins(neighbour: str, edge: str) -> bool:
    """Whether a word goes on from `edge` to `neighbour`; a combining mark always belongs to the word before it."""
    if not neighbour or _UNSPACED.match(edge) or _UNSPACED.match(neighbour):
        return False
    return neighbour.isalnum() or neighbour == "_" or unicodedata.category(neighbour).startswith("M")


def _same_case(term: str, found: str) -> bool:
    return not (term.isupper() and len(term) > 1) or found.removesuffix("s") == term


def _add_note(block: html.HtmlElement, terms: list[Term]) -> None:
    note = html.Element("aside", {"class": "note", "role": "note"})
    for term in terms:
        line = html.Element("p")
        name = html.Element("strong")
        name.text, name.tail = term.term, " " + term.definition.strip()
        line.append(name)
        if term.url:
            name.tail += " "
            line.append(html.Element("a", {"href": term.url, "class": "more"}))
        note.append(line)
    note.tail, block.tail = block.tail, "\n"
    block.addnext(note)
