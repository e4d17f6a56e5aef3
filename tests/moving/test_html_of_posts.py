"""HTML of posts as Markdown that our engine reads as the same words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html as lxml_html

from newsletter.content.reader import parse_issue
from newsletter.moving.html import as_markdown, escaped
from newsletter.render.renderer import render
from newsletter.render.site import Site
from newsletter.render.theme import read_theme

THEME = read_theme([Path(__file__).resolve().parents[2] / "templates"], "default")


def shown(markdown: str) -> str:
    """The words of the article that our engine makes of it."""
    issue = parse_issue(Path("issues/x.md"), b"---\nsubject: x\ntitle: Title\n---\n\n" + markdown.encode())
    page = render(issue, Site("N", "https://n.example", "n@n.example"), THEME).web
    article = page[page.index("</header>", page.index("<article>")) : page.index("</article>")]
    return " ".join(lxml_html.fromstring(f"<div>{article[9:]}</div>").text_content().split())


@pytest.mark.parametrize(
    "words",
    [
        "1. no list",
        "# no heading",
        "- no item",
        "a *b* _c_ `d` [e](f)",
        "snake_case_name",
        "2 < 3 && x > 1",
        "~~~",
        "> said",
    ],
)
def test_prose_that_looks_like_markdown_stays_prose(words: str) -> None:
    markdown, lost = as_markdown(f"<p>{words.replace('&', '&amp;').replace('<', '&lt;')}</p>")
    assert (shown(markdown), lost) == (words, ())


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab *_`[]()#>+-=~.1\\"), min_size=1, max_size=12))
def test_no_sign_of_markdown_survives_in_prose(text: str) -> None:
    plain = " ".join(f"x{text}".split())
    assert re.sub(r"\s+", " ", shown(escaped(plain))) == plain


def test_headings_go_a_step_down_where_the_post_has_titles_of_its_own() -> None:
    assert as_markdown("<h1>A</h1><p>b</p><h2>C</h2>")[0] == "## A\n\nb\n\n### C\n"
    assert as_markdown("<h2>C</h2>")[0] == "## C\n"


def test_a_form_that_is_no_sign_up_is_told() -> None:
    assert as_markdown("<p>a</p><form action='/vote'><input></form>") == ("a\n", ("a form is left out",))
    assert as_markdown("<p>a</p><div class='subscribe-x'><form>Go</form></div>")[1] == ()


def test_only_the_post_of_a_whole_page_is_taken() -> None:
    page = "<html><body><nav>Menu</nav><div id='content-blocks'><p>Post</p></div><p>Footer</p></body></html>"
    assert as_markdown(page)[0] == "Post\n"
