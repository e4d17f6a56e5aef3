"""Styles inlined, classes that nothing needs taken out, lines folded where nobody sees it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from newsletter.render.inline import fold, inline

PAGE = """<!DOCTYPE html><html><head><title>T</title>
<style data-premailer="ignore">@media (max-width:480px){.kept{color:red!important}}</style></head>
<body><p class="kept gone" id="x">a</p><p id="target">b <a href="#target">up</a></p></body></html>"""


def test_rules_are_inlined_and_only_the_needed_classes_and_ids_stay() -> None:
    result = inline(PAGE, "p { color: #111; margin: 0 }")
    assert '<p class="kept" style="color:#111;margin:0">a</p>' in result
    assert '<p id="target"' in result
    assert ".kept{color:red!important}" in result


def test_the_same_page_gives_the_same_bytes() -> None:
    assert inline(PAGE, "p{color:#111}") == inline(PAGE, "p{color:#111}")


def longest(text: str) -> int:
    return max(len(line.encode()) for line in text.split("\n"))


def shown(text: str) -> str:
    tree = html.fragment_fromstring(f"<div>{text}</div>")
    for comment in tree.xpath(".//comment()"):
        comment.drop_tag()
    return str(tree.text_content())


@given(
    st.lists(
        st.sampled_from(["word ", "日本語", "&amp;", "ไทย", "e\u0301", "<b>x</b>", 'a<i title="q q">y</i>']),
        max_size=400,
    )
)
def test_no_line_is_longer_than_the_limit_and_no_text_changes(parts: list[str]) -> None:
    text = "".join(parts)
    folded = fold(text, 100)
    assert longest(folded) <= 130
    assert re.sub(r"\s", " ", shown(folded)) == re.sub(r"\s", " ", shown(text))


@given(
    st.lists(
        st.sampled_from(
            [
                "word ",
                "日本語",
                "e\u0301",
                "\n",
                '<a href="x y">',
                "</a>",
                "<pre>",
                "</pre>",
                "<!-- c\nc -->",
                'x="y z" ',
            ]
        ),
        max_size=80,
    )
)
def test_lines_that_are_short_enough_are_passed_over_without_a_difference(parts: list[str]) -> None:
    text, nothing = "".join(parts), re.compile("(?!)")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("newsletter.render.inline._PLAIN_LINE", nothing)
        slowly = fold(text, 40)
    assert fold(text, 40) == slowly


def test_text_in_pre_keeps_its_lines() -> None:
    text = f"<pre>{'x y ' * 400}</pre>"
    folded = fold(text, 200)
    assert longest(folded) <= 200
    assert shown(folded) == shown(text)


def test_a_variable_is_never_cut() -> None:
    text = "".join(f"{{{{unsubscribe_url}}}}{'日' * number}" for number in range(60))
    assert fold(text, 120).count("{{unsubscribe_url}}") == 60
