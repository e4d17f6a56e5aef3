"""The sample issues hold what an issue can hold, and their numbers are right."""

from __future__ import annotations

import contextlib
import io
import re
from collections import Counter
from itertools import accumulate, pairwise
from pathlib import Path

import pytest
from drawings import diagrams, fenced, right_edges
from wcwidth import wcwidth

from newsletter.content.glossary import read_glossary
from newsletter.content.issue import Issue, Status
from newsletter.content.markdown.document import Document, read_markdown
from newsletter.content.markdown.mergetags import PLAUSIBLE
from newsletter.content.prose import prose_of
from newsletter.content.reader import read_folder

ROOT = Path(__file__).parents[2]
FOLDER = read_folder(ROOT / "issues")
ISSUES = FOLDER.issues
GLOSSARY = read_glossary(ROOT)
each = pytest.mark.parametrize("issue", ISSUES, ids=[issue.slug for issue in ISSUES])


def document_of(issue: Issue) -> Document:
    return read_markdown(issue.body, GLOSSARY, issue.file, issue.body_line)


def words_of(issue: Issue) -> int:
    """The words of the running text, without code, diagrams, tables and the explanations of terms."""
    root = read_markdown(issue.body).root
    for element in list(root.iter("pre", "figure", "table")):
        element.drop_tree()
    return len(re.findall(r"\w[\w'’.,-]*", str(root.text_content())))


def test_there_are_three_and_each_leads_to_the_next() -> None:
    assert FOLDER.broken == ()
    assert [(issue.number, issue.path.name[:4]) for issue in ISSUES] == [(1, "001-"), (2, "002-"), (3, "003-")]
    assert [issue.next for issue in ISSUES] == [ISSUES[1].slug, ISSUES[2].slug, ""]


@each
def test_an_issue_is_complete_and_has_a_good_length(issue: Issue) -> None:
    assert issue.status == Status.READY
    assert all((issue.subject, issue.title, issue.subtitle, issue.preheader, issue.author, issue.tags))
    assert 600 <= words_of(issue) <= 1200
    assert (issue.notes, document_of(issue).findings) == ((), ())


@each
def test_its_diagram_is_straight(issue: Issue) -> None:
    (edges,) = right_edges(issue.body)
    assert len(edges) == 1
    assert max(edges) <= 60


def test_a_diagram_holds_signs_of_two_columns() -> None:
    drawn = "".join(code for issue in ISSUES for code in diagrams(issue.body))
    assert {wcwidth(char) for char in drawn if char != "\n"} == {1, 2}


def test_each_term_of_the_glossary_is_explained_where_it_first_stands() -> None:
    found = [document_of(issue).terms for issue in ISSUES]
    assert all(3 <= len(terms) <= 6 for terms in found)
    assert {term for terms in found for term in terms} == set(GLOSSARY.values())
    assert len(GLOSSARY) >= 12


def test_a_term_leads_to_one_of_our_issues_or_a_public_page() -> None:
    ours = {f"https://plain-ai.example/{issue.slug}/" for issue in ISSUES}
    public = ("https://arxiv.org/abs/", "https://en.wikipedia.org/wiki/", "https://nlp.stanford.edu/projects/")
    assert all(term.url in ours or term.url.startswith(public) for term in GLOSSARY.values())


def test_together_they_show_every_element() -> None:
    roots = [document_of(issue).root for issue in ISSUES]
    paths = (
        "//h2/span[@class='number']", "//ul/li", "//li//ul/li", "//ol/li", "//figure[@class='diagram']", "//table//td",
        "//pre/code[@class='language-python']", "//blockquote", "//em", "//strong", "//aside[@class='note']",
        "//div[@class='footnote']", "//a[starts-with(@href, 'https://')]",
    )  # fmt: skip
    missing = [path for path in paths if not any(root.xpath(path) for root in roots)]
    assert missing == []
    assert all(root.xpath("//h2/span[@class='number']") for root in roots)
    assert not any(root.xpath("//img") for root in roots)


def test_they_greet_use_a_value_of_their_own_and_show_braces() -> None:
    tags = Counter(match[1].strip() for issue in ISSUES for match in PLAUSIBLE.finditer(prose_of(issue.body).text))
    assert tags == {'name | default("there")': 2, "vars.vectors": 1, "vars.measured": 1}
    everywhere = Counter(match[1].strip() for issue in ISSUES for match in PLAUSIBLE.finditer(issue.body))
    assert everywhere - tags == {"history": 1, "question": 1}


@each
def test_its_code_does_not_wrap_in_a_mail(issue: Issue) -> None:
    (code,) = fenced(issue.body, "python")
    assert max(map(len, code.split("\n"))) <= 60


@pytest.mark.parametrize("issue", ISSUES[1:], ids=[issue.slug for issue in ISSUES[1:]])
def test_its_code_prints_what_it_says(issue: Issue) -> None:
    (code,) = fenced(issue.body, "python")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})
    assert printed.getvalue().split("\n")[:-1] == re.findall(r"^print.*  # (.+)$", code, re.M)


def row(issue: Issue, start: str) -> list[str]:
    """The cells of the one table row that begins with `start`."""
    (line,) = [line for line in issue.body.split("\n") if re.match(rf"\|\s*{re.escape(start)}\s*\|", line)]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_byte_pairs_are_counted_right() -> None:
    words = [tuple(word) for word in "tea tea tea team team steam steam stream".split()]
    assert sum(map(len, words)) == 33
    for turn in range(1, 5):
        pairs = Counter(pair for word in words for pair in pairwise(word)).most_common(2)
        (pair, times), (_, second) = pairs
        assert times > second
        words = [joined(word, pair) for word in words]
        assert row(ISSUES[0], str(turn)) == [str(turn), " + ".join(pair), str(times), str(sum(map(len, words)))]
    assert words[-3:] == [("steam",), ("steam",), ("s", "t", "r", "ea", "m")]


def joined(word: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    parts: list[str] = []
    for piece in word:
        if parts and (parts[-1], piece) == pair:
            parts[-1] += piece
        else:
            parts.append(piece)
    return tuple(parts)


def test_the_tokens_of_a_conversation_are_added_up_right() -> None:
    read = [300 + 250 * earlier + 50 for earlier in range(31)]
    for turn in (1, 10, 20, 30):
        total = list(accumulate(read))[turn - 1]
        assert row(ISSUES[1], str(turn)) == [str(turn), f"{read[turn - 1]:,}", f"{total:,}"]
    assert read[30] + 200 == 8050


def test_the_bars_of_the_window_are_to_scale() -> None:
    (window,) = diagrams(ISSUES[1].body)
    bars = re.findall(r"([\d,]+)  (█+)", window)
    sizes = [int(number.replace(",", "")) for number, _ in bars]
    assert (len(sizes), sum(sizes)) == (5, 8000)
    assert [len(bar) * 200 for _, bar in bars] == sizes
