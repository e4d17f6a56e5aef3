"""An author's merge tags come out as they went in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.content.markdown.document import read_markdown
from newsletter.content.markdown.mergetags import Shield, Typed


@given(st.text("{}abz |\"'\\\n.z0 é中", max_size=80) | st.text(max_size=60))
def test_what_is_hidden_is_revealed_as_it_was(text: str) -> None:
    shield = Shield.for_sources([text])
    assert shield.reveal(shield.hide(text), lambda tag: tag.source) == text


@given(st.lists(st.sampled_from(["{{ a }}", "{{a.b|f(1)}}", "x", "\n", "{{ {", "}}", " "]), max_size=20))
def test_each_tag_is_known_by_its_line_and_column(pieces: list[str]) -> None:
    text = "".join(pieces)
    shield = Shield.for_sources([text])
    shield.hide(text, first_line=5)
    lines = text.split("\n")
    for tag in shield.tags:
        assert tag.line is not None and tag.column is not None
        assert lines[tag.line - 5][tag.column - 1 :].startswith(tag.source)


@pytest.mark.parametrize("text", ["{{{ raw }}}", "\\{{ a }}", "{{#if a}}", "{{ 1 + 1 }}", "{{ a }", "{% if %}", "{{}}"])
def test_what_is_no_merge_tag_is_left_alone(text: str) -> None:
    assert Shield.for_sources([text]).hide(text) == text


def test_a_tag_passes_through_markdown_wherever_it_stands() -> None:
    source = (
        'Hi {{ first_name | default("*you*") }}\n\n| a |\n|---|\n| {{ x | upper }} |\n\n'
        "[a](https://x.org/?u={{ id }}) `{{ code }}`\n\n## {{ title }}\n"
    )
    shield = Shield.for_sources([source])
    from lxml import html

    made = html.tostring(read_markdown(shield.hide(source)).root, encoding="unicode")
    revealed = shield.reveal(made, lambda tag: f"<{tag.expression}>")
    assert [tag.expression for tag in shield.tags] == [
        'first_name | default("*you*")',
        "x | upper",
        "id",
        "code",
        "title",
    ]
    for tag in shield.tags:
        assert f"<{tag.expression}>" in revealed
    assert 'href="https://x.org/?u=<id>"' in revealed


def test_tokens_are_the_same_each_time_and_occur_in_no_source() -> None:
    first = Shield.for_sources(["a"])
    assert first.prefix == Shield.for_sources(["a"]).prefix
    token = first.token(Typed("{{ a }}"))
    again = Shield.for_sources(["a", token])
    assert again.prefix not in token
