"""Read the block structure of Markdown as CommonMark defines it, and write it as python-markdown wants it.

python-markdown nests a list by four spaces only, wants a blank line before a list, knows fences only at the margin, and
takes raw HTML up to its closing tag. Here each line is put into its containers (quotes and list items, CommonMark 0.31
sections 5.1 and 5.2) and written again with four spaces for each list item; code and raw HTML go to python-markdown's
stash, so that no later step reads them as Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape

from newsletter.content.markdown.lines import (
    ABBREVIATION,
    BULLET,
    FENCE,
    HEADING,
    INDENTED,
    ORDERED,
    QUOTE,
    RAW_END,
    RULE,
    SETEXT,
    as_text,
    code_attributes,
    heading,
    indent_of,
    is_too_wide,
    starts_html,
    starts_table,
    strip_markers,
    untab,
)

# Deeper nesting than this is flattened: no reader sees a difference, and no parser after us runs out of stack.
MAX_DEPTH = 20
# A longer line is shown as it is, without Markdown inside: python-markdown's time grows with the square of a line.
MAX_LINE = 40_000
# A longer paragraph goes on as a new one, for the same reason.
MAX_PARAGRAPH = 40_000


@dataclass
class _Container:
    """A quote, a list item whose content starts `width` columns in, or what an extension wants indented by four."""

    kind: str
    width: int = 0
    loose: bool = False

    @property
    def prefix(self) -> str:
        return "> " if self.kind == "quote" else "    "


@dataclass
class _Verbatim:
    """An open fence or raw HTML block, and the lines it has so far."""

    depth: int
    closes: Callable[[str], bool]
    wrap: Callable[[str], str]
    indent: int = 0
    at_blank: bool = False
    code: bool = True
    lines: list[str] = field(default_factory=list)


@dataclass
class Normaliser:
    """Turns lines into lines; `stash` keeps a piece of finished HTML and returns its placeholder.

    `too_deep`, `too_long` and `too_wide` hold the 0-based lines where a limit was met; `code` those of code blocks.
    """

    stash: Callable[[str], str]
    too_deep: list[int] = field(default_factory=list)
    too_long: list[int] = field(default_factory=list)
    too_wide: list[int] = field(default_factory=list)
    code: set[int] = field(default_factory=set)
    _out: list[str] = field(default_factory=list)
    _open: list[_Container] = field(default_factory=list)
    _paragraph: bool = False
    _verbatim: _Verbatim | None = None
    _table: bool = False
    _rows: bool = False  # it is a table and not what else has no underline
    _length: int = 0  # of the paragraph so far; a table's rows do not count, each of its cells is read alone
    _start: tuple[int, int] = (0, 0)  # where the paragraph starts in `_out`: line and column
    _marker: str = ""
    _pending: int = 0  # containers whose marks are still to be written
    _sibling: _Container | None = None

    def run(self, lines: list[str]) -> list[str]:
        """The lines as python-markdown reads them."""
        for number, line in enumerate(lines):
            following = lines[number + 1] if number + 1 < len(lines) else ""
            self._line(untab(line), untab(following), number)
        block = self._verbatim
        if block is not None and block.code:
            block.lines = "\n".join(block.lines).rstrip("\n").split("\n")
        self._close_verbatim()
        self._flush_marker()
        return [*self._out, "", ""]

    # -- one line ------------------------------------------------------------------------------------------------

    def _line(self, line: str, following: str, number: int) -> None:
        matched, rest = self._match_containers(line)
        block = self._verbatim
        if block is not None and self._continue_verbatim(block, matched, rest):
            self.code |= {number} if block.code else set()
            return
        if not rest.strip():
            self._blank(matched)
            return
        opened, rest = self._open_containers(matched, rest, number)
        if not opened and matched < len(self._open) and self._is_lazy(rest):
            self._write(as_text(rest.lstrip(), goes_on=True))
            return
        if not opened:
            self._close_to(matched)
        self._leaf(rest, following, number)

    def _match_containers(self, line: str) -> tuple[int, str]:
        """(how many open containers go on in this line, what is left of it)."""
        rest, blank = line, not line.strip()
        for index, container in enumerate(self._open):
            indent = indent_of(rest)
            if container.kind == "quote":
                quote = QUOTE.match(rest, indent) if indent < 4 else None
                if not quote:
                    return index, rest
                rest = rest[quote.end() :]
            elif blank or not rest.strip():
                continue
            elif indent >= container.width:
                rest = rest[container.width :]
            else:
                return index, rest
        return len(self._open), rest

    def _open_containers(self, matched: int, rest: str, number: int) -> tuple[bool, str]:
        """Open the quotes and list items that start in this line."""
        opened = False
        while True:
            indent = indent_of(rest)
            text = rest[indent:]
            container, marker, content = self._container_at(text, matched, opened)
            if container is None or indent > 3:
                return opened, rest
            if matched >= MAX_DEPTH:
                self.too_deep.append(number)
                return opened, strip_markers(text)
            if not opened:
                self._close_to(matched, sibling=container)
                opened = True
            if self._marker and not self._marker.endswith("> "):
                self._flush_marker()
            else:
                self._separate(container)
            container.width += indent if container.kind != "quote" else 0
            self._open.append(container)
            self._marker, self._pending = self._marker + marker, self._pending + 1
            matched, rest = matched + 1, content
            self._paragraph = False

    def _container_at(self, text: str, matched: int, opened: bool) -> tuple[_Container | None, str, str]:
        interrupts = self._paragraph and not opened and matched == len(self._open)
        if quote := QUOTE.match(text):
            return _Container("quote"), "> ", text[quote.end() :]
        if RULE.match(text):
            return None, "", text
        bullet = BULLET.match(text)
        ordered = None if bullet else ORDERED.match(text)
        match = bullet or ordered
        if not match or (interrupts and (not text[match.end() :].strip() or (ordered and int(ordered[1]) != 1))):
            return None, "", text
        spaces = len(match[match.re.groups])
        content = text[match.end() :]
        if spaces > 4 and content:
            content, spaces = " " * (spaces - 1) + content, 1
        width = match.end() - len(match[match.re.groups]) + (spaces if content else 1)
        marker = "-   " if bullet else f"{int(match[1])}. ".ljust(4)
        return _Container("bullet" if bullet else "ordered", width), marker, content

    def _separate(self, container: _Container) -> None:
        """A blank line where python-markdown needs one to see the container that starts now."""
        sibling, self._sibling = self._sibling, None
        parent = self._open[-1] if self._open else None
        in_item = parent is not None and parent.kind in ("bullet", "ordered") and not parent.loose
        tight = in_item and container.kind != "quote"
        if not self._marker and (sibling.loose if sibling else not tight):
            self._gap()

    def _is_lazy(self, rest: str) -> bool:
        """A paragraph's text goes on in a line that lacks its container's marks (CommonMark 5.1, laziness)."""
        text = rest.strip()
        if not self._paragraph:
            return False
        starts = (HEADING, RULE, FENCE, INDENTED)
        return not (any(start.match(text) for start in starts) or starts_html(text))

    # -- leaves --------------------------------------------------------------------------------------------------

    def _leaf(self, rest: str, following: str, number: int) -> None:
        indent = indent_of(rest)
        text = rest[indent:]
        if not text:
            return
        if indent > 3:
            self._write(as_text(text, goes_on=True) if self._paragraph else rest)
            self.code |= set() if self._paragraph else {number}
        elif fence := FENCE.match(text):
            self._open_fence(fence, indent)
        elif name := starts_html(text):
            self._open_html(name, rest)
        elif marks := HEADING.match(text):
            self._gap()
            self._end_block(heading(len(marks[0].rstrip()), text[marks.end() :]))
        elif RULE.match(text) and not (self._paragraph and not self._table and SETEXT.match(text)):
            self._gap()
            self._end_block("---")
        elif INDENTED.match(text) and len(self._open) < MAX_DEPTH:
            self._open_indented(text)
        else:
            self._text(text, following, number)

    def _text(self, text: str, following: str, number: int) -> None:
        if len(text) > MAX_LINE:
            self.too_long.append(number)
            self._placeholder(f"<p>{escape(text, quote=False)}</p>")
            return
        if self._paragraph and not self._table and SETEXT.match(text):
            self._underline(1 if text[0] == "=" else 2)
            return
        table = starts_table(text, following)
        if ABBREVIATION.match(text):
            self._end_block(text)
            return
        if table and is_too_wide(following):
            self.too_wide.append(number)
            self._end_block(text)
            return
        if self._paragraph and (table or self._length + len(text) > MAX_PARAGRAPH):
            self._gap()
            self._paragraph = False
        goes_on = self._paragraph
        self._length = len(text) + (self._length if goes_on and not self._table else 0)
        if goes_on and self._rows and "|" not in text:
            text = f"| {text} |"  # a row of one cell (GFM 4.10), which python-markdown takes for no row
        start = self._write(as_text(text, goes_on))
        if not goes_on:
            self._start, self._table, self._rows = start, table, table
        self._paragraph = True

    def _underline(self, level: int) -> None:
        """Make a heading of the paragraph so far (CommonMark 4.3)."""
        line, column = self._start
        prefix = len(self._prefix())
        texts = [self._out[line][column:], *(later[prefix:] for later in self._out[line + 1 :])]
        self._out[line] = self._out[line][:column] + heading(level, " ".join(text.strip() for text in texts))
        del self._out[line + 1 :]
        self._gap()
        self._paragraph = False

    def _open_indented(self, text: str) -> None:
        if text.startswith("!!!"):
            self._gap()
        self._start = self._write(text)
        self._open.append(_Container("indented", 4))
        self._paragraph = not text.startswith("!!!")
        self._table, self._rows = True, False  # no underline makes a heading of it

    def _end_block(self, text: str) -> None:
        self._write(text)
        self._gap()
        self._paragraph = False

    def _open_fence(self, match: re.Match[str], indent: int) -> None:
        fence, info = match[1] or match[3], (match[2] or match[4] or "").strip()
        attributes = code_attributes(info)
        closing = re.compile(rf" {{0,3}}{re.escape(fence[0])}{{{len(fence)},}}[ \t]*$")
        self._verbatim = _Verbatim(
            depth=len(self._open),
            closes=lambda line: bool(closing.match(line)),
            wrap=lambda code: f"<pre><code{attributes}>{escape(code, quote=False)}\n</code></pre>",
            indent=indent,
        )

    def _open_html(self, name: str, line: str) -> None:
        end = RAW_END.get(name)
        block = _Verbatim(
            depth=len(self._open),
            closes=lambda text: end is not None and end.search(text) is not None,
            wrap=str,
            at_blank=end is None,
            code=False,
            lines=[line],
        )
        self._verbatim = block
        if block.closes(line):
            self._close_verbatim()

    def _continue_verbatim(self, block: _Verbatim, matched: int, rest: str) -> bool:
        """Put the line into the open fence or HTML block; False where it ended before this line."""
        if matched < block.depth or (block.at_blank and not rest.strip()):
            self._close_verbatim()
            return False
        closing = block.closes(rest)
        if not (closing and block.code):
            block.lines.append(rest[min(block.indent, indent_of(rest)) :])
        if closing:
            self._close_verbatim()
        return True

    def _close_verbatim(self) -> None:
        if self._verbatim:
            block, self._verbatim = self._verbatim, None
            self._placeholder(block.wrap("\n".join(block.lines)))

    def _placeholder(self, html: str) -> None:
        self._gap()
        self._end_block(self.stash(html))

    # -- writing -------------------------------------------------------------------------------------------------

    def _prefix(self) -> str:
        return "".join(container.prefix for container in self._open)

    def _write(self, text: str) -> tuple[int, int]:
        """Write a line into the open containers; returns the line and the column where `text` stands."""
        before = self._open[: len(self._open) - self._pending]
        head = "".join(container.prefix for container in before) + self._marker if self._marker else self._prefix()
        self._marker, self._pending = "", 0
        self._out.append(head + text)
        return len(self._out) - 1, len(head)

    def _flush_marker(self) -> None:
        if self._marker:
            self._write("")

    def _gap(self) -> None:
        """End the block: an empty line, inside the containers that are quotes."""
        if self._marker or not self._out:
            return
        blank = self._prefix().rstrip()
        if self._out[-1].strip(" >"):
            self._out.append(blank)
        self._loosen(len(self._open))

    def _blank(self, matched: int) -> None:
        self._paragraph = False
        if matched < len(self._open):
            quotes = [index for index, container in enumerate(self._open) if container.kind == "quote"]
            if any(index >= matched for index in quotes):
                self._close_to(min(index for index in quotes if index >= matched))
        if self._marker:
            return
        self._out.append(self._prefix().rstrip())
        self._loosen(len(self._open))

    def _loosen(self, depth: int) -> None:
        for container in self._open[:depth]:
            container.loose = True

    def _close_to(self, depth: int, sibling: _Container | None = None) -> None:
        """Close the containers beyond `depth`; a blank line ends them unless `sibling` goes on with the same list."""
        if depth >= len(self._open):
            return
        self._flush_marker()
        same = sibling is not None and self._open[depth].kind == sibling.kind != "quote"
        self._sibling = self._open[depth] if same else None
        del self._open[depth:]
        self._paragraph = False
        if not self._sibling and self._out and self._out[-1].strip(" >"):
            self._out.append(self._prefix().rstrip())
