"""HTML that is text is shown, HTML that is harmless passes, and the rest goes with a finding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.content.markdown.engine import to_html
from newsletter.content.markdown.html import _Removed, flatten, hide_text_angles, removed, unused_characters


@pytest.mark.parametrize(
    "source",
    [
        "Vec<T>",
        "<think>hm</think>",
        "a < b",
        "Option<Box<dyn Fn()>>",
        "<?php x ?>",
        "<std::string>",
        "<3",
        "x <- y",
        "<>",
    ],
)
def test_what_is_no_html_is_shown_as_typed(source: str) -> None:
    escaped = source.replace("<", "&lt;").replace(">", "&gt;")
    assert to_html(f"a {source} b").html == f"<p>a {escaped} b</p>"


def test_a_character_of_the_source_is_never_taken_for_a_mark() -> None:
    assert unused_characters("\ue000\ue002", 2) == "\ue001\ue003"
    assert "\ue000" in to_html("\ue000 < \ue001 [").html


@pytest.mark.parametrize(
    ("source", "rule", "gone"),
    [
        ("<script>alert(1)</script>", "<script>", "alert"),
        ('<b onclick="x()">a</b>', "onclick=", "onclick"),
        ("[a](javascript:alert(1))", "javascript:", "javascript"),
        ("<form action='/x'><input name='n'>a</form>", "<form>", "form"),
        ("<object data='x'>y</object>", "<object>", "object"),
        ("<svg onload=x><circle/></svg>", "<svg>", "onload"),
    ],
)
def test_what_is_harmful_goes_and_is_told_with_its_line(source: str, rule: str, gone: str) -> None:
    """The same in code, before it, is no harm and not the place."""
    made = to_html(f"```\n{source}\n```\n\nan `{source}`\n\ntext {source}", "a.md", first_line=10)
    assert gone not in made.html.split("text", 1)[1]
    told = [finding for finding in made.findings if rule in finding.message]
    assert [(finding.rule, finding.file, finding.line) for finding in told] == [("html-removed", "a.md", 16)]


def test_an_address_in_disguise_is_seen_through() -> None:
    made = to_html('<a href=" java&#9;script:x">a</a>')
    assert made.html == "<p><a>a</a></p>"
    assert made.findings[0].message.startswith("javascript: was taken out")


@pytest.mark.parametrize(
    ("address", "link", "words"),
    [
        ("https://player.vimeo.com/video/12", "https://vimeo.com/12", "Vimeo 12"),
        ("https://player.vimeo.com/video/12?h=0af&amp;x=1", "https://vimeo.com/12/0af", "Vimeo 12"),
        ("https://player.vimeo.com/video/12?x=1&amp;h=0af", "https://vimeo.com/12/0af", "Vimeo 12"),
        (
            "https://www.youtube.com/embed/videoseries?list=PL1",
            "https://www.youtube.com/embed/videoseries?list=PL1",
            "yt",
        ),
    ],
)
def test_a_player_whose_still_nobody_knows_becomes_words_that_lead_to_it(address: str, link: str, words: str) -> None:
    title = "" if words.startswith("Vimeo") else f' title="{words}"'
    made = to_html(f'<iframe src="{address}"{title}></iframe>')
    assert made.html == f'<a href="{link}">{words}</a>'
    assert "still.jpg" in made.findings[0].fix


def test_a_player_becomes_a_link_and_a_video_its_still() -> None:
    assert to_html('<iframe src="https://x.org/p"></iframe>').html == '<a href="https://x.org/p">https://x.org/p</a>'
    assert to_html("<video src='https://x.org/v.mp4' controls></video>").html.count('href="https://x.org/v.mp4"') == 1
    made = to_html('<iframe title="Talk" src="https://www.youtube.com/embed/abc"></iframe>')
    assert 'href="https://www.youtube.com/watch?v=abc"' in made.html
    assert 'src="https://i.ytimg.com/vi/abc/hqdefault.jpg"' in made.html
    assert 'alt="Talk"' in made.html
    assert [finding.rule for finding in made.findings] == ["html-removed"]


@pytest.mark.parametrize(
    "source",
    [
        '<p style="color: red" class="x" dir="rtl">a</p>',
        '<img src="cid:x" alt="" width="20">',
        '<a href="irc://x.org/y">a</a>',
        '<td colspan="2">a</td>',
        '<details open=""><summary>a</summary>b</details>',
    ],
)
def test_what_is_harmless_stays(source: str) -> None:
    wrapped = f"<table><tbody><tr>{source}</tr></tbody></table>" if source.startswith("<td") else source
    made = to_html(wrapped)
    assert made.findings == ()
    for word in source.replace("<", " ").replace(">", " ").split():
        assert word.strip("/;") in made.html


def test_elements_nested_beyond_reason_are_flattened_and_their_text_stays() -> None:
    deep = "<div>" * 5000 + "x" + "</div>" * 5000 + "<b>y</b>"
    flat = flatten(deep)
    assert flat.count("<div>") == flat.count("</div>") == 100
    assert flat.endswith("x" + "</div>" * 100 + "<b>y</b>")
    assert flatten("<ul>" + "<li>a" * 500 + "</ul>").count("<li>") == 500


@given(st.text(alphabet="<>/!-abT \\\"'=:?`", max_size=40))
def test_hiding_changes_nothing_but_angles(text: str) -> None:
    assert hide_text_angles(text, "\ue000").replace("\ue000", "<") == text


@given(
    st.lists(
        st.sampled_from(
            ["<p", "<script", "<a", "<svg/", " href=", " src = ", "'", '"', ">", "</p>", "x:y", "javascript:",
             "&#106;a:", "https://a.example", "/", " onclick=1", "/onx=", " ", "\n", "mailto:a@b", "\t",
             "<A HREF=", "\x0b:"]
        ),
        max_size=9,
    )
)  # fmt: skip
def test_nothing_that_is_taken_out_escapes_the_first_look(pieces: list[str]) -> None:
    markup = "".join(pieces)
    parser = _Removed()
    parser.feed(markup)
    parser.close()
    assert removed(markup) == parser.found
