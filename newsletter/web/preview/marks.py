"""What changed between two renderings, marked in the newer one: blocks that changed, came or went, words within. Pure.

A block is a paragraph, a heading, an item, a row of a table or an image; words, images and links count, looks do not.
What was taken out is shown where it stood. Only the copy that is shown is changed.
"""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from lxml import html
from lxml.html import HtmlElement

from newsletter.web.preview.anatomy import parse

BLOCKS = frozenset("h1 h2 h3 h4 h5 h6 p li pre blockquote img tr dt dd figcaption caption".split())
_INSIDE = frozenset(("li", "tr", "dt", "dd"))  # what stands beside one of these must be one itself
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
_ALIKE = 0.5  # share of words in common from which on two blocks are one that changed
_PAIRED = 2500  # pairs of blocks that are weighed against each other in one place
_LONGEST = 4000  # words of two blocks that are compared one by one
_STYLE = """<style>
[data-diff]{box-shadow:-4px 0 0 #c98500;background-color:rgba(255,190,40,.14)!important}
[data-diff=added]{box-shadow:-4px 0 0 #2a8a4a;background-color:rgba(60,180,100,.16)!important}
[data-diff=removed]{box-shadow:-4px 0 0 #c0392b;background-color:rgba(220,70,50,.14)!important}
[data-diff=removed]{text-decoration:line-through}
img[data-diff]{outline:3px solid #c98500}img[data-diff=added]{outline-color:#2a8a4a}
img[data-diff=removed]{outline-color:#c0392b;opacity:.5}
[data-diff] ins{background:rgba(60,180,100,.38);text-decoration:none}
[data-diff] del{background:rgba(220,70,50,.3);text-decoration:line-through}
.diff-said{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
</style>"""


@dataclass(frozen=True)
class _Block:
    """An element and what it is compared by."""

    element: HtmlElement
    words: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def key(self) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        return str(self.element.tag), self.words, self.others

    def likeness(self, other: _Block) -> float:
        """From 0 to 1, by the words that both have."""
        if self.element.tag != other.element.tag:
            return 0.0
        mine, theirs = (Counter(word for word in block.words if word.strip()) for block in (self, other))
        whole = mine.total() + theirs.total()
        return 2 * (mine & theirs).total() / whole if whole else float(self.others == other.others or bool(self.others))


def marked(before: str, after: str) -> str:
    """The page `after` with what differs from the page `before` marked by `data-diff`: changed, added or removed."""
    tree = parse(after)
    old, new = (list(_blocks(root)) for root in (parse(before), tree))
    last: HtmlElement | None = None  # what stands before whatever comes next
    for was, now in _pairs(old, new):
        if now is None:
            assert was is not None  # noqa: S101 - one of the two is there
            last = _put_back(was.element, last, new[0].element if new else _body(tree))
            continue
        last = now.element
        if was is None:
            _mark(now.element, "added")
        elif was.key != now.key:
            _mark_words(was, now)
            _mark(now.element, "changed")
    page = str(html.tostring(tree, encoding="unicode", doctype="<!DOCTYPE html>"))
    end = page.lower().find("</head>")
    return page[:end] + _STYLE + page[end:] if end >= 0 else _STYLE + page


def _body(tree: HtmlElement) -> HtmlElement:
    body = tree.find("body")
    return tree if body is None else body


def _blocks(tree: HtmlElement) -> Iterator[_Block]:
    for element in tree.iter(*BLOCKS):
        if any(parent.get("aria-hidden") == "true" for parent in (element, *element.iterancestors())):
            continue  # the preheader's padding and the like: nobody reads it
        words = tuple(word for slot in _slots(element) for word in _WORDS.findall(slot.text))
        spoken = tuple(word if word.strip() else " " for word in words)
        others = tuple(
            str(part.get("src") if part.tag == "img" else part.get("href"))
            for part in (element, *_own(element))
            if part.tag == "img" or (part.tag == "a" and part.get("href"))
        )
        images = element.tag == "img" and not any(parent.tag in BLOCKS for parent in element.iterancestors())
        if "".join(spoken).strip() or images or (others and element.tag != "img"):
            yield _Block(element, spoken, others)


def _own(element: HtmlElement) -> Iterator[HtmlElement]:
    """The elements within a block that belong to no block in it; an image in it is its own."""
    for child in element:
        if _is_own(child) or child.tag == "img":
            yield child
            yield from _own(child)


def _is_own(child: HtmlElement) -> bool:
    return isinstance(child.tag, str) and child.tag not in BLOCKS and child.tag not in ("style", "script", "table")


@dataclass(frozen=True)
class _Slot:
    """A stretch of text: before an element's children, or behind an element."""

    element: HtmlElement
    tail: bool

    @property
    def text(self) -> str:
        return str((self.element.tail if self.tail else self.element.text) or "")

    def write(self, pieces: Sequence[tuple[str, str]]) -> None:
        """Put (mark, text) here, in which `+` and `-` become `<ins>` and `<del>`."""
        text, made = "", list[HtmlElement]()
        for mark, words in pieces:
            if mark == "=":
                if made:
                    made[-1].tail = (made[-1].tail or "") + words
                else:
                    text += words
                continue
            element = html.Element("ins" if mark == "+" else "del")
            element.text = words
            made.append(element)
        parent = self.element.getparent() if self.tail else self.element
        at = parent.index(self.element) + 1 if self.tail else 0
        if self.tail:
            self.element.tail = text
        else:
            self.element.text = text
        for number, element in enumerate(made):
            parent.insert(at + number, element)


def _slots(element: HtmlElement) -> list[_Slot]:
    """The stretches of a block's own text, in their order."""
    if element.tag == "img":
        return []
    found = [_Slot(element, tail=False)]
    for child in element:
        found += _slots(child) if _is_own(child) else []
        found.append(_Slot(child, tail=True))
    return found


def _pairs(old: Sequence[_Block], new: Sequence[_Block]) -> Iterator[tuple[_Block | None, _Block | None]]:
    """What was and what became of it, in the order of reading."""
    matcher = SequenceMatcher(None, [block.key for block in old], [block.key for block in new], autojunk=False)
    for operation, a, b, c, d in matcher.get_opcodes():
        if operation == "equal":
            yield from zip(old[a:b], new[c:d], strict=True)
        else:
            yield from _likely(old[a:b], new[c:d])


def _likely(old: Sequence[_Block], new: Sequence[_Block]) -> Iterator[tuple[_Block | None, _Block | None]]:
    """The pairs, in their order, that have the most in common together; whoever has no pair went or came."""
    if len(old) * len(new) > _PAIRED:
        yield from ((block, None) for block in old)
        yield from ((None, block) for block in new)
        return
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    alike = [[block.likeness(other) for other in new] for block in old]
    for i in range(len(old) - 1, -1, -1):
        for j in range(len(new) - 1, -1, -1):
            both = best[i + 1][j + 1] + alike[i][j] if alike[i][j] >= _ALIKE else 0.0
            best[i][j] = max(best[i + 1][j], best[i][j + 1], both)
    i = j = 0
    while i < len(old) or j < len(new):
        if i < len(old) and j < len(new) and alike[i][j] >= _ALIKE and best[i][j] == best[i + 1][j + 1] + alike[i][j]:
            yield old[i], new[j]
            i, j = i + 1, j + 1
        elif i < len(old) and (j == len(new) or best[i][j] == best[i + 1][j]):
            yield old[i], None
            i += 1
        else:
            yield None, new[j]
            j += 1


def _mark(element: HtmlElement, how: str) -> None:
    element.set("data-diff", how)
    if element.tag != "img":
        said = html.Element("span", {"class": "diff-said"})
        first = element[0] if element.tag == "tr" and len(element) else element
        said.text, said.tail = f"{how.capitalize()}: ", first.text
        first.text = ""
        first.insert(0, said)


def _mark_words(was: _Block, now: _Block) -> None:
    if len(was.words) + len(now.words) > _LONGEST:
        return
    slots = _slots(now.element)
    operations = SequenceMatcher(None, was.words, now.words, autojunk=False).get_opcodes()
    marks: list[str] = []  # of each new word
    gone: dict[int, str] = {}  # what went, by the new word before which it stood
    for operation, a, b, c, d in operations:
        marks += ["=" if operation == "equal" else "+"] * (d - c)
        if operation in ("delete", "replace"):
            gone[c] = gone.get(c, "") + "".join(was.words[a:b])
    number = 0
    for place, slot in enumerate(slots):
        pieces: list[tuple[str, str]] = []
        for word in _WORDS.findall(slot.text):
            if number in gone:
                pieces.append(("-", gone.pop(number)))
            _add(pieces, marks[number], word)
            number += 1
        if place == len(slots) - 1 and number in gone:
            pieces.append(("-", gone.pop(number)))
        if any(mark != "=" for mark, _ in pieces):
            slot.write(pieces)


def _add(pieces: list[tuple[str, str]], mark: str, word: str) -> None:
    if pieces and pieces[-1][0] == mark:
        pieces[-1] = (mark, pieces[-1][1] + word)
    else:
        pieces.append((mark, word))


def _put_back(gone: HtmlElement, last: HtmlElement | None, first: HtmlElement) -> HtmlElement:
    """Show what went behind `last`, or before `first` where nothing stands before it."""
    anchor = first if last is None else last
    made = copy.deepcopy(gone)
    made.tail = None
    if made.tag in _INSIDE and made.tag != anchor.tag:
        made.tag = "div"
        for cell in made.findall("td") + made.findall("th"):
            cell.tag = "div"
    for name in ("id", "name"):
        made.attrib.pop(name, None)
    for child in list(made.iter(*BLOCKS)):
        if child is not made and child.tag != "img":
            child.drop_tree()  # it is a block of its own
    _mark(made, "removed")
    if anchor.tag in ("body", "html"):
        anchor.append(made)
    elif last is None:
        _around(anchor, made).addprevious(made)
    elif anchor.tag in _INSIDE and made.tag != anchor.tag:
        (anchor[-1] if anchor.tag == "tr" and len(anchor) else anchor).append(made)
    else:
        anchor.addnext(made)
        return made
    return anchor


def _around(anchor: HtmlElement, made: HtmlElement) -> HtmlElement:
    """What `made` can stand before: the anchor, or the list or table that it is part of."""
    if anchor.tag not in _INSIDE or made.tag == anchor.tag:
        return anchor
    return next((parent for parent in anchor.iterancestors("ul", "ol", "dl", "table")), anchor)
