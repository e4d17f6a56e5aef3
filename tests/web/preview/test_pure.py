"""The pure core: frames, what an email is made of, differences, what will happen, editors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.check.caniemail import read_support
from newsletter.check.known import Outcome
from newsletter.render.site import IssueLink, Site
from newsletter.web.preview import anatomy
from newsletter.web.preview.changes import changes
from newsletter.web.preview.clients import support_of
from newsletter.web.preview.editor import address, template_of
from newsletter.web.preview.frames import frame

SITE = Site("Letters", "https://letters.example", "hello@letters.example", issues=(IssueLink("one", "One"),))
HEAD = "<style>@media (prefers-color-scheme: dark){a{color:red}} :root{color-scheme: light dark}</style>"


def page(body: str) -> str:
    return f"<html><head>{HEAD}</head><body>{body}</body></html>"


def test_a_dark_frame_always_has_the_dark_rules_and_a_light_one_never() -> None:
    assert "@media (min-width:0)" in frame(page(""), look="dark")
    assert "@media (max-width:0)" in frame(page(""), look="light")
    assert "prefers-color-scheme" not in frame(page(""), look="inverted")
    assert "color-scheme:dark" in frame(page(""), look="dark")


def test_only_style_sheets_are_rewritten_not_what_the_issue_says_about_them() -> None:
    text = "<p>Write (prefers-color-scheme: dark) and &lt;img src=x&gt;.</p>"
    assert text in frame(page(text), look="dark")


def test_held_images_lose_their_remote_address_and_keep_their_words() -> None:
    images = (
        '<img alt="a" src="https://x.example/a.png"><img alt="b" src="data:image/gif;base64,R0"><img src=//y/c.png>'
    )
    held, off, shown = (frame(page(images), images=which) for which in ("held", "off", "shown"))
    assert "x.example" not in held
    assert "//y/c.png" not in held
    assert 'alt="a"' in held
    assert "data:image" in held
    assert "data:image" not in off
    assert "https://x.example/a.png" in shown


def test_a_page_without_a_head_gets_its_rules_all_the_same() -> None:
    assert frame("<p>x</p>", look="dark").startswith("<base")


def test_the_bytes_are_told_apart_and_add_up() -> None:
    html = page('<p style="color:red">Word</p><a href="https://example.org/">x</a><h2>Part</h2><p>Long</p>')
    size = anatomy.size_of(html, anatomy.parse(html))
    assert size["bytes"] == len(html.encode())
    assert sum(part["bytes"] for part in size["parts"]) == size["bytes"]
    assert size["costly"][0]["name"] == "Part"


@pytest.mark.parametrize(
    ("href", "state"),
    [
        ("https://letters.example/one/", "own"),
        ("https://letters.example/gone/", "open"),
        ("https://example.org", "open"),
        ("http://example.org", "doubtful"),
        ("mailto:a@example.org", "own"),
        ("#there", "own"),
        ("#nowhere", "wrong"),
        ("page.html", "wrong"),
        ("{{unsubscribe_url}}", "own"),
    ],
)
def test_each_link_has_a_state(href: str, state: str) -> None:
    tree = anatomy.parse(f'<p id="there"><a href="{href}">x</a></p>')
    assert [link["state"] for link in anatomy.links_of(tree, SITE)] == [state]


def test_the_outline_says_where_a_level_was_left_out() -> None:
    tree = anatomy.parse("<h1>A</h1><h3>B</h3><h2>C</h2>")
    assert [(h["level"], h["skips"]) for h in anatomy.outline_of(tree)] == [(1, False), (3, True), (2, False)]


def test_the_reading_order_leaves_out_layout_and_what_is_hidden() -> None:
    tree = anatomy.parse(
        '<div aria-hidden="true"><p>hidden</p></div><table role="presentation"><tr><td><h1>One</h1><p>Two</p>'
        '<ul><li><p>Three</p></li></ul></td></tr></table><img alt="Four">'
    )
    assert [block["text"] for block in anatomy.order_of(tree)] == ["One", "Two", "Three", "Four"]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("## A *heading* here", "A heading here"),
        ("- an item with [a link](https://x.example)", "an item with a link"),
        ("> 1. quoted `code`", "quoted code"),
        ("snake_case_word stays", "snake_case_word stays"),
        ("Hello {{ name }}, you", "Hello , you"),
    ],
)
def test_a_line_of_markdown_is_looked_for_by_its_words(line: str, text: str) -> None:
    assert anatomy.seek(["", line], 2, 1)["text"] == text


def test_an_address_in_the_line_is_looked_for_first() -> None:
    assert anatomy.seek(["see [x](https://x.example/a) now"], 1, 9)["target"] == "https://x.example/a"
    assert anatomy.seek(["x"], 7, 1) == {"text": "", "target": ""}


@given(st.lists(st.text("ab \n", max_size=30), max_size=4), st.lists(st.text("ab \n", max_size=30), max_size=4))
def test_a_difference_holds_all_that_was_added_and_all_that_was_taken_out(old: list[str], new: list[str]) -> None:
    before, after = "\n".join(old), "\n".join(new)
    rows = [row for row in changes(before, after) if row["kind"] not in ("same", "gap")]
    assert bool(rows) == (before != after)
    added = "".join(text for row in rows for mark, text in row["words"] if mark in "=+")
    taken = "".join(text for row in rows for mark, text in row["words"] if mark in "=-")
    assert set(added) <= set(after)
    assert set(taken) <= set(before)


@pytest.mark.parametrize(
    ("wished", "environment", "start"),
    [
        ("vscode", {}, "vscode://file/"),
        ("", {"EDITOR": "/usr/bin/code --wait"}, "vscode://file/"),
        ("", {"VISUAL": "zed", "EDITOR": "vim"}, "zed://file/"),
        ("myed://open?f={path}&l={line}", {}, "myed://open?f=/"),
        ("", {"EDITOR": "vim"}, ""),
        ("javascript:alert('{path}')", {}, ""),
    ],
)
def test_an_editor_is_opened_by_its_address(wished: str, environment: dict[str, str], start: str) -> None:
    found = address(template_of(wished, environment), Path("/a b/c.md"), 3, 4)
    assert found.startswith(start)
    assert bool(found) == bool(start)
    assert not found or "%20" in found


def test_only_what_the_email_uses_and_not_everybody_shows_is_in_the_table() -> None:
    tree = anatomy.parse('<p style="border-radius:3px;color:red">x</p>')
    found = support_of(tree, read_support({}))
    assert [row["name"] for row in found["features"]] == ["border-radius"]
    assert found["features"][0]["support"]["Outlook (Word)"] == "no"
    assert found["features"][0]["support"]["Apple Mail"] == "yes"
    assert support_of(tree, None)["features"] == []


def test_what_became_of_trying_a_link_is_its_state() -> None:
    tree = anatomy.parse('<a href="https://a.example">a</a><a href="https://b.example">b</a>')
    outcomes = {"https://a.example": Outcome("gone", "404"), "https://b.example": Outcome("fine")}
    assert [(link["state"], link["note"]) for link in anatomy.links_of(tree, SITE, outcomes)] == [
        ("wrong", "is gone (404)"),
        ("own", "works"),
    ]


def test_a_link_whose_clicks_are_counted_is_shown_bare_and_said_to_be() -> None:
    tree = anatomy.parse('<a href="{{click_url}}https://e.org/">x</a><a href="{{unsubscribe_url}}">u</a>')
    first, second = anatomy.links_of(tree, replace(SITE, clicks=True))
    assert (first["href"], first["note"]) == ("https://e.org/", "not tried; clicks are counted")
    assert second["note"] == "made for each reader"
