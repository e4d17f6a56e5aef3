"""Links, images and headings are found where they were typed."""

from __future__ import annotations

import time
from collections import Counter
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspecting import inspection_of

from newsletter.check.source import Link, headings, plain, scan
from newsletter.content.prose import prose_of


def links_in(body: str) -> list[Link]:
    return list(scan(body, prose_of(body).text).links)


@pytest.mark.parametrize(
    ("body", "target", "text"),
    [
        ("[a](b)", "b", "a"),
        ('[a b](<b c> "title")', "b c", "a b"),
        ("[a](b_(c))", "b_(c)", "a"),
        ("[a](b 'it')", "b", "a"),
        ("[a\nb](c)", "c", "a\nb"),
        ("[a [b] c](d)", "d", "a [b] c"),
        (r"[a\]](b\_c)", "b_c", r"a\]"),
        ("[a](?x=1&amp;y=2)", "?x=1&y=2", "a"),
        ("[`code`](b)", "b", "`code`"),
        ("[a]({{ unsubscribe_url }})", "{{ unsubscribe_url }}", "a"),
        ("[a][B  c]\n\n[b c]: d", "d", "a"),
        ("[a][]\n\n[A]: <d>", "d", "a"),
        ("[a]\n\n[a]: d 'title'", "d", "a"),
        ("<a class=x href='b'>a</a>", "b", "a"),
        ("<https://b.example/c>", "https://b.example/c", "https://b.example/c"),
        ("<me@b.example>", "mailto:me@b.example", "me@b.example"),
        ("see https://b.example/c, and", "https://b.example/c", "https://b.example/c"),
        ("> - [a](b)", "b", "a"),
        ("[https://a.example](b)", "b", "https://a.example"),
        ("[see https://a.example/c now](b)", "b", "see https://a.example/c now"),
    ],
)
def test_a_link_is_found_however_it_is_typed(body: str, target: str, text: str) -> None:
    (link,) = links_in(body)
    assert (link.target, link.text, link.image) == (target, text, False)


@pytest.mark.parametrize(
    "body",
    [
        "`[a](b)`",
        "```\n[a](b)\n```",
        "    [a](b)",
        "<!-- [a](b) -->",
        r"\[a](b)",
        "[a] (b)",
        "[a\n\nb](c)",
        "[x] done",
        "[a]: b",
        "[^1]: [a]",
        "<a name='b'>a</a>",
        "Vec<T>[0](",
    ],
)
def test_what_only_looks_like_a_link_is_none(body: str) -> None:
    assert links_in(body) == []


def test_an_image_says_whether_it_was_described() -> None:
    body = '![a *cat*](b) ![](c) ![d]\n<img src="e"> <img alt="" src=f>\n\n[d]: g'
    assert [(image.target, image.alt) for image in links_in(body) if image.image] == [
        ("b", "a cat"), ("c", None), ("g", "d"), ("e", None), ("f", ""),
    ]  # fmt: skip


def test_an_image_in_a_link_is_both() -> None:
    link, image = links_in("[![cat](a.png)](b)")
    assert (link.target, plain(link.text), image.target) == ("b", "cat", "a.png")


def test_places_are_those_of_the_link_and_of_its_address() -> None:
    body = "é [a](b)\n\n[c][d]\n\n[d]: e"
    first, second = links_in(body)
    assert (first.start, body[first.at]) == (2, "b")
    assert (body[second.start : second.end], body[second.at]) == ("[c][d]", "e")


def test_words_are_the_prose_with_every_letter_in_its_place() -> None:
    body = "Go [there](https://a.example/TODO) `TODO` <b class='TODO'>now</b> {{ name }} Vec<T>"
    words = scan(body, prose_of(body).text).words
    assert len(words) == len(body)
    assert words.split() == ["Go", "[there", "now", "Vec<T>"]


@pytest.mark.parametrize(
    ("body", "levels"),
    [
        ("# a\n## b", [1, 2]),
        ("a\n=\n\nb\n---", [1, 2]),
        ("- a\n---\n\n---\n| - |\n---", []),
        ("#a\n\n    # b\n```\n# c\n```", []),
        ("<h3 class='x'>a</h3>", [3]),
    ],
)
def test_headings_have_the_level_that_they_were_typed_with(body: str, levels: list[int]) -> None:
    assert [heading.level for heading in headings(prose_of(body).text)] == levels


@pytest.mark.parametrize(
    "piece", ["[a](", "![", '[a](b "', "<a href='", "[a]: ", "](", "[[", "<b ", "(((", "http://", "\\["]
)
def test_work_grows_with_the_length_of_the_text_and_not_with_its_square(piece: str) -> None:
    def work(length: int) -> float:
        body = piece * (length // len(piece)) + "](c)" * (length // 20)
        runs = []
        for _ in range(3):
            start = time.process_time()
            links_in(body)
            runs.append(time.process_time() - start)
        return min(runs)

    # A ratio within one run: eight times the text is 8 times the work, or 64 where it grows with the square.
    assert work(160_000) < 24 * max(work(20_000), 0.002)


@given(st.text(alphabet="[]()!<>a/ \n\\\"'`:#{}", max_size=60))
def test_any_text_can_be_scanned_and_keeps_its_places(body: str) -> None:
    result = scan(body, prose_of(body).text)
    assert len(result.words) == len(body)
    for link in result.links:
        assert 0 <= link.start < link.end <= len(body)
        assert 0 <= link.at <= len(body)


def test_what_is_found_in_the_source_is_what_is_in_the_email() -> None:
    body = "[a](https://a.example) and https://b.example/c.\n\n* ![x][y]\n* [z]\n\n"
    text = f"# T\n\n{body}[y]: https://c.example/i.png\n[z]: mailto:a@b.example\n"
    inspection = inspection_of(text)
    source = Counter(unquote(link.target) for link in inspection.links)
    rendered = inspection.tree.xpath("//a/@href | //img/@src")
    assert source == Counter(unquote(str(target)) for target in rendered if "{{" not in str(target))
