"""Variables filled for one reader."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.render.fill import fill


def test_a_variable_becomes_its_value_escaped_in_html_only() -> None:
    values = {"name": "A & <b>\"'", "unsubscribe_url": "https://x.example/u/a-_.b"}
    assert fill("Hi {{name}}{{ name }}", values, html=False) == "Hi A & <b>\"'A & <b>\"'"
    assert fill("<a href='{{unsubscribe_url}}'>{{name}}</a>", values, html=True) == (
        "<a href='https://x.example/u/a-_.b'>A &amp; &lt;b&gt;&quot;&#x27;</a>"
    )


def test_a_variable_without_a_value_becomes_nothing() -> None:
    assert fill("[{{none}}]", {}, html=True) == "[]"


def test_other_braces_stay_as_they_are() -> None:
    for text in ("{name}", "{{", "{{}}", "{{ a b }}", "{{1}}", "{{#if x}}", "{% x %}", "{{a\n}}"):
        assert fill(text, {"name": "x", "a": "x", "1": "x"}, html=False) == text


def test_what_a_value_holds_is_never_expanded() -> None:
    values = {"a": "{{b}}", "b": "no", "open": "{{", "name": "b}}"}
    assert fill("{{a}} {{open}}{{name}}", values, html=False) == "{{b}} {{b}}"
    assert fill(r"{{a}}", {"a": r"\1\g<0>"}, html=False) == r"\1\g<0>"


PIECES = st.lists(st.tuples(st.text(st.characters(exclude_characters="{}")), st.sampled_from("abc")))


@settings(deadline=None)  # the machine may be busy
@given(PIECES, st.fixed_dictionaries({name: st.text() for name in "abc"}))
def test_values_stand_between_the_pieces_of_a_template(pieces: list[tuple[str, str]], values: dict[str, str]) -> None:
    template = "".join(f"{text}{{{{{name}}}}}" for text, name in pieces)
    assert fill(template, values, html=False) == "".join(text + values[name] for text, name in pieces)


def test_a_million_braces_are_no_trouble() -> None:
    began = time.process_time()
    for text in ("{" * 1_000_000, "{{a" * 300_000, "{{" + "a" * 1_000_000, "{{" + " " * 1_000_000):
        fill(text, {}, html=False)
    assert time.process_time() - began < 5
