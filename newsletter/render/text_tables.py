"""Tables of data as columns of plain text, or row by row where the columns do not fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from lxml import html

from newsletter.content.markdown.diagrams import columns
from newsletter.render.text_inline import Notes, inline
from newsletter.render.wrapping import NO_BREAK, wrap

_GAP = "  "
_LAYOUT = ("table", "ul", "ol", "pre", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "figure", "div")
_WIDEST_SPAN = 50  # columns that one cell may cover


def is_data_table(table: html.HtmlElement) -> bool:
    """Whether the cells are values; in a table made for its looks they hold blocks, and are read one by one."""
    if table.get("role") == "presentation":
        return False
    return next(table.iterdescendants(*_LAYOUT), None) is None


def table_blocks(table: html.HtmlElement, width: int, notes: Notes) -> list[list[str]]:
    """The caption, and the rows as one block of aligned columns, or each row as a block of `Header: cell` lines."""
    caption = [wrap(inline([element], notes), width) for element in table.iter("caption")]
    elements = [[cell for cell in row if cell.tag in ("td", "th")] for row in table.iter("tr")]
    elements = [row for row in elements if row]
    rows = [list(_cells(row, notes)) for row in elements]
    if not any(map(any, rows)):
        return caption
    has_header = all(cell.tag == "th" for cell in elements[0]) and any(rows[0])
    rows = [row for row in rows if any(row)]
    sides = [_is_right(cell) for cell in elements[-1]]
    aligned = _aligned(rows, sides, has_header, width)
    return [*caption, aligned] if aligned else caption + _row_by_row(rows, has_header, width)


def _cells(row: Sequence[html.HtmlElement], notes: Notes) -> Iterator[str]:
    for cell in row:
        yield " ".join(inline([cell], notes).replace(NO_BREAK, " ").split("\n"))
        span = cell.get("colspan", "")
        if span.isascii() and span.isdigit() and len(span) < 4:
            yield from [""] * (min(int(span), _WIDEST_SPAN) - 1)


def _is_right(cell: html.HtmlElement) -> bool:
    style = "".join(cell.get("style", "").lower().split())
    return "text-align:right" in style or cell.get("align", "").lower() == "right"


def _aligned(rows: Sequence[Sequence[str]], sides: Sequence[bool], has_header: bool, width: int) -> list[str]:
    """The rows in columns, the header underlined; nothing where they do not fit into `width`."""
    count = max(map(len, rows))
    full = [[*row, *[""] * (count - len(row))] for row in rows]
    sizes = [max(map(columns, column)) for column in zip(*full, strict=True)]
    if sum(sizes) + len(_GAP) * (count - 1) > width:
        return []
    to_right = [*sides, *[False] * count][:count]
    lines = [_line(row, sizes, to_right) for row in full]
    if has_header:
        lines.insert(1, _GAP.join("-" * size for size in sizes))
    return lines


def _line(row: Sequence[str], sizes: Sequence[int], to_right: Sequence[bool]) -> str:
    cells = []
    for cell, size, right in zip(row, sizes, to_right, strict=True):
        blank = " " * (size - columns(cell))
        cells.append(blank + cell if right else cell + blank)
    return _GAP.join(cells).rstrip()


def _row_by_row(rows: Sequence[Sequence[str]], has_header: bool, width: int) -> list[list[str]]:
    header, body = (rows[0], rows[1:]) if has_header and len(rows) > 1 else ([], rows)
    return [_record(header, row, width) for row in body]


def _record(header: Sequence[str], row: Sequence[str], width: int) -> list[str]:
    lines = []
    for name, cell in zip_longest(header, row, fillvalue=""):
        if cell:
            first, *rest = wrap(f"{name.rstrip(':')}: {cell}" if name else cell, width - 2)
            lines += [first, *("  " + line for line in rest)]
    return lines
