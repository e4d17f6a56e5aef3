"""Real newsletters come out with what a CommonMark renderer finds in them, element for element."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from lxml import html
from markdown_it import MarkdownIt

from newsletter.content.markdown.document import parse, read_markdown
from newsletter.content.reader import read_issue

CORPUS = Path(__file__).parents[4] / "shared" / "corpus"
FILES = sorted(path for path in CORPUS.rglob("*.m*") if path.name != "README.md")
# Where we differ, in which element and by how many, and why (docs/markdown.md tells the same to editors).
EXPLAINED = {
    ("2022-08-15-update.md", "a"): 1,  # a bare address, which CommonMark leaves as text
    ("2024-03-24-update.md", "a"): 1,  # the same
}

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared/corpus is not on this machine"),
]


def counts(root: html.HtmlElement) -> Counter[str]:
    wanted = ("li", "img", "pre", "td", "th", "em", "strong", "code", "blockquote")
    found = Counter({name: len(list(root.iter(name))) for name in wanted})
    found["a"] = sum(1 for link in root.iter("a") if link.get("href"))
    found["nested li"] = len(root.xpath("//li[ancestor::li]"))
    found["heading"] = len(list(root.iter("h1", "h2", "h3", "h4", "h5", "h6")))
    return found


def theirs(body: str) -> html.HtmlElement:
    return parse(MarkdownIt("commonmark").enable("table").render(body))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_elements_of_a_newsletter_are_those_of_commonmark(path: Path) -> None:
    body = read_issue(path).body
    ours, reference = counts(read_markdown(body).root), counts(theirs(body))
    differ = {name: ours[name] - reference[name] for name in reference if ours[name] != reference[name]}
    assert differ == {name: by for (file, name), by in EXPLAINED.items() if file == path.name}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_word_of_a_newsletter_is_lost(path: Path) -> None:
    body = read_issue(path).body
    reference = Counter(str(theirs(body).text_content()).split())
    assert reference - Counter(str(read_markdown(body).root.text_content()).split()) == Counter()


def test_all_the_corpus_is_measured() -> None:
    assert len(FILES) == 41
