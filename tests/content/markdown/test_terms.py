"""A term is marked where a reader meets it first, and nowhere else."""

from __future__ import annotations

import pytest

from newsletter.content.glossary import Term
from newsletter.content.markdown.document import Document, read_markdown

TERMS = [
    Term("token", "A piece of text.", "https://x.org/token"),
    Term("large language model", "A big one."),
    Term("AI", "What this is about."),
    Term("提示词", "给模型的话。"),
    Term("café", "A place."),
]


def read(source: str) -> Document:
    return read_markdown(source, {term.term: term for term in TERMS})


def marked(source: str) -> list[str]:
    return [str(span.text) for span in read(source).root.iter("span") if span.get("class") == "term"]


def test_only_the_first_use_is_marked_and_defined_after_its_block() -> None:
    document = read("A token is a token.\n\nA Token.")
    assert [child.tag for child in document.root] == ["p", "aside", "p"]
    assert [term.term for term in document.terms] == ["token"]
    aside = document.root[1]
    assert str(aside.text_content()).strip() == "token A piece of text."
    assert [link.get("href") for link in aside.iter("a")] == ["https://x.org/token"]


@pytest.mark.parametrize(
    ("source", "want"),
    [
        ("Tokens matter", ["Tokens"]),
        ("LARGE\nlanguage models", ["LARGE\nlanguage models"]),
        ("tokenize, a_token, token2", []),
        ("the ai of AI, AIs", ["AI"]),
        ("写好提示词很重要", ["提示词"]),
        ("a cafe\u0301 or café", ["café"]),
        ("**token** and *AI*", ["token", "AI"]),
        ("to**ken**", []),
        ("# token\n\n`token` [token](x) <kbd>token</kbd>\n\n    token", []),
        ("|token|\n|-|\n|token|", ["token"]),
        ("- a\n  - token", ["token"]),
        ('"token" (AI), token\'s', ["token", "AI"]),
    ],
)
def test_where_a_term_is_found(source: str, want: list[str]) -> None:
    assert marked(source) == want


def test_an_issue_without_terms_is_as_it_was() -> None:
    assert (marked("nothing here"), read("nothing here").terms) == ([], ())
