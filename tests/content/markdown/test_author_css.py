"""An author's style sheet: written into the issue's elements, and nothing harmful of it."""

from __future__ import annotations

import pytest

from newsletter.content.markdown.author_css import MAX_RULES
from newsletter.content.markdown.document import Document, read_markdown


def styled(css: str, body: str = '<p class="a" id="x">One</p>') -> tuple[str, Document]:
    document = read_markdown(f"Words.\n\n<style>\n{css}\n</style>\n\n{body}\n", file="a.md", first_line=5)
    return str(document.root.xpath("//p[@class]")[0].get("style", "")), document


@pytest.mark.parametrize(
    ("css", "style"),
    [
        (".a { color: red }", "color: red"),
        ("p.a{color:red!important;MARGIN : 0 }", "color: red; margin: 0"),
        (".a { color: red } p { color: blue } .a { margin: 0 }", "color: blue; color: red; margin: 0"),  # the last wins
        ("#x { color: red } .a { color: blue }", "color: blue; color: red"),
        ("/* .a { color: red } */ h2, .a { color: blue }", "color: blue"),
        ("<!-- .a { color: red } -->", "color: red"),
        (".b { color: red } td, body, html { color: red }", ""),
    ],
)
def test_a_rule_is_written_into_the_elements_that_it_fits(css: str, style: str) -> None:
    found, document = styled(css)
    assert found == style
    assert document.findings == ()


def test_an_elements_own_style_weighs_more() -> None:
    assert styled("p { color: red }", '<p class="a" style="color: blue">A</p>')[0] == "color: red; color:blue"


@pytest.mark.parametrize(
    ("css", "told"),
    [
        ("@media (max-width: 9px) { .a { color: red } .b { } } ", "@media (max-width: 9px)"),
        ("@import 'x.css'; ", "@import 'x.css'"),
        (".a:hover { color: red } ", ".a:hover"),
        (".a::before { color: red } ", ".a::before"),
        (".a { position: fixed } ", "position: fixed"),
        (".a { list-style: url(https://x.example/a.png) } ", "list-style: url(https://x.example/a.png)"),
        (".a { color: expression(alert(1)) } ", "color: expression(alert(1))"),
        (".a { width: \\75rl(x) } ", "width: \\75rl(x)"),
        (".a { --x: red } ", "--x: red"),
        (".a[ { color: red } ", ".a["),
    ],
)
def test_what_does_not_work_or_may_harm_is_left_out_and_told_with_its_line(css: str, told: str) -> None:
    style, document = styled(css + ".a { margin: 0 }")
    assert style == "margin: 0"
    (finding,) = document.findings
    assert (finding.rule, finding.line, finding.message) == (
        "html-removed",
        7,
        f"of <style> this was taken out: {told}",
    )


@pytest.mark.parametrize("css", ["{" * 5000, ".a{" * 5000, "}" * 5000, "@" * 5000, ".a" * 5000, "a," * 5000])
def test_a_broken_style_sheet_ends_the_style_and_not_the_program(css: str) -> None:
    assert "One" in str(styled(css)[1].root.text_content())


def test_a_style_sheet_of_a_thousand_rules_is_cut() -> None:
    style, document = styled("".join(f".a {{ margin: {number}px }} " for number in range(MAX_RULES + 1)))
    assert style.endswith(f"margin: {MAX_RULES - 1}px")
    assert "all but the first 200 rules" in document.findings[0].message
