"""Links, images and headings in Markdown as it was typed, each with its place.

Read from the text, not from the HTML, so that a finding can point to what the editor typed. Code does not count.
Time is linear in the length of the text: brackets nest 32 deep at most, in a text as in an
address (for which CommonMark 0.31, section 6.3, allows a limit), and a title ends within a thousand characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape

from newsletter.content.markdown.html import ELEMENTS
from newsletter.content.markdown.inline import BARE_URL, balanced
from newsletter.content.markdown.mergetags import PLAUSIBLE
from newsletter.content.prose import blank

_TOKEN = re.compile(rf"\\[!-/:-@\[-`{{-~]|!\[|\[|\]|<|\n[ \t]*\n|{BARE_URL}", re.IGNORECASE)
_DEFINITION = re.compile(
    r"^[ >]{0,12}\[(?P<label>(?!\^)[^\[\]\n]{1,999})\]:[ \t]*\n?[ \t>]*(?P<target><[^<>\n]*>|[^\s<]\S*)", re.MULTILINE
)
_AUTOLINK = re.compile(r"<(?P<target>[A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*|[\w.+-]+@[\w.-]+)>")
_TAG = re.compile(r"</?(?P<name>[A-Za-z][\w-]*)(?P<attributes>(?:\s[^<>]*)?)/?>")
_ATTRIBUTE = re.compile(
    r"""(?<![\w-])(?P<name>href|src|alt)(?:\s*=\s*(?:"(?P<a>[^"]*)"|'(?P<b>[^']*)'|(?P<c>[^\s"'>]+)))?""", re.I
)
_LABEL = re.compile(r"\[([^\[\]\n]{0,999})\]")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_MARKS = re.compile(r"!\[([^\[\]]*)\](?:\([^()]*\)|\[[^\[\]]*\])?|<[^<>]*>|[*_~`]+")
_ALT = re.compile(r"""<img\b[^<>]*\balt\s*=\s*["']?([^"'<>]*)""", re.IGNORECASE)
_HEADING = re.compile(r" {0,3}(?:(?P<marks>#{1,6})[ \t]+\S|<h(?P<level>[1-6])\b)", re.IGNORECASE)
_UNDERLINE = re.compile(r" {0,3}(?P<sign>=+|-{2,})[ \t]*$")
_NO_PARAGRAPH = re.compile(r"\s*(?:[#>|<]|[-+*][ \t]|\d{1,9}[.)][ \t]|$)|    |\t")
_NESTED = 32
_LONGEST_TITLE = 1000


@dataclass(frozen=True)
class Link:
    """A link or an image: its address and text as typed, and where both start in the body (0-based offsets).

    `start` is where the whole starts, `at` where its address does (for a reference: in its definition). `alt` is an
    image's description, None where none was typed. `bare` is an address that stands for itself in the text.
    """

    target: str
    text: str
    start: int
    end: int
    at: int
    image: bool = False
    alt: str | None = None
    raw: bool = False
    bare: bool = False


@dataclass(frozen=True)
class Heading:
    """A heading's level (1 to 6) and its 0-based line in the body."""

    level: int
    line: int


@dataclass(frozen=True)
class Scan:
    """What a body links to and shows, and its `words`: the body with all that is not prose blanked.

    That is code, comments, addresses, merge tags and HTML tags; every other character is in its place.
    """

    links: tuple[Link, ...]
    words: str


def scan(body: str, prose: str) -> Scan:
    """The links, images and words of a Markdown body, the links in their order; `prose` is the body without code."""
    text = PLAUSIBLE.sub(lambda match: "\ue000" * len(match[0]), prose)
    definitions: dict[str, tuple[int, int]] = {}
    spans = []
    for match in _DEFINITION.finditer(text):
        definitions.setdefault(_label(match["label"]), match.span("target"))
        spans.append(match.span())
    text = blanked(text, spans)
    scanner = _Scanner(body, text, definitions)
    links = _outermost(sorted(scanner.run(), key=lambda link: (link.start, link.bare)))
    hidden = scanner.hidden + [match.span() for match in _TAG.finditer(text) if match["name"].lower() in ELEMENTS]
    return Scan(links, blanked(text.replace("\ue000", " "), hidden))


def _outermost(links: list[Link]) -> tuple[Link, ...]:
    """Without the bare addresses that are the text of a link, or part of it: they are not links of their own."""
    kept, end = list[Link](), 0
    for link in links:
        if not (link.bare and link.start < end):
            kept.append(link)
        if not link.bare and not link.image:
            end = max(end, link.end)
    return tuple(kept)


def headings(prose: str) -> Iterator[Heading]:
    """The headings of a body without code: `## like this`, underlined, or `<h2>`; not those in quotes and lists."""
    before = ""
    for number, line in enumerate(prose.split("\n")):
        underline = _UNDERLINE.match(line)
        if match := _HEADING.match(line):
            yield Heading(len(match["marks"]) if match["marks"] else int(match["level"]), number)
        elif underline and not _NO_PARAGRAPH.match(before):
            yield Heading(1 if underline["sign"][0] == "=" else 2, number - 1)
        before = line


@dataclass
class _Scanner:
    """One walk over a text; `_open` holds the brackets that wait for their other half."""

    body: str
    text: str
    definitions: dict[str, tuple[int, int]]
    hidden: list[tuple[int, int]] = field(default_factory=list)
    _open: list[tuple[int, bool]] = field(default_factory=list)
    _anchor: tuple[int, int, int, str] | None = None  # an <a href> whose </a> is to come

    def run(self) -> Iterator[Link]:
        position = 0
        while match := _TOKEN.search(self.text, position):
            sign, start, position = match[0], match.start(), match.end()
            if sign.startswith("\n"):
                self._open.clear()
            elif sign in ("[", "!["):
                self._open = [*self._open[-_NESTED:], (start, sign[0] == "!")]
            elif sign.startswith("]"):
                if link := self._bracketed(start):
                    position = link.end
                    yield link
            elif sign.startswith("<"):
                position, angled = self._angled(start)
                if angled:
                    yield angled
            elif not sign.startswith("\\"):
                # `[https://a.example](b)`: where a bracket is open, an address ends before the one that closes it.
                end = start + sign.index("]") if self._open and "]" in sign else position
                link = self._bare(start, end)
                position = link.end
                yield link

    def _bare(self, start: int, end: int) -> Link:
        address = balanced(self.body[start:end])
        end = start + len(address)
        self.hidden.append((start, end))
        return Link(address, address, start, end, start, bare=True)

    def _bracketed(self, close: int) -> Link | None:
        """The link or image whose text ends at `close`, or None where these are only brackets."""
        if not self._open:
            return None
        start, image = self._open.pop()
        first = start + 2 if image else start + 1
        found = self._inline(close + 1) or self._reference(first, close)
        if not found:
            return None
        (at, stop), end = found
        if not image:
            self._open = [entry for entry in self._open if entry[1]]  # no link in a link
        self.hidden.append((close, end))
        text = self.body[first:close]
        target = _ESCAPED.sub(r"\1", unescape(self.body[at:stop]))
        return Link(target, text, start, end, at, image, plain(text) if image and text.strip() else None)

    def _inline(self, position: int) -> tuple[tuple[int, int], int] | None:
        """`(address "title")` at `position`: where its address is, and where it ends."""
        if self.text[position : position + 1] != "(":
            return None
        at = self._skip_space(position + 1)
        if self.text[at : at + 1] == "<":
            stop = self.text.find(">", at, at + 2000)
            if stop < 0 or "\n" in self.text[at:stop]:
                return None
            span, end = (at + 1, stop), stop + 1
        else:
            end = self._end_of_address(at)
            span = (at, end)
        end = self._skip_space(end)
        quote = self.text[end : end + 1]
        if quote and quote in "\"'" and end > span[1]:
            closing = self.text.find(quote, end + 1, end + _LONGEST_TITLE)
            end = self._skip_space(closing + 1) if closing > 0 else end
        return (span, end + 1) if self.text[end : end + 1] == ")" else None

    def _end_of_address(self, position: int) -> int:
        depth = 0
        while position < len(self.text) and not self.text[position].isspace():
            char = self.text[position]
            if char == "\\":
                position += 1
            elif char == "(":
                depth += 1
                if depth > _NESTED:
                    break
            elif char == ")":
                if not depth:
                    break
                depth -= 1
            position += 1
        return min(position, len(self.text))

    def _skip_space(self, position: int) -> int:
        while self.text[position : position + 1] in (" ", "\t", "\n"):
            position += 1
        return position

    def _reference(self, first: int, close: int) -> tuple[tuple[int, int], int] | None:
        """`[text][label]`, `[text][]` or `[text]`: where the label's address is, and where the whole ends."""
        label = _LABEL.match(self.text, close + 1)
        if label and label[1].strip():
            name, end = label[1], label.end()
        elif close - first > 999:
            return None
        else:
            name, end = self.body[first:close], label.end() if label else close + 1
        span = self.definitions.get(_label(name))
        if not span:
            return None
        if self.body[span[0]] == "<":
            span = (span[0] + 1, span[1] - 1)
        return span, end

    def _angled(self, start: int) -> tuple[int, Link | None]:
        """What `<` begins at `start`, and where to go on: an autolink, `<img>`, `<a>`; `</a>` ends a link."""
        if auto := _AUTOLINK.match(self.text, start):
            target = auto["target"] if ":" in auto["target"] else f"mailto:{auto['target']}"
            self.hidden.append(auto.span())
            return auto.end(), Link(target, auto["target"], start, auto.end(), start + 1, bare=True)
        if self.text[start : start + 3].lower() == "</a" and self._anchor:
            opened, content, at, target = self._anchor
            self._anchor = None
            return start + 3, Link(target, self.body[content:start], opened, start, at, raw=True)
        tag = _TAG.match(self.text, start)
        if not tag:
            return start + 1, None
        if tag["name"].lower() not in ("a", "img"):
            return tag.end(), None
        values = self._attributes(tag.start("attributes"), tag.end("attributes"))
        if tag["name"].lower() == "a":
            at, target = values.get("href", (start, None))
            self._anchor = None if target is None else (start, tag.end(), at, target)
            return tag.end(), None
        at, target = values.get("src", (start, ""))
        alt = values.get("alt", (0, None))[1]
        return tag.end(), Link(target or "", "", start, tag.end(), at, image=True, alt=alt, raw=True)

    def _attributes(self, start: int, end: int) -> dict[str, tuple[int, str | None]]:
        found: dict[str, tuple[int, str | None]] = {}
        for match in _ATTRIBUTE.finditer(self.text, start, end):
            group = next((name for name in ("a", "b", "c") if match[name] is not None), None)
            at, stop = match.span(group) if group else (match.end(), match.end())
            found.setdefault(match["name"].lower(), (at, unescape(self.body[at:stop])))
        return found


def plain(text: str) -> str:
    """What a reader sees of a link's text, on one line: marks and tags gone, an image is its description."""
    text = _ALT.sub(r"\1<", text)  # the rest of the tag is still one for the next step
    return " ".join(unescape(_ESCAPED.sub(r"\1", _MARKS.sub(lambda match: match[1] or "", text))).split())


def _label(text: str) -> str:
    """Labels match in any case and with any white space (CommonMark 0.31, section 4.7)."""
    return " ".join(text.split()).casefold()


def blanked(text: str, spans: list[tuple[int, int]]) -> str:
    """`text` with these stretches blanked; every other character is in its place."""
    parts, position = [], 0
    for start, end in sorted(spans):
        if end > position:
            first = max(start, position)
            parts += [text[position:first], blank(text[first:end])]
            position = end
    return "".join(parts) + text[position:]
