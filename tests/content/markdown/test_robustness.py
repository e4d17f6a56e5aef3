"""Whatever is typed, a tree comes out, harmless, after work in proportion to its length."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html

from newsletter.content.markdown.blocks import MAX_LINE
from newsletter.content.markdown.document import read_markdown
from newsletter.content.markdown.html import ALLOWED, SCHEMES

PIECES = (
    "- ,* ,1. ,2) ,> ,    ,  ,\t,\n,\n\n,#,## ,```,~~~,`,**,_,~~,[a],[a](b),![x](y,[^1],[^1]: n,\n: d,!!! note,|a|b|\n"
    "|-|-|\n,|,---,===,<div>,</div>,<b,<script>,</script>,<!--,-->,<a href='javascript:x'>,<b onclick=x>,&amp;,&#2;,\\,"
    "http://a.b,a@b.c,{{ x }},中,。,é,\x00,\x02,\x03,\u2028,\ue000,*[A]: b,A,word, ,(,),],[,\",',<svg/onload=x>,"
    "<iframe src=http://x>,<pre>,</pre>,┌──┐\n,😀,1.\n,-\n,<td>,<li>,<T>,</p>"
).split(",")


def lines_run(source: str) -> int:
    """How many lines of Python it takes to read `source`."""
    read_markdown("a")  # imports what it needs
    count = 0

    def trace(frame: FrameType, event: str, arg: Any) -> Callable[..., Any]:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        read_markdown(source)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "[",
            "![",
            "*",
            "_",
            "`",
            "<",
            "&",
            "\\",
            "~~a ",
            "**a ",
            "*a _b ",
            "`a ``b ",
            "[a](",
            "[a](b 'c",
            "[a][",
            "[^",
        ),
        *(
            "![a](",
            "*[",
            "[a]: b",
            "<!--",
            "<a ",
            "<b>",
            "<div>",
            "</div>",
            "<iframe src=http://x>",
            "<![CDATA[",
            "&a;",
        ),
        *("[\n", "*a\n", "`\n", "a\n", "<b\n", "<div>\n", "<div>\n\n", "<!--\n\n", "http://", "www.", "a@b.c ", "\\*"),
        *(
            "- a\n",
            "- a\n\n",
            "> a\n",
            "> - a\n",
            "1. a\n- b\n",
            "a\n===\n",
            "# a\n\n",
            "---\n",
            "```\nx\n```\n",
            "~~~\n",
        ),
        *("a\n: b\n\n", "!!! note\n    x\n\n", "a[^1] ", "a[^1]\n\n[^1]: b\n\n", "*[A]: b\nA\n", "|", "|a|b|\n|-|-|\n"),
        *(
            "{{ a | ",
            "**中文**，",
            "x<y ",
            "( ",
            "[a](b) ",
            "[a]",
            "<details><summary>",
            "<table><tr><td>",
            "\x00",
            "\n",
        ),
    ],
)
def test_work_grows_with_the_length_and_not_with_its_square(piece: str) -> None:
    small, large = lines_run(piece * 150), lines_run(piece * 600)
    assert large < 5.5 * small + 1000


@pytest.mark.parametrize(
    "source",
    [
        "\n".join("  " * level + "- x" for level in range(1000)),
        "- " * 1000 + "x",
        "\n".join(">" * level + " x" for level in range(1, 1001)),
        "> " * 1000 + "x",
        "[" * 1000 + "x" + "](y)" * 1000,
        "<div>" * 1000 + "x",
        "*" * 1000 + "x" + "*" * 1000,
        "**a *b " * 1000 + "x",
    ],
    ids=["list", "list in a line", "quotes", "quotes in a line", "brackets", "elements", "stars", "emphasis"],
)
def test_a_thousand_levels_are_read_and_stay_shallow(source: str) -> None:
    root = read_markdown(source).root
    assert "x" in str(root.text_content())
    assert max(sum(1 for _ in element.iterancestors()) for element in root.iter()) < 150


@pytest.mark.parametrize("sign", ["[", "*[", "`a", "<", "![", "**a", "&", "](", "\\", "<!--", "\x00[", "a ", "|"])
def test_a_hundred_thousand_of_a_sign_in_one_line_are_shown(sign: str) -> None:
    source = sign * 100_000
    document = read_markdown(source)
    assert str(document.root.text_content()).strip() == source.replace("\x00", "").strip()
    assert [finding.rule for finding in document.findings] == ["line-too-long"]


@pytest.mark.parametrize("sign", ["[", "*", "`", "<", "![", "**a ", "&", "[a](", "\\", "<!--", "*a* ", "[a](b) "])
def test_a_line_just_below_the_limit_is_read(sign: str) -> None:
    assert read_markdown(sign * (MAX_LINE // len(sign))).findings == ()


def test_a_megabyte_without_a_line_end_and_a_paragraph_without_an_end() -> None:
    assert len(str(read_markdown("word " * 200_000).root.text_content())) == 1_000_000
    paragraphs = read_markdown("some *words* and [a link](http://x.org/)\n" * 5_000).root.findall("p")
    assert len(paragraphs) > 1
    assert sum(len(paragraph) for paragraph in paragraphs) == 10_000


def test_a_table_of_ten_thousand_rows_keeps_them() -> None:
    root = read_markdown("|a|b|\n|-|-|\n" + "|1|`2`|\n" * 10_000).root
    assert len(list(root.iter("td"))) == 20_000


def test_many_definitions_are_found() -> None:
    count = 2_000
    links = " ".join(f"[r{number}]" for number in range(count))
    source = "\n".join(f"[r{number}]: http://x.org/{number}" for number in range(count)) + "\n\n" + links
    assert len(list(read_markdown(source).root.iter("a"))) == count


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join) | st.text(max_size=200))
def test_any_text_gives_a_tree_of_harmless_html(source: str) -> None:
    document = read_markdown(source)
    assert "\x02" not in html.tostring(document.root, encoding="unicode")
    for element in document.root.iter():
        assert element.tag in {*ALLOWED, "aside"}
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            scheme = re.match(r"\s*([A-Za-z][A-Za-z0-9+.-]*):", value) if name in ("href", "src") else None
            assert scheme is None or scheme[1].lower() in SCHEMES
    names = [element.get("id") for element in document.root.iter("h1", "h2", "h3", "h4", "h5", "h6")]
    assert len(names) == len(set(names))
