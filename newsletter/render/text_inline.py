"""The words of a paragraph as plain text: links become numbers, pictures their descriptions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import unquote

from lxml import html

from newsletter.render.wrapping import NO_BREAK, settle

Node: TypeAlias = html.HtmlElement | str  # an element without the text behind it, or a text

_SUPERSCRIPT = str.maketrans("0123456789+-−=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ")
_SUBSCRIPT = str.maketrans("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")
_RAISABLE = re.compile(r"[0-9+\-−=()ni]+")
_LOWERABLE = re.compile(r"[0-9+\-−=()]+")
_RAISED_DIGITS = tuple("⁰¹²³⁴⁵⁶⁷⁸⁹")
_LONGEST_RAISED = 20  # characters; more than that is small print, not an exponent
_BEFORE = {"del": "~", "s": "~", "strike": "~", "q": "“", "rt": "("}
_AFTER = {"del": "~", "s": "~", "strike": "~", "q": "”", "rt": ")"}
_WITHOUT_WORDS = frozenset("script style rp wbr template title head".split())
_SPACED = frozenset(
    "address article aside blockquote caption center dd details div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 "
    "header hr li main nav ol p pre section summary table td th tr ul".split()
)
_PLAIN_SCHEMES = ("mailto:", "tel:", "sms:")


@dataclass
class Notes:
    """What a text has referred to so far: address -> number of each link, and the abbreviations explained.

    `image` is the word that stands before a picture's description.
    """

    links: dict[str, int] = field(default_factory=dict)
    explained: set[str] = field(default_factory=set)
    image: str = "Image"

    def reference(self, address: str) -> str:
        """`[3]`: the number of this address, the same one each time."""
        return f"[{self.links.setdefault(address, len(self.links) + 1)}]"


def is_hidden(element: html.HtmlElement) -> bool:
    """Whether a reader of the HTML would not see this element."""
    return "display:none" in "".join(element.get("style", "").lower().split())


def inline(nodes: Iterable[Node], notes: Notes) -> str:
    """`nodes` as one paragraph, settled, with `\\n` where a line has to end; `notes` numbers the links in it."""
    pieces: list[str] = []
    for node in nodes:
        if isinstance(node, str):
            pieces.append(settle(node))
        else:
            _write(node, pieces, notes)
    return _tidy("".join(pieces))


def _tidy(text: str) -> str:
    """Runs of spaces that met at the edges of elements as one space, none around a line end."""
    text = re.sub(rf"[ {NO_BREAK}]{{2,}}", lambda run: " " if " " in run[0] else NO_BREAK, text)
    return "\n".join(line.strip() for line in text.split("\n")).strip()


def _write(root: html.HtmlElement, pieces: list[str], notes: Notes) -> None:
    """Append the words of `root` to `pieces`. A stack, not a recursion: HTML may be nested without end."""
    stack: list[tuple[html.HtmlElement, int]] = [(root, -1)]  # an element, and where its words start once it is open
    while stack:
        element, start = stack.pop()
        if start >= 0:
            _close(element, pieces, start, notes)
            if element is not root:
                pieces.append(settle(element.tail or ""))
            continue
        stack.append((element, len(pieces)))
        if isinstance(element.tag, str) and element.tag not in _WITHOUT_WORDS and not is_hidden(element):
            pieces.append(_BEFORE.get(element.tag, " " if element.tag in _SPACED else ""))
            pieces.append(settle(element.text or ""))
            stack.extend((child, -1) for child in reversed(element))


def _close(element: html.HtmlElement, pieces: list[str], start: int, notes: Notes) -> None:
    """What an element adds after its words, or makes of them."""
    tag = element.tag
    if tag == "br":
        pieces.append("\n")
    elif tag == "img":
        alt = settle(element.get("alt") or "").strip()
        pieces.append(f"[{notes.image}: {alt}]" if alt else "")
    elif tag == "a":
        _close_link(element, pieces, start, notes)
    elif tag in ("sup", "sub"):
        _close_script(element, pieces, start)
    elif tag == "abbr":
        _close_abbreviation(element, pieces, start, notes)
    elif isinstance(tag, str):
        pieces.append(_AFTER.get(tag, " " if tag in _SPACED else ""))


def _close_link(link: html.HtmlElement, pieces: list[str], start: int, notes: Notes) -> None:
    address = "%20".join((link.get("href") or "").split())
    if "footnote-backref" in link.get("class", ""):
        del pieces[start:]
        return
    if not address or address.startswith(("#", "cid:")):
        return
    text = "".join(pieces[start:])
    words = text.strip(" \n" + NO_BREAK)
    if address.lower().startswith(_PLAIN_SCHEMES):
        shown = unquote(address.split(":", 1)[1].split("?")[0])
        mark = "" if not shown or _same(words, shown) else f"({shown})" if words else shown
    else:
        mark = "" if _same(words, address) else notes.reference(address)
    if mark:
        body = text.rstrip(" \n")
        pieces[start:] = [body, NO_BREAK if words else "", mark, text[len(body) :]]


def _same(words: str, address: str) -> bool:
    """Whether a link's text is its address, give or take the scheme, a last slash, and the signs in a phone number."""
    if words == address:
        return True
    bare = [re.sub(r"^(?:https?://|mailto:|tel:)", "", text, flags=re.IGNORECASE) for text in (words, address)]
    if bare[0].rstrip("/") == bare[1].rstrip("/"):
        return True
    digits = [re.sub(r"[\s()./-]", "", text) for text in bare]
    return digits[0] == digits[1] and digits[0].lstrip("+").isdigit()


def _close_script(element: html.HtmlElement, pieces: list[str], start: int) -> None:
    text = "".join(pieces[start:]).strip()
    if len(text) > _LONGEST_RAISED:
        return
    if element.tag == "sub":
        pieces[start:] = [text.translate(_SUBSCRIPT) if _LOWERABLE.fullmatch(text) else text]
        return
    if _RAISABLE.fullmatch(text):
        raised = text.translate(_SUPERSCRIPT)
        before = next((piece for piece in reversed(pieces[max(0, start - 4) : start]) if piece), "")
        pieces[start:] = ["," if before.endswith(_RAISED_DIGITS) else "", raised]  # two footnotes, not ¹²
    elif len(text) == 1:
        pieces[start:] = ["^" + text]


def _close_abbreviation(element: html.HtmlElement, pieces: list[str], start: int, notes: Notes) -> None:
    meaning = settle(element.get("title") or "").strip()
    if meaning and meaning not in notes.explained and "".join(pieces[start:]).strip() != meaning:
        notes.explained.add(meaning)
        pieces.append(f" ({meaning})")
