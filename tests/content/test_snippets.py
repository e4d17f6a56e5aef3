"""Texts that several issues share are put in where they are named, and every line knows where it came from."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.content.issue import Issue
from newsletter.content.reader import read_issue
from newsletter.errors import ContentError
from newsletter.finding import Finding, Severity

HEAD = "---\nsubject: One\n---\n"


@pytest.fixture
def publication(tmp_path: Path) -> Path:
    (tmp_path / "issues").mkdir()
    (tmp_path / "snippets").mkdir()
    return tmp_path


def written(publication: Path, body: str, **snippets: str) -> Issue:
    """The issue with this body, read, after its snippets were written."""
    for name, text in snippets.items():
        (publication / "snippets" / f"{name}.md").write_text(text, encoding="utf-8")
    file = publication / "issues" / "001-one.md"
    file.write_text(HEAD + body, encoding="utf-8")
    return read_issue(file)


def refused(publication: Path, body: str, **snippets: str) -> str:
    with pytest.raises(ContentError) as caught:
        written(publication, body, **snippets)
    assert Path(caught.value.path) == publication / "issues" / "001-one.md"
    return f"{caught.value.message} | {caught.value.hint}".replace(f"{publication}/", "")


def place(issue: Issue, line: int) -> tuple[str, int | None]:
    found = issue.really_at(Finding("x", Severity.INFO, "", issue.file, line, 5))
    return found.file, found.line


def test_a_snippet_stands_where_it_is_named_and_may_name_others(publication: Path) -> None:
    issue = written(
        publication, "Hello\n\n{{ snippet: bye }}\n\nPS\n", bye="See you,\n\n{{snippet: who}}\n", who="The editors\n"
    )
    assert issue.body == "Hello\n\nSee you,\n\nThe editors\n\nPS\n"
    assert [place(issue, line) for line in (2, 4, 6, 7, 8, 10)] == [
        ("issues/001-one.md", 2),
        ("issues/001-one.md", 4),
        ("snippets/bye.md", 1),
        ("snippets/bye.md", 2),
        ("snippets/who.md", 1),
        ("issues/001-one.md", 8),
    ]
    assert issue.text == HEAD + "Hello\n\n{{ snippet: bye }}\n\nPS\n"


def test_within_a_list_a_snippet_belongs_to_its_item_and_columns_are_the_snippets_own(publication: Path) -> None:
    issue = written(publication, "- one\n\n  {{ snippet: more }}\n\n- two\n", more="First\n\nSecond")
    assert issue.body == "- one\n\n  First\n\n  Second\n\n- two\n"
    found = issue.really_at(Finding("x", Severity.INFO, "", issue.file, 8, 5))
    assert (found.file, found.line, found.column) == ("snippets/more.md", 3, 3)


@pytest.mark.parametrize(
    "body", ["```\n{{ snippet: bye }}\n```\n", "Write `{{ snippet: bye }}` so.\n", "No {{ name }}."]
)
def test_in_code_and_without_one_everything_stays_as_typed(publication: Path, body: str) -> None:
    issue = written(publication, body, bye="Bye")
    assert issue.body == body
    assert issue.origins == ()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("\n{{ snippet: gone }}\n", '001-one.md:5: the snippet "gone": snippets/gone.md: there is no such file'),
        ("{{ snippet: ../a }}\n", "001-one.md:4: a snippet that is not alone on its line, or has no name"),
        ("So {{ snippet: bye }}\n", "001-one.md:4: a snippet that is not alone"),
        ("{{ snippet: }}\n", "has no name"),
        ("{{ snippet: round }}\n", '001-one.md:4: snippets/trip.md:1: the snippet "round" would include itself'),
        ("{{ snippet: self }}\n", 'snippets/self.md:3: the snippet "self" would include itself'),
        ("{{ snippet: empty }}\n", "the file is empty"),
        ("{{ snippet: link }}\n", "leads out of its folder"),
        ("{{ snippet: latin }}\n", "snippets/latin.md:1: the file is not UTF-8"),
        ("{{ snippet: deep1 }}\n", "too large"),
    ],
)
def test_what_cannot_be_meant_names_the_line_of_the_issue(publication: Path, body: str, message: str) -> None:
    folder = publication / "snippets"
    (publication / "secret.md").write_text("secret", encoding="utf-8")
    (folder / "link.md").symlink_to(publication / "secret.md")
    (folder / "latin.md").write_bytes(b"caf\xe9")
    deep = {f"deep{n}": f"{{{{ snippet: deep{n + 1} }}}}\n" * 30 for n in range(1, 3)}
    shown = refused(
        publication, body, bye="Bye", round="{{ snippet: trip }}", trip="{{ snippet: round }}",
        self="a\n\n{{ snippet: self }}", empty=" ", deep3="word " * 2000, **deep,
    )  # fmt: skip
    assert message in shown


def test_a_missing_snippet_says_which_there_are(publication: Path) -> None:
    assert "there are: bye" in refused(publication, "{{ snippet: gone }}\n", bye="Bye")


def test_a_changed_snippet_is_a_changed_source_and_another_one_is_not(publication: Path) -> None:
    body = "{{ snippet: bye }}\n"
    first = written(publication, body, bye="Bye", other="x").source_digest
    assert written(publication, body, bye="Bye", other="y").source_digest == first
    assert written(publication, body, bye="Good bye").source_digest != first
    assert written(publication, "Bye\n").source_digest != first


@given(st.lists(st.sampled_from(["own", "{{ snippet: one }}", "{{ snippet: two }}", "", "  {{ snippet: one }}"])))
def test_each_line_leads_back_to_where_it_stands(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    folder = tmp_path_factory.mktemp("publication")
    (folder / "issues").mkdir()
    (folder / "snippets").mkdir()
    snippets = {"snippets/one.md": ["a", "", "{{ snippet: two }}"], "snippets/two.md": ["b", "c"]}
    body = "\n".join([*lines, "end"])
    issue = written(
        folder, body, one="\n".join(snippets["snippets/one.md"]), two="\n".join(snippets["snippets/two.md"])
    )
    sources = snippets | {"issues/001-one.md": (HEAD + body).split("\n")}
    for number, line in enumerate(issue.body.split("\n"), start=issue.body_line):
        file, at = place(issue, number)
        assert at is not None
        assert sources[file][at - 1].strip() == line.strip()
        assert issue.counted(file, at) is not None
