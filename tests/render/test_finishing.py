"""What is done to a body after Markdown: headings in their ranks, words, pop-ups, data for search engines."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import html

from newsletter.content.glossary import Term
from newsletter.content.markdown.document import read_markdown
from newsletter.content.reader import parse_issue
from newsletter.publication import builtin
from newsletter.render.finishing import finish, for_web, structured_data
from newsletter.render.site import Site
from newsletter.render.theme import read_theme
from newsletter.render.words import Words

GLOSSARY = {name: Term(name, f"What a {name} is.", "https://example.org/") for name in ("token", "vocabulary")}
SITE = Site("Plain AI", "https://plain-ai.example", "Plain AI <hello@plain-ai.example>")
GERMAN = read_theme([builtin("templates")], "default").words("de")


def finished(markdown: str, words: Words | None = None, direction: str = "ltr") -> html.HtmlElement:
    return finish(read_markdown(markdown, GLOSSARY).root, words or Words(), direction)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("2 3 3 2", "2 3 3 2"),
        ("3 3 5 3", "2 2 3 2"),
        ("2 4 3 2 6", "2 3 3 2 3"),
        ("4 3 2", "2 2 2"),
        ("2 3 4 5 6", "2 3 4 5 6"),
    ],
)
def test_headings_start_below_the_title_and_skip_no_level(typed: str, shown: str) -> None:
    root = finished("\n\n".join(f"{'#' * int(level)} Heading\n\nText" for level in typed.split()))
    assert [element.tag[1] for element in root.iter("h1", "h2", "h3", "h4", "h5", "h6")] == shown.split()


def test_a_term_opens_its_definition_on_the_web_and_nowhere_else() -> None:
    root = finished("A token of a vocabulary.\n\n- Another token")
    before = html.tostring(root)
    page = for_web(root)
    assert html.tostring(root) == before
    buttons = list(page.iter("button"))
    assert [button.text for button in buttons] == ["token", "vocabulary"]
    for button in buttons:
        pop_up = page.get_element_by_id(button.get("popovertarget"))
        assert f"What a {button.text} is." in pop_up.text_content()
        assert (pop_up.tag, pop_up.get("popover")) == ("aside", "auto")
    assert page.text_content().split() == root.text_content().split()


def test_an_authors_own_class_is_left_alone() -> None:
    page = for_web(finished('A token and <span class="term">mine</span>.'))
    assert not list(page.iter("button"))


def test_what_is_wide_can_be_reached_by_keyboard_on_the_web() -> None:
    page = for_web(finished("| a | b |\n|---|---|\n| 1 | 2 |\n\n```\ncode\n```\n\n```\n┌──┐\n│  │\n└──┘\n```\n"))
    assert [(e.tag, e.get("tabindex")) for e in page.iter("div", "pre")][1:] == [
        ("div", "0"), ("pre", "0"), ("pre", None),
    ]  # fmt: skip


def test_code_runs_from_left_to_right_in_every_language() -> None:
    markdown = "`a` <kbd>b</kbd>\n\n    c\n"
    assert {e.get("dir") for e in finished(markdown, direction="rtl").iter("code", "pre", "kbd")} == {"ltr"}
    assert {e.get("dir") for e in finished(markdown).iter("code", "pre", "kbd")} == {None}


def test_the_programs_own_words_are_in_the_issues_language() -> None:
    root = finished('A token.[^1]\n\n!!! warning\n    x\n\n!!! warning "Mine"\n    x\n\n[^1]: Note', GERMAN)
    assert root.xpath("string(//a[@class='more'])") == "Mehr dazu →"
    assert root.xpath("string(//a[@class='footnote-backref']/@aria-label)") == "Zurück zum Text"
    assert [p.text for p in root.find_class("admonition-title")] == ["Warnung", "Mine"]


def test_data_for_search_engines_cannot_end_its_script() -> None:
    issue = parse_issue(Path("issues/a.md"), b"---\ntitle: T\nauthor: Ada\ndate: 2026-11-24\ntags: [a]\n---\nText")
    text = structured_data(replace(issue, author="</script><!--"), SITE, "A & B", "</script>", 3)
    assert not re.search("[<>&]", text)
    data = json.loads(text)
    assert data["headline"] == "A & B"
    assert data["author"]["name"] == "</script><!--"
    assert (data["datePublished"], data["timeRequired"], data["keywords"]) == ("2026-11-24", "PT3M", ["a"])
