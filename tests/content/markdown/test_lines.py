"""One line, and what it can start."""

from __future__ import annotations

import pytest

from newsletter.content.markdown import lines


def test_tabs_count_to_columns_of_four_before_the_text_and_stay_in_it() -> None:
    assert lines.untab("\tx\ty") == "    x\ty"
    assert lines.untab("-\tx\ty") == "-   x\ty"
    assert lines.untab("> \tx") == ">   x"


@pytest.mark.parametrize("text", ["# a", "- a", "> a", "***", "3. a", "3) a"])
def test_what_would_be_a_mark_inside_a_paragraph_is_escaped(text: str) -> None:
    assert lines.as_text(text, goes_on=True).replace("\\", "") == text
    assert "\\" in lines.as_text(text, goes_on=True)


def test_the_start_of_a_raw_block_is_known_by_its_name() -> None:
    assert [lines.starts_html(text) for text in ("<div>", "</p>", "<!-- x", "<span>", "<T>", "</pre>")] == [
        "div",
        "p",
        "!--",
        "",
        "",
        "",
    ]


def test_the_words_behind_a_fence_are_a_language_and_a_label() -> None:
    assert lines.code_attributes('C++ "a < b"') == ' class="language-c++" title="a &lt; b"'
    assert lines.code_attributes("{.python}") == ' class="language-python"'
    assert lines.code_attributes("") == ""
