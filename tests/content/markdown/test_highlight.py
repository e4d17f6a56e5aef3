"""Code in colours: the author's signs stay as they are, and little is added to them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from newsletter.content.markdown.document import read_markdown
from newsletter.content.markdown.highlight import CLASSES, LARGEST, highlight, plain_beyond


def coloured(markdown: str) -> html.HtmlElement:
    root = read_markdown(markdown).root
    highlight(root)
    return root


def spans(root: html.HtmlElement) -> list[tuple[str, str]]:
    return [(str(span.get("class")), str(span.text_content())) for span in root.iter("span")]


def test_code_in_a_known_language_has_a_span_for_each_run_of_one_meaning() -> None:
    root = coloured("```python\ndef f(x):\n    return 'a' 'b', 3  # why\n```")
    assert spans(root) == [
        ("hk", "def"),
        ("hf", "f"),
        ("hk", "return"),
        ("hs", "'a' 'b'"),
        ("hn", "3"),
        ("hc", "# why"),
    ]
    assert str(root.text_content()).strip() == "def f(x):\n    return 'a' 'b', 3  # why"


@pytest.mark.parametrize("language", ["nope", "text", "", "c++++", "../x"])
def test_code_in_no_language_or_one_that_nobody_knows_is_plain(language: str) -> None:
    root = read_markdown(f"```{language}\ndef f(): pass\n```").root
    assert not highlight(root)
    assert not spans(root)


def test_what_was_added_and_removed_is_told_apart() -> None:
    assert spans(coloured("```diff\n-old\n+new\n```")) == [("hn", "-old"), ("hs", "+new")]


def test_a_diagram_and_very_long_code_have_no_colours() -> None:
    assert not spans(coloured("```python\n┌──┐\n│if│\n└──┘\n```".replace("python", "diagram")))
    assert not spans(coloured("```python\n" + "if x: pass\n" * (LARGEST // 10) + "```"))


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t'\"#{}<>&"), max_size=80),
    st.sampled_from(["python", "html", "bash", "json", "yaml", "console", "diff"]),
)
def test_no_sign_of_the_code_is_lost_or_changed(code: str, language: str) -> None:
    element = html.fragment_fromstring("<div><pre><code></code></pre></div>")
    element[0][0].text = code
    element[0][0].set("class", f"language-{language}")
    highlight(element)
    assert element.text_content() == code
    assert {name for name, _ in spans(element)} <= set(CLASSES)


def test_an_issue_full_of_code_keeps_its_colours_up_to_a_number_of_spans() -> None:
    root = coloured("```python\nif x: y\n```\n\n```python\nif 1: 2\n```\n\n```python\nif z: y\n```")
    plain_beyond(root, 2)
    assert spans(root) == [("hk", "if"), ("hk", "if")]
    assert "if 1: 2" in str(root.text_content())
