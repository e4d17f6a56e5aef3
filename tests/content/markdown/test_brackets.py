"""Only a bracket that can open no link is set aside."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.content.markdown.brackets import hide_hopeless


def hidden(text: str) -> str:
    return hide_hopeless(text, "{", "<")


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("[a](b)", "[a](b)"),
        ("[ [a](b)", "{ [a](b)"),
        ("[a](b", "[a]<b"),
        ("[a][", "[a]{"),
        ("[a `[` b](c)", "[a `[` b](c)"),
        ("[a \\[ b](c)", "[a \\[ b](c)"),
        ('[a](b "(")', '[a](b "(")'),
        ("[a](<b(>)", "[a](<b(>)"),
        ("[a](b(c)d)", "[a](b(c)d)"),
        ("[![a](b)](c)", "[![a](b)](c)"),
        ("`` ` [` `` [", "`` ` [` `` {"),
    ],
)
def test_brackets(text: str, want: str) -> None:
    assert hidden(text) == want


def test_links_nested_deeper_than_anybody_means_are_text() -> None:
    assert hidden("[" * 20 + "a" + "]" * 20) == "{" * 12 + "[" * 8 + "a" + "]" * 20


@given(st.text("[]()`\\ab\"'<> ", max_size=60))
def test_nothing_but_brackets_is_replaced(text: str) -> None:
    pairs = zip(text, hidden(text), strict=True)
    assert all(before == after or (before, after) in (("[", "{"), ("(", "<")) for before, after in pairs)


@given(st.text("ab c", max_size=20), st.text("ab/", max_size=20))
def test_a_whole_link_is_never_touched(text: str, address: str) -> None:
    link = f"[{text}]({address})"
    assert hidden(f"[ {link} ( {link}").count(link) == 2
