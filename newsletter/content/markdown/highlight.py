"""Colours for code: each run of signs that means the same to a language stands in a span of a two-letter class.

Pygments reads the code. Its dozens of kinds of token are put together to five, since in a mail each span carries its
style: `hk` keywords, `hs` texts (and added lines), `hn` numbers and constants (and removed lines), `hf` the names that
are defined, `hc` comments. Words and spaces between two spans of a kind join them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from lxml import html

if TYPE_CHECKING:
    from pygments.token import _TokenType

CLASSES = ("hk", "hs", "hn", "hf", "hc")
# Longer code stays plain: lexers are regular expressions, and no reader studies so much in a mail.
LARGEST = 20_000
_PLAIN = frozenset(("", "text", "txt", "plain", "plaintext", "none", "output", "console-output"))


def highlight(root: html.HtmlElement, shown: Callable[[str], str] = str) -> bool:
    """Colour the code blocks below `root` that name a language which Pygments knows, in place; whether any was.

    `shown` turns the text of a block into what a reader is to see. Code in an unknown language stays plain.
    """
    found = False
    for code in list(root.iter("code")):
        pre = code.getparent()
        language = code.get("class", "").removeprefix("language-")
        if pre.tag != "pre" or len(pre) != 1 or len(code) or language in _PLAIN:
            continue
        runs = _runs(language, shown(code.text or ""))
        if any(kind for kind, _ in runs):
            _fill(code, runs)
            found = True
    return found


def plain_beyond(root: html.HtmlElement, spans: int) -> None:
    """Take the colours from the blocks with which the issue would have more than `spans` of them, in place."""
    for pre in list(root.iter("pre")):
        coloured = [span for span in pre.iter("span") if span.get("class") in CLASSES]
        if len(coloured) <= spans:
            spans -= len(coloured)
            continue
        for span in coloured:
            span.drop_tag()


def _fill(code: html.HtmlElement, runs: tuple[tuple[str, str], ...]) -> None:
    code.text, last = "", None
    for kind, text in runs:
        if kind:
            last = html.Element("span", {"class": kind})
            last.text, last.tail = text, ""
            code.append(last)
        elif last is None:
            code.text += text
        else:
            last.tail += text


@lru_cache(maxsize=128)  # a preview renders at each save
def _runs(language: str, code: str) -> tuple[tuple[str, str], ...]:
    """`code` cut into (class, text); the class is empty for what has no colour."""
    from pygments.lexers import get_lexer_by_name  # noqa: PLC0415 - 20 ms
    from pygments.util import ClassNotFound  # noqa: PLC0415

    if len(code) > LARGEST:
        return (("", code),)
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return (("", code),)
    runs = tuple(_joined((_class_of(token), text) for token, text in lexer.get_tokens(code)))
    # A lexer may change what it reads (line ends, a mark at the start); the author's signs weigh more than colours.
    return runs if "".join(text for _, text in runs) == code else (("", code),)


def _joined(pieces: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Neighbours of one class as one, white space between them included."""
    kind, text = "", ""
    for own, piece in [*pieces, ("end", "end")]:
        next_kind = own if piece.strip() else kind
        if next_kind != kind:
            bare = text.rstrip() if kind else text
            yield kind, bare
            yield "", text[len(bare) :]
            kind, text = next_kind, ""
        text += piece


def _class_of(token: _TokenType) -> str:
    return next((name for kind, name in _kinds() if token in kind), "")  # type: ignore[comparison-overlap]


@lru_cache(maxsize=1)
def _kinds() -> tuple[tuple[_TokenType, str], ...]:
    """What Pygments tells apart, each with its class; the first that fits a token counts."""
    from pygments.token import Comment, Generic, Keyword, Literal, Name, Number, Operator, String  # noqa: PLC0415

    return (
        (Comment.Preproc, "hk"),
        (Comment.PreprocFile, "hs"),
        (Comment, "hc"),
        (Keyword.Constant, "hn"),
        (Keyword, "hk"),
        (Operator.Word, "hk"),
        (Name.Tag, "hk"),
        (Generic.Subheading, "hk"),
        (String, "hs"),
        (Generic.Inserted, "hs"),
        (Number, "hn"),
        (Literal.Date, "hn"),
        (Name.Constant, "hn"),
        (Generic.Deleted, "hn"),
        (Name.Function, "hf"),
        (Name.Class, "hf"),
        (Name.Decorator, "hf"),
        (Name.Attribute, "hf"),
        (Generic.Heading, "hf"),
        (Generic.Prompt, "hc"),
    )
