"""Lines of plain text: white space settled, words put into lines counted in columns of a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator

from newsletter.content.markdown.diagrams import columns

NO_BREAK = "\xa0"

_SPACE = r" \t\n\r\f\v\x1c-\x1f\x85\u1680\u2000-\u2006\u2008-\u200a\u2028\u2029\u205f\u3000"
_BLANKS = re.compile(rf"[{_SPACE}{NO_BREAK}]+")
# Controls, the soft hyphen, and signs without width that only a browser has a use for.
_UNSEEN = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u200b\u2060-\u2064\ufeff\ufff9-\ufffb]")
# A joiner means something inside Persian and Indic words and emoji; elsewhere it is filling.
_LOOSE_JOINER = re.compile(rf"(?:(?<![^\x00-\xa0])|(?<=[{_SPACE}\u200c\u200d]))[\u200c\u200d]+|[\u200c\u200d]+(?!\S)")

# Scripts in which a line may end between any two signs: Han, kana, bopomofo, Yi and their punctuation.
_CJK = (
    r"\u2e80-\u2fff\u3001-\u312f\u31a0-\u9fff\ua000-\ua4cf\uf900-\ufaff\ufe30-\ufe4f\uff01-\uff65"
    r"\U00020000-\U0003ffff"
)
_OPENING = r"（［｛〈《「『【〔〖〘〚“‘"
# What does not start a line: closing marks, and the small kana (JIS X 4051, "kinsoku").
_CLOSING = (
    r"、。，．・：；！？）］｝〉》」』】〕〗〙〛”’…‥ー々ゝゞヽヾ％℃,.;:!?)\]}%"
    r"ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ"
)
_MARKS = r"\u0300-\u036f\u3099\u309a\ufe00-\ufe0f\U000e0100-\U000e01ef"
_ADDRESS = r"(?:[A-Za-z][A-Za-z0-9+.-]*://|www\.)[^、。，；：！？「」『』（）【】《》]+"
_PIECE = re.compile(
    rf"{_ADDRESS}"
    rf"|[{_OPENING}]*(?:[{_CJK}][{_MARKS}]*|[^{_CJK}{_OPENING}]+)[{_CLOSING}]*(?:{NO_BREAK}\[\d+\])?"
    rf"|[{_OPENING}]+"
)
_LINE_END_IN_CJK = re.compile(rf"(?<=[{_CJK}])[ \t]*\n[ \t]*(?=[{_CJK}])")
_HAS_CJK = re.compile(rf"[{_CJK}]")


def settle(text: str) -> str:
    """`text` as a browser would show it in a paragraph: runs of white space as one space, no invisible signs.

    A no-break space stays one. Between two ideographs a line end is no space (CSS Text 3, section 4.1.3).
    """
    text = without_unseen(text if text.isascii() else _LINE_END_IN_CJK.sub("", text))
    if NO_BREAK not in text:
        return _BLANKS.sub(" ", text)
    return _BLANKS.sub(lambda blanks: NO_BREAK if not blanks[0].strip(NO_BREAK) else " ", text)


def without_unseen(text: str) -> str:
    """`text` without soft hyphens, byte order marks and other signs that have no width and no meaning in plain text."""
    text = _UNSEEN.sub("", text)
    return text if text.isascii() else _LOOSE_JOINER.sub("", text)


def wrap(text: str, width: int) -> list[str]:
    """Settled `text` in lines of at most `width` columns; `\\n` in it ends a line.

    A line ends at a space, or between two signs where the script has no spaces. A word that is wider than a line, such
    as a web address, is never broken: it stands on a line of its own.
    """
    return [line.replace(NO_BREAK, " ").rstrip() for part in text.split("\n") for line in _fill(part, width)]


def _fill(text: str, width: int) -> Iterator[str]:
    if text.isascii():
        yield from _fill_ascii(text, width)
        return
    line: list[str] = []
    used = 0
    for word in _words(text, width):
        for number, piece in enumerate(_pieces(word)):
            space = 1 if line and number == 0 else 0
            size = columns(piece)
            if line and used + space + size > width:
                yield "".join(line)
                line, used, space = [], 0, 0
            line.append(" " + piece if space else piece)
            used += space + size
    if line:
        yield "".join(line)


def _fill_ascii(text: str, width: int) -> Iterator[str]:
    """The same where a sign is a column and a line ends at spaces only: most lines, in a third of the time."""
    line: list[str] = []
    room = width
    for word in filter(None, text.split(" ")):
        if line and len(word) >= room:
            yield " ".join(line)
            line, room = [], width
        room -= len(word) + bool(line)
        line.append(word)
    if line:
        yield " ".join(line)


def _words(text: str, width: int) -> Iterator[str]:
    """The words of `text`; a no-break space holds two of them together as long as there is room for both."""
    for word in text.split(" "):
        if NO_BREAK in word and columns(word) > width:
            yield from word.split(NO_BREAK)
        elif word:
            yield word


def _pieces(word: str) -> list[str]:
    return [word] if word.isascii() or not _HAS_CJK.search(word) else _PIECE.findall(word)
