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


TAGGED = reader_fields(
    "", "ada@reader.example", "", tags=["Beta", "go", "rust"], own={"city": "Rome", "Likes to": "ski; R&D"}
)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("tags", "Beta, go, rust"),
        ('tags | contains("beta") | then("Yes") | default("No")', "Yes"),
        ('tags | contains("bet") | then("Yes") | default("No")', "No"),  # a tag is meant as a whole
        ('tags | contains("vip", "go") | then("Yes")', "Yes"),  # any of them
        ('tags | contains("go") | contains("rust") | then("Both")', "Both"),  # and
        ('tags | contains("go") | contains("vip") | then("Both")', ""),
        ('tags | contains("vip") | unless("Join us")', "Join us"),
        ('tags | contains("go") | unless("Join us")', ""),
        ('tags | starts("r") | then("An R")', "An R"),
        (
            'tags | only("RUST", "go", "vip") | each("the * club") | join(", ", " and ")',
            "the go club and the rust club",
        ),
        ('tags | only("go", "vip") | join(", ", " and ")', "go"),
        ('tags | only("vip") | each("*!") | join(", ") | default("none")', "none"),
        ('tags | join(" · ") | upper', "BETA · GO · RUST"),
        ("tags | upper", "BETA, GO, RUST"),
        ('fields.city | default("your town")', "Rome"),
        ('fields.town | default("your town")', "your town"),
        ('fields.Likes_to | split(";") | each("[*]") | join(" ")', "[ski] [R＆D]"),
    ],
)
def test_conditions_and_loops_look_at_a_readers_tags_and_own_fields(source: str, value: str) -> None:
    assert evaluate(source, TAGGED) == value


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ('tags | then("a", "b")', "then takes 1 text at most"),
        ('tags | join(", ", " and ", "x")', "join takes 2 texts at most"),
        ('tags | then("a") | unless("b")', "nothing is left for unless"),
        ("tags | each", r'write each\("text"\)'),
        ('tags | contains("a" "b")', "expected |"),
    ],
)
def test_too_few_or_too_many_texts_are_told(source: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse(source)


def test_an_own_field_is_never_taken_for_an_address_of_ours() -> None:
    assert evaluate("fields.home_url", reader_fields("", "", "", own={"home_url": '"><b>&'})) == "”›‹b›＆"


@given(st.lists(st.text(max_size=5), max_size=4), st.sampled_from(["tags", 'tags | each("<*>") | join("=", "&")']))
def test_no_list_holds_what_a_template_engine_would_change(tags: list[str], source: str) -> None:
    assert not set(evaluate(source, reader_fields("", "", "", tags=tags))) & set("&<>\"'`=\r\n\x00")
