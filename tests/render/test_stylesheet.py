"""The kept style sheet gives what premailer gives, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree, html

from newsletter.content.markdown.document import read_markdown
from newsletter.content.reader import read_issue
from newsletter.publication import builtin
from newsletter.render.stylesheet import apply, premailer

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
HEAD = '<style data-premailer="ignore">@media (max-width:480px){.page{color:red!important}}</style>'
CSS = """
p, li > p { margin: 0 0 18px; color: #111 }
p.a { color: #222; font: bold 13px/1.4 -apple-system, "Segoe UI" }
#x { color: #333 }
.b { color: #444 !important; border: 0 }
.b.a { color: #555 }
ul li { line-height: 1.20; background: url("x.png?a;b") }
li:first-child { margin-top: 0 }
a:hover { color: red }
* { margin: 0 }
[dir=rtl] p { text-align: right }
.a { color: unset; width: 100% }
i { color: unset }
@media print { p { color: black } }
"""


def page(body: str, head: str = HEAD) -> str:
    return f'<!DOCTYPE html><html><head><title>T</title>{head}</head><body class="page"><div>{body}</div></body></html>'


def both(page: str, css: str) -> tuple[str, str]:
    """What we make of a page, and what premailer does."""
    ours, theirs = html.document_fromstring(page), html.document_fromstring(page)
    apply(ours, css)
    premailer(css).transform(theirs)
    return etree.tostring(ours, encoding="unicode"), etree.tostring(theirs, encoding="unicode")


@pytest.mark.parametrize(
    "body",
    [
        '<p class="b a" id="x">one</p><ul><li><p>two</p><li>three</ul>',
        '<p style="color: blue; margin-top: 3px">own styles win</p><p class="b" style="COLOR:RED!important">or not</p>',
        '<p class="a" style="nonsense">a</p><p class="a" style="">b</p><i>c</i><i style="color:unset">d</i>',
        '<div dir="rtl"><p class="a">right</p></div><a href="#">link</a>',
        '<p style="width: 12; background: url(a.png?x;y)">odd</p><li style="/* c */ top: 0;;">x',
    ],
)
def test_what_rules_and_own_styles_make_of_an_element_is_the_same(body: str) -> None:
    ours, theirs = both(page(body), CSS)
    assert "style=" in ours
    assert ours == theirs


@pytest.mark.parametrize(
    "head", ["", "<style>p{top:1px}</style>", HEAD + '<style media="print" data-premailer="ignore">p{top:1px}</style>']
)
def test_a_page_with_other_style_elements_is_the_same(head: str) -> None:
    ours, theirs = both(page("<p>x", head), CSS)
    assert ours == theirs


def test_an_own_style_that_is_the_name_of_an_element_does_no_harm() -> None:
    # premailer mixes up its own caches here: it finds the selector `p` where it looks for the declarations of "p".
    ours, _ = both(page("<p>x"), CSS)
    tree = html.document_fromstring(page('<p style="p">x'))
    apply(tree, CSS)
    assert "<p" in ours
    assert 'style="margin:0 0 18px; color:#111"' in etree.tostring(tree, encoding="unicode")


def test_the_sample_issues_are_the_same() -> None:
    css = (builtin("templates") / "default" / "email.css").read_text(encoding="utf-8")
    for path in sorted(builtin("issues").glob("*.md")):
        document = read_markdown(read_issue(path).body)
        ours, theirs = both(page(etree.tostring(document.root, encoding="unicode")), css)
        assert ours == theirs


@pytest.mark.shared
@pytest.mark.skipif(not CORPUS.exists(), reason="../shared is not here")
def test_the_corpus_is_the_same() -> None:
    css = (builtin("templates") / "default" / "email.css").read_text(encoding="utf-8")
    paths = sorted(CORPUS.rglob("*.md"))
    assert paths
    for path in paths:
        document = read_markdown(read_issue(path).body)
        ours, theirs = both(page(etree.tostring(document.root, encoding="unicode")), css)
        assert ours == theirs, path.name
