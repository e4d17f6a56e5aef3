"""The merge language: what a tag means for a reader."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.render.merge import constant, evaluate, parse, reader_fields, safe


@pytest.mark.parametrize(
    ("source", "name", "value"),
    [
        ("name", "Ada", "Ada"),
        ('name | default("there")', "", "there"),
        ("name|default('there')", "  ", "there"),
        ('name | default: "there"', "", "there"),
        ('name | default "there"', "Ada", "Ada"),
        ('first_name | default("you") | upper', "Ada Lovelace", "ADA"),
        ("first_name | lower | capitalize", "ADA", "Ada"),
        ("email", "Ada", "ada@reader.example"),
        ('name | default("a | b")', "", "a | b"),
    ],
)
def test_a_tag_is_the_readers_value_or_its_default(source: str, name: str, value: str) -> None:
    assert evaluate(source, reader_fields(name, "ada@reader.example", "")) == value


STAFF = 'email | ends("@Example.org") | then("Hello, colleague.") | default("Hello.")'


@pytest.mark.parametrize(
    ("source", "name", "email", "value"),
    [
        (STAFF, "", "ada@example.ORG", "Hello, colleague."),
        (STAFF, "", "ada@example.com", "Hello."),
        ('name | then("We know you.")', "Ada", "", "We know you."),
        ('name | then("We know you.")', " ", "", ""),
        ('name | equals("ADA lovelace") | then("Yes") | default("No")', "Ada Lovelace", "", "Yes"),
        ('first_name | equals("Ada") | then("Yes") | default("No")', "Adam", "", "No"),
        ('name | contains("love") | default("No")', "Ada Lovelace", "", "Ada Lovelace"),
        ('name | starts("ada") | then("Yes")', "Ada", "", "Yes"),
        ('name | starts("b") | then("Yes")', "Ada", "", ""),
        ('name | then("R&D") | default("it\'s")', "", "", "it’s"),
        ('name | then("R&D") | default("it\'s")', "Ada", "", "R＆D"),
        ('unsubscribe_url | then("R&D")', "", "", "R＆D"),
    ],
)
def test_filters_are_if_and_else(source: str, name: str, email: str, value: str) -> None:
    assert evaluate(source, reader_fields(name, email, "https://u.example")) == value


@pytest.mark.parametrize(
    "source",
    ["", "| default('x')", "name default('x')", "name | shout", "name | upper('x')", "name | default", "name | then"],
)
def test_what_is_no_tag_is_told_in_a_sentence(source: str) -> None:
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        parse(source)


def test_an_address_of_ours_is_never_changed() -> None:
    link = "https://plain-ai.example/unsubscribe/WzFd.abc_-"
    assert evaluate("unsubscribe_url", reader_fields("", "", link)) == link


def test_a_constant_is_its_text() -> None:
    assert evaluate(constant("{{"), {}) == "{{"


@given(st.text())
def test_no_name_holds_what_a_template_engine_would_change(name: str) -> None:
    value = evaluate("name", reader_fields(name, "", ""))
    assert not set(value) & set("&<>\"'`=\r\n\x00")
    assert safe(value) == value
