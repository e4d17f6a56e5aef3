"""The variants of personal parts: each is there, with a reader who really gets it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from newsletter.content.reader import parse_issue
from newsletter.publication import builtin
from newsletter.render.edition import Edition
from newsletter.render.merge import parse
from newsletter.render.personal import personal
from newsletter.render.renderer import render
from newsletter.render.site import Site
from newsletter.render.theme import read_theme
from newsletter.render.variants import MOST, variants

THEME = read_theme([builtin("templates")], "default")
SITE = Site("Plain AI", "https://plain-ai.example", "Plain AI <hello@plain-ai.example>")


def edition_of(body: str) -> Edition:
    return render(parse_issue(Path("issues/a.md"), f"# T\n\n{body}\n".encode()), SITE, THEME)


def test_an_edition_without_personal_parts_has_one_variant() -> None:
    (only,) = variants(edition_of("Hello {{ email }}."))
    assert only.conditions == ()


def test_each_combination_of_conditions_is_there_once_with_a_reader_who_gets_it() -> None:
    edition = edition_of(
        '{{ tags | contains("beta") | then("For testers.") | default("For all.") }} '
        '{{ email | ends("@example.org") | then("Colleague") | default("Friend") }} {{ name | default("you") }}'
    )
    found = variants(edition)
    assert len({variant.conditions for variant in found}) == len(found) == 8
    for variant in found:
        text = personal(edition, variant.fields).text
        for condition in variant.conditions:
            assert parse(condition.source).value(variant.fields) in text
            assert condition.holds == parse(condition.source).choices(variant.fields)[0]
    assert [variant.label for variant in found][:2] == [
        "no name · email: ada@reader.example · no tags",
        "no name · email: ada@reader.example · tags: beta",
    ]


def test_the_reader_of_a_condition_on_a_loop_or_an_own_field_is_found() -> None:
    found = variants(edition_of('{{ fields.city | equals("Rome") | then("Ciao") | default("Hi") }}'))
    assert [(variant.fields["fields.city"], variant.conditions[0].holds) for variant in found] == [
        ("", False),
        ("Rome", True),
    ]


def test_they_are_listed_in_bounded_time_and_number() -> None:
    edition = edition_of("A body.")
    many = {f"v{number}": f'tags | contains("t{number}") | then("x")' for number in range(200)}
    assert len(variants(replace(edition, variables=many))) <= MOST
