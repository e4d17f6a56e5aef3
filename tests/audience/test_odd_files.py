"""Lists as spreadsheets and old programs write them: encodings, separators, quotation marks, columns twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.audience.files import Entry, Origin, Reject, describe_columns, read_list
from newsletter.errors import NewsletterError, UsageError


def read(path: Path, data: bytes, **origin: str) -> list[tuple[str, str]]:
    path.write_bytes(data)
    found = list(read_list(path, Origin(**origin)))  # type: ignore[arg-type]
    assert all(isinstance(entry, Entry) for entry in found), found
    return [(entry.email, entry.name) for entry in found if isinstance(entry, Entry)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "list.csv"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_every_unicode_is_known_by_its_first_bytes_whatever_ends_its_lines(
    path: Path, encoding: str, ends: str
) -> None:
    text = "email\tname\na@x.example\tJörg 文\n".replace("\n", ends)
    assert read(path, text.encode(encoding)) == [("a@x.example", "Jörg 文")]


def test_an_old_encoding_is_read_when_it_is_named(path: Path) -> None:
    data = "email;name\na@x.example;Jörg “€”\n".encode("cp1252")
    with pytest.raises(NewsletterError, match=r"list\.csv:2: not UTF-8") as refused:
        read(path, data)
    assert "--encoding cp1252" in refused.value.hint
    assert read(path, data, encoding="cp1252") == [("a@x.example", "Jörg “€”")]
    assert describe_columns(path, Origin("cp1252")) == [("email", "email"), ("name", "name")]
    with pytest.raises(UsageError, match="no encoding"):
        read(path, data, encoding="klingon")
    with pytest.raises(NewsletterError, match="not ascii"):
        read(path, data, encoding="ascii")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("first", ["", "sep={}\r\n"])
def test_the_separator_is_found_or_told_as_excel_does(path: Path, separator: str, first: str) -> None:
    text = first.format(separator) + separator.join(["email", "name"]) + "\r\n"
    text += separator.join(["a@x.example", '"Ada, ""the"" first;\nof all"']) + "\r\n"
    assert read(path, text.encode()) == [("a@x.example", 'Ada, "the" first; of all')]


def test_a_line_break_in_quotation_marks_is_a_line_of_the_file(path: Path) -> None:
    path.write_text('sep=,\nemail,note\na@x.example,"two\nlines"\nnobody,\n', encoding="utf-8")
    _, bad = read_list(path)
    assert isinstance(bad, Reject)
    assert bad.line == 5


def test_of_columns_that_stand_twice_the_better_known_is_taken(path: Path) -> None:
    data = b"Name,Email,E-Mail,Email,Name\nAda,a@x.example,b@x.example,c@x.example,Nobody\n"
    assert read(path, data) == [("a@x.example", "Ada")]
    assert [role for _, role in describe_columns(path)] == ["name", "email", "", "", ""]


def test_short_and_long_lines_are_taken_for_what_they_hold(path: Path) -> None:
    data = b"email,name,tags\na@x.example\n\nb@x.example,Bo,x,more,and more\n , ,\n"
    assert read(path, data) == [("a@x.example", ""), ("b@x.example", "Bo")]
