"""What stands inside a line is read as its editor meant it."""

from __future__ import annotations

import pytest
from markdown import markdown

from newsletter.content.markdown.engine import to_html


def html(source: str) -> str:
    return to_html(source).html.strip().removeprefix("<p>").removesuffix("</p>")


@pytest.mark.parametrize(
    ("source", "want"),
    [
        ("~~gone~~ and a ~~ b", "<del>gone</del> and a ~~ b"),
        ("b~~c ~~d~~", "b~~c <del>d</del>"),
        (
            "*a **b** c* ***d*** snake_case_name",
            "<em>a <strong>b</strong> c</em> <strong><em>d</em></strong> snake_case_name",
        ),
        ("a  \nb\\\nc", "a<br>\nb<br>\nc"),
        ("`a\\\nb`", "<code>a\\\nb</code>"),
        ("``a ` b`` `<b>` `*x*`", "<code>a ` b</code> <code>&lt;b&gt;</code> <code>*x*</code>"),
        (r"\*a\* \# \<b> \~ \| \"", '*a* # &lt;b&gt; ~ | "'),
        ("&copy; AT&T &amp; &lt;b&gt; &#169; a & b", "© AT&amp;T &amp; &lt;b&gt; © a &amp; b"),
        ("H<sub>2</sub>O <kbd>Ctrl</kbd> <mark>x</mark>", "H<sub>2</sub>O <kbd>Ctrl</kbd> <mark>x</mark>"),
    ],
)
def test_marks(source: str, want: str) -> None:
    assert html(source) == want


@pytest.mark.parametrize(
    ("source", "href", "text"),
    [
        ("[a](http://x.y)", "http://x.y", "a"),
        ('[a](</b c> "t(")', "/b c", "a"),
        ("[a](/x_(y))", "/x_(y)", "a"),
        ("[a][r]", "/ref", "a"),
        ("[A][]", "/a", "A"),
        ("[a]", "/a", "a"),
        ("[[a]]", "/a", "a"),
        ("[see [a], that]", "/a", "a"),
        ("[[1]](/x)", "/x", "[1]"),
        ("[`]`](/x)", "/x", "]"),
        ("<http://x.y/a_b_c>", "http://x.y/a_b_c", "http://x.y/a_b_c"),
        ("<me@x.org>", "mailto:me@x.org", "me@x.org"),
        ("<tel:+4930>", "tel:+4930", "tel:+4930"),
    ],
)
def test_links(source: str, href: str, text: str) -> None:
    from lxml import html as parser

    (link,) = parser.fromstring(to_html(f"{source}\n\n[r]: /ref\n[a]: /a 'Title'").html).xpath("//a")
    assert (link.get("href"), link.text_content()) == (href, text)


def test_a_picture_in_a_link_and_brackets_in_its_description() -> None:
    assert html("[![a [b] c](/i.png)](/x)") == '<a href="/x"><img alt="a [b] c" src="/i.png"></a>'


@pytest.mark.parametrize("source", ["[a", "a [ b", "![a", "[a](b", "[^", "[a][", "]a[", "[a] (b)", "*[x"])
def test_what_opens_no_link_is_text(source: str) -> None:
    assert html(source) == source


def test_a_task_beside_a_reference_is_no_link() -> None:
    assert html("[x] [a]\n\n[a]: /a") == '[x] <a href="/a">a</a>'


@pytest.mark.parametrize(
    "source",
    [
        "**注意：**これは*重要*です。",
        "**「強調」**です。",
        "他**说**，**“你好”**吧",
        "这是**重点。**然后",
        "*한국어*는 **중요**합니다.",
        "中文*斜体*，**粗体**！",
        "(**a**) “*b*” —**c**— *d*. **e**, a**b**c",
        "**Tip:**text and *(this)*and",
        "هذا **مهم** جدا، *نعم*.",
    ],
)
def test_emphasis_is_found_at_least_as_often_as_python_markdown_finds_it(source: str) -> None:
    def marked(text: str) -> int:
        return text.count("<em>") + text.count("<strong>")

    assert marked(to_html(source).html) >= max(1, marked(markdown(source)))


@pytest.mark.parametrize(
    "source",
    [
        '{{ name | default("you") }}',
        "{{ a_b_c * d_e }}",
        "{% if x %}",
        "%name% and 100%",
        "{# a #}",
        "${x}",
        "{{{ raw }}}",
    ],
)
def test_braces_and_percent_signs_in_prose_stay_as_typed(source: str) -> None:
    assert html(source) == source


def test_smart_punctuation_is_nobody_s_wish_by_default() -> None:
    assert html('"a" -- b...') == '"a" -- b...'
