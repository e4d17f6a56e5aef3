"""Figures in columns, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """`rows` below `header`: the first column to the left, the others to the right."""
    sizes = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    return "\n".join(_line(row, sizes) for row in (header, ["-" * size for size in sizes], *rows))


def _line(row: Sequence[str], sizes: Sequence[int]) -> str:
    first, *others = (cell.rjust(size) for cell, size in zip(row, sizes, strict=True))
    return "  ".join([first.strip().ljust(sizes[0]), *others]).rstrip()
