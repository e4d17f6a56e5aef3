"""Blocks are read as CommonMark reads them, whatever python-markdown would make of them alone."""

from __future__ import annotations

import pytest

from newsletter.content.markdown.blocks import MAX_DEPTH, MAX_LINE
from newsletter.content.markdown.document import read_markdown
from newsletter.content.markdown.engine import to_html


def html(source: str) -> str:
    return "".join(line.strip() for line in to_html(source).html.split("\n"))


def rules(source: str) -> list[tuple[str, int | None]]:
    return [(finding.rule, finding.line) for finding in to_html(source, "a.md").findings]


@pytest.mark.parametrize("step", ["  ", "   ", "    ", "\t"])
def test_lists_nest_by_two_three_and_four_spaces_and_by_tabs(step: str) -> None:
    source = f"- a\n{step}- b\n{step * 2}- c\n{step}- d\n- e"
    want = "<ul><li>a<ul><li>b<ul><li>c</li></ul></li><li>d</li></ul></li><li>e</li></ul>"
    assert html(source) == want


@pytest.mark.parametrize(("marker", "tag"), [("-", "ul"), ("*", "ul"), ("+", "ul"), ("1.", "ol"), ("1)", "ol")])
def test_a_list_may_follow_a_paragraph_without_an_empty_line(marker: str, tag: str) -> None:
    assert html(f"text\n{marker} a\n{marker} b") == f"<p>text</p><{tag}><li>a</li><li>b</li></{tag}>"


def test_a_number_at_the_start_of_a_wrapped_line_begins_no_list() -> None:
    assert "<ol>" not in html("The number of windows is\n14. The number of doors is 6.")
    assert "<ol>" not in html("- the year\n  1986. A great one")
    assert html("1234567890. not a list") == "<p>1234567890. not a list</p>"


def test_an_item_keeps_its_paragraphs_and_the_items_after_them() -> None:
    found = html("- a\n- b\n\n  c\n- d")
    assert (found.count("<li>"), found.count("<ul>")) == (3, 1)
    assert "<p>b</p><p>c</p>" in found


@pytest.mark.parametrize("source", ["- a\n-\n- b", "* a\n*\n\n* b", "1. a\n2.\n3. b"])
def test_an_empty_item_is_an_item_and_no_heading(source: str) -> None:
    assert html(source).count("<li>") == 3
    assert "<h" not in html(source)


def test_an_item_can_start_with_a_quote_a_list_or_a_heading() -> None:
    assert html("- > a\n  > b\n- c") == "<ul><li><blockquote><p>ab</p></blockquote></li><li>c</li></ul>"
    assert html("- - a\n  - b") == "<ul><li><ul><li>a</li><li>b</li></ul></li></ul>"
    assert "<li><h2>a</h2></li>" in html("- ## a\n- b")


def test_quotes_with_an_empty_line_between_them_are_two_and_take_lazy_lines() -> None:
    assert html("> a\n\n> b\nlazy") == "<blockquote><p>a</p></blockquote><blockquote><p>blazy</p></blockquote>"
    assert html("> a\n>\n> b").count("<blockquote>") == 1


@pytest.mark.parametrize(
    ("source", "want"),
    [
        ("# C#", "<h1>C#</h1>"),
        ("## About C# ##", "<h2>About C#</h2>"),
        ("### a ###   ", "<h3>a</h3>"),
        ("# a \\#", "<h1>a #</h1>"),
        ("# a\\", "<h1>a\\</h1>"),
        ("#hashtag", "<p>#hashtag</p>"),
        ("####### seven", "<p>####### seven</p>"),
        ("One\n===", "<h1>One</h1>"),
        ("One\n*two\nthree*\n---", "<h2>One <em>two three</em></h2>"),
        ("> One\n> two\n> ===", "<blockquote><h1>One two</h1></blockquote>"),
        ("- One\n  ---", "<ul><li><h2>One</h2></li></ul>"),
        ("text\n\n---", "<p>text</p><hr>"),
        ("text\n***", "<p>text</p><hr>"),
        ("- a\n---", "<ul><li>a</li></ul><hr>"),
        ("a\n    # b", "<p>a# b</p>"),
        ("text\n# b\ntext", "<p>text</p><h1>b</h1><p>text</p>"),
    ],
)
def test_headings_and_rules(source: str, want: str) -> None:
    assert html(source) == want


@pytest.mark.parametrize(
    ("source", "want"),
    [
        ("```python\na < b\n\n# c\n```", '<pre><code class="language-python">a &lt; b\n\n# c\n</code></pre>'),
        ("~~~\n```\n~~~", "<pre><code>```\n</code></pre>"),
        ("````\n```\n````", "<pre><code>```\n</code></pre>"),
        ("```\nnever closed\n\n*x*", "<pre><code>never closed\n\n*x*\n</code></pre>"),
        ("    indented *x*", "<pre><code>indented *x*\n</code></pre>"),
        ('```text "A label"\nx\n```', '<pre><code class="language-text" title="A label">x\n</code></pre>'),
    ],
)
def test_code_blocks_hold_what_was_typed(source: str, want: str) -> None:
    assert to_html(source).html.strip() == want


@pytest.mark.parametrize("source", ["- a\n\n  ```\n  x\n  ```\n- b", "> ```\n> x\n> ```", "1. a\n   ```\n   x\n   ```"])
def test_code_blocks_stand_in_lists_and_quotes(source: str) -> None:
    assert "<pre><code>x\n</code></pre>" in to_html(source).html
    assert "`" not in to_html(source).html


@pytest.mark.parametrize(
    "source",
    [
        "text\n| a | b |\n|---|:-:|\n| `x|y` | p \\| q |",
        "- item\n\n  | a | b |\n  |---|---|\n  | `x|y` | p \\| q |",
        "> | a | b |\n> |---|---|\n> | `x|y` | p \\| q |",
    ],
)
def test_tables_stand_after_text_in_lists_and_in_quotes(source: str) -> None:
    found = html(source)
    assert (found.count("<th"), found.count("<td")) == (2 + 1, 2)  # `<th` is in `<thead`, too
    assert "<code>x|y</code>" in found
    assert "p | q" in found


def test_a_line_under_a_table_makes_no_heading_of_it() -> None:
    assert html("|a|b|\n|-|-|\n|1|2|\n---").endswith("</table><hr>")


def test_footnotes_definitions_and_admonitions_hold_blocks() -> None:
    note = html("a[^1]\n\n[^1]: one\n    two\n\n    - three\n")
    assert "<p>onetwo</p><ul><li>three</li></ul>" in note
    assert html("Term\n: one\n: two").count("<dd>") == 2
    found = html('!!! note "Title"\n    text\n    - a\n\n    ```\n    x\n    ```\n\nafter')
    assert '<p class="admonition-title">Title</p><p>text</p><ul><li>a</li></ul><pre>' in found
    assert found.endswith("</div><p>after</p>")


@pytest.mark.parametrize(
    ("source", "want"),
    [
        ('<div align="center">\n\n**x**\n\n</div>', '<div align="center"><p><strong>x</strong></p></div>'),
        (
            "- <details>\n  <summary>s</summary>\n\n  *x*\n\n  </details>",
            "<summary>s</summary><p><em>x</em></p></details>",
        ),
        ("<pre>\na\n\n*b*\n</pre>\nc", "<pre>a*b*</pre><p>c</p>"),
        ("a <!-- b --> c", "<p>a  c</p>"),
        ("<!-- a\n\n*b*\n-->\n\nc", "<p>c</p>"),
        ("<!-- never closed\n\n*b*", "<p>&lt;!-- never closed</p><p><em>b</em></p>"),
    ],
)
def test_html_blocks(source: str, want: str) -> None:
    assert want in html(source)


def test_what_is_beyond_a_limit_is_shown_and_told_with_its_line() -> None:
    deep = "\n".join("  " * level + "- x" for level in range(MAX_DEPTH + 5))
    assert rules("\n" + deep) == [("nesting-too-deep", MAX_DEPTH + 2)]
    assert html(deep).count("x") == MAX_DEPTH + 5
    long = "*a* " * MAX_LINE
    assert rules("a\n\n" + long) == [("line-too-long", 3)]
    assert html(long).count("*a*") == MAX_LINE
    wide = "a|" * 300 + "\n" + "-|" * 300 + "\n1|2"
    assert rules(wide) == [("table-too-wide", 1)]
    assert "<table" not in html(wide)
    assert rules("a\n\nb " + "<i>" * 101 + "x" + "</i>" * 101) == [("nesting-too-deep", 3)]
    assert rules("```\n" + "<i>" * 101 + "\n```") == []
    assert rules("a\n\nb " + "[" * 9 + "x" + "](u)" * 9) == [("nesting-too-deep", 3)]
    assert rules("".join(f"*[A{number}]: b\n" for number in range(201))) == [("abbreviations-too-many", 201)]


def test_every_line_up_to_the_next_block_is_a_row_and_a_head_alone_has_none() -> None:
    made = html("| a |\n|---|\n| 1 |\ntwo")
    assert made.count("<td>") == 2
    assert read_markdown("| a | b |\n|---|---|\n").root.find(".//tbody") is None
