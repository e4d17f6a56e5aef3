"""Mended files keep their line ends, and nothing that somebody else wrote meanwhile is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from newsletter.check.mending import Mend
from newsletter.errors import NewsletterError
from newsletter.pipeline.mending import difference, write_mended

if TYPE_CHECKING:
    from conftest import Press

TEXT = b"---\nsubject: a\n---\n\n##B\n"
SPACE = (Mend(22, 22, " ", "heading-crowded", 5),)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (TEXT, TEXT.replace(b"##B", b"## B")),
        (TEXT.replace(b"\n", b"\r\n"), TEXT.replace(b"##B", b"## B").replace(b"\n", b"\r\n")),
        (b"\xef\xbb\xbf" + TEXT, b"\xef\xbb\xbf" + TEXT.replace(b"##B", b"## B")),
    ],
)
def test_line_ends_and_byte_order_mark_stay(press: Press, before: bytes, after: bytes) -> None:
    path = press.folder / "issues" / "a.md"
    path.write_bytes(before)
    path.chmod(0o640)
    write_mended(press.issue("a"), SPACE)
    assert path.read_bytes() == after
    assert path.stat().st_mode & 0o777 == 0o640
    assert [file.name for file in path.parent.iterdir()] == ["a.md"]


def test_a_file_that_changed_meanwhile_is_not_written(press: Press) -> None:
    path = press.folder / "issues" / "a.md"
    path.write_bytes(TEXT)
    issue = press.issue("a")
    path.write_bytes(TEXT + b"more")
    with pytest.raises(NewsletterError, match="changed while it was checked"):
        write_mended(issue, SPACE)
    assert path.read_bytes() == TEXT + b"more"


@pytest.mark.parametrize("mixed", [b"\r\n\n", b"\r\n\r", b"\n\r"])
def test_a_file_with_several_kinds_of_line_ends_is_not_written(press: Press, mixed: bytes) -> None:
    path = press.folder / "issues" / "a.md"
    path.write_bytes(TEXT + mixed)
    with pytest.raises(NewsletterError, match="several kinds"):
        write_mended(press.issue("a"), SPACE)
    assert path.read_bytes() == TEXT + mixed


def test_the_difference_names_file_and_lines(press: Press) -> None:
    path = press.folder / "issues" / "a.md"
    path.write_bytes(TEXT)
    assert difference(press.issue("a"), SPACE)[-4:] == [" ---", " ", "-##B", "+## B"]
