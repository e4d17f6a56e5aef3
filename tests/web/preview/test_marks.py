"""What changed between two emails is marked in the newer one, and nothing else."""

from __future__ import annotations

from collections import Counter
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from newsletter.web.preview.marks import marked


def page(body: str) -> str:
    return f"<html><head></head><body><table role='presentation'><tr><td>{body}</td></tr></table></body></html>"


def kinds(before: str, after: str) -> list[tuple[str, str]]:
    """Each mark: how, and the words in it without the word for the ear."""
    tree = html.document_fromstring(marked(page(before), page(after)))
    return [
        (str(element.get("data-diff")), " ".join(element.text_content().split()).partition(": ")[2])
        for element in tree.iter()
        if element.get("data-diff")
    ]


def words(root: html.HtmlElement) -> Counter[str]:
    return Counter(" ".join(root.itertext()).split())


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("<p>One.</p>", "<p>One.</p>", []),
        ("<p style='color:red'>One.</p>", "<p style='color:blue'>One.</p>", []),
        ("<p>One.</p>", "<p>One.</p><p>Two.</p>", [("added", "Two.")]),
        ("<p>One.</p><p>Two.</p>", "<p>Two.</p>", [("removed", "One.")]),
        ("<p>Red as a rose.</p>", "<p>White as a rose.</p>", [("changed", "RedWhite as a rose.")]),
        ("<p><a href='/a'>x y</a></p>", "<p><a href='/b'>x y</a></p>", [("changed", "x y")]),
        ("<ul><li>a a</li><li>b b</li></ul>", "<ul><li>b b</li></ul>", [("removed", "a a")]),
        (
            "<table><tr><td>Sat</td><td>8</td></tr><tr><td>Sun</td><td>9</td></tr></table>",
            "<table><tr><td>Sat</td><td>8</td></tr></table>",
            [("removed", "Sun9")],
        ),
        ("<p>a b c d e</p>", "<p>v w x y z</p>", [("removed", "a b c d e"), ("added", "v w x y z")]),
        ("<p>Gone</p>", "", [("removed", "Gone")]),
        ("<p><img src='/a.png'></p>", "<p><img src='/b.png'></p>", [("changed", "")]),
    ],
)
def test_a_block_that_changed_came_or_went_is_marked_as_that(
    before: str, after: str, found: list[tuple[str, str]]
) -> None:
    assert kinds(before, after) == found


def test_what_went_stands_where_it_was_and_makes_no_table_or_list_invalid() -> None:
    rows = "<table><tr><th>Day</th></tr><tr><td>Sat</td></tr></table>"
    tree = html.document_fromstring(marked(page(f"{rows}<p>After it</p><ul><li>x</li></ul>"), page(rows)))
    removed = [element for element in tree.iter() if element.get("data-diff") == "removed"]
    assert [str(element.tag) for element in removed] == ["p", "div"]
    assert {str(element.getparent().tag) for element in removed} <= {"td", "p"}
    assert all(child.tag in ("td", "th") for row in tree.iter("tr") for child in row)


SENTENCES = st.lists(st.sampled_from("ab cd ef gh ij & < kl".split()), min_size=1, max_size=6).map(" ".join)
BODIES = st.lists(st.tuples(st.sampled_from(["p", "h2", "li", "pre"]), SENTENCES), max_size=8)


def body(blocks: list[tuple[str, str]]) -> str:
    made = (f"<{tag}>{escape(text)}</{tag}>" for tag, text in blocks)
    return "".join(f"<ul>{block}</ul>" if block.startswith("<li") else block for block in made)


@given(BODIES, BODIES)
def test_without_what_is_marked_as_gone_it_is_the_newer_one_and_without_what_came_the_older(
    old: list[tuple[str, str]], new: list[tuple[str, str]]
) -> None:
    before, after = page(body(old)), page(body(new))
    for gone, wanted in (("removed", after), ("added", before)):
        tree = html.document_fromstring(marked(before, after))
        for element in list(tree.iter()):
            own = {"removed": "del", "added": "ins"}[gone]
            if element.get("data-diff") == gone or element.get("class") == "diff-said" or element.tag == own:
                for other in element.xpath(".//*[@data-diff]"):  # a paragraph that went stands in an item that came
                    element.addnext(other)
                element.drop_tree()
        for style in list(tree.iter("style")):
            style.drop_tree()
        assert words(tree) == words(html.document_fromstring(wanted))
    assert ("data-diff=" in marked(before, after).partition("</head>")[2]) is (old != new)
