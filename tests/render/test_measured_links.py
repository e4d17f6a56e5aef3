"""Measured links in the HTML of an edition: what is rewritten, what is not, and where it leads."""

from __future__ import annotations

from html import escape

from hypothesis import given
from hypothesis import strategies as st

from newsletter.render.fill import fill
from newsletter.render.measuring import CLICK, NO_PIXEL, OPEN, bare, location, measure, targets_of
from newsletter.render.merge import safe

WHOLE = (
    '<body><a class="x" title="a > b" href="https://e.org/?a=1&amp;b=2#f">x</a> <A HREF="http://e.org">y</A> '
    '<a href="mailto:x@e.org">z</a> <a href="{{unsubscribe_url}}">u</a> <a href="https://e.org/{{name}}">n</a></body>'
)


def test_web_addresses_get_a_variable_and_others_stay() -> None:
    html = measure(WHOLE, clicks=True, opens=True)
    assert html.count("{{click_url}}") == 2
    assert html.count("{{open_url}}") == 1
    assert bare(html) == WHOLE
    assert measure(WHOLE, clicks=False, opens=False) == WHOLE
    assert measure(f'<a href="https://e.org/{"x" * 3000}">', clicks=True, opens=False).count("{{") == 0


def test_who_objects_has_what_an_edition_has_that_measures_nothing() -> None:
    html = measure(WHOLE, clicks=True, opens=False)
    assert fill(html, {CLICK: ""}, html=True) == fill(WHOLE, {}, html=True)
    pixel = fill(measure("<body></body>", clicks=False, opens=True), {OPEN: NO_PIXEL}, html=True)
    assert f'src="{NO_PIXEL}"' in pixel


def test_no_template_engine_changes_a_value() -> None:
    for value in (NO_PIXEL, "https://letters.example/c/WzEsMV0.a-_b?", "https://letters.example/o/WzEsMV0.a.gif"):
        assert safe(value) == escape(value) == value


def test_links_that_differ_in_their_fragment_lead_to_the_address_itself() -> None:
    html = measure('<a href="https://e.org/#a">1</a><a href="https://e.org/#b">2</a>', clicks=True, opens=False)
    assert targets_of(html).find("https://e.org/") == "https://e.org/"
    assert targets_of(html).find("https://e.org/#a") is None  # no browser asks for it so


def test_an_escaped_slash_is_another_address_where_both_stand() -> None:
    html = measure('<a href="https://e.org/a%2Fb">1</a><a href="https://e.org/a/b">2</a>', clicks=True, opens=False)
    for address in ("https://e.org/a%2Fb", "https://e.org/a/b"):
        assert targets_of(html).find(address) == address


def test_a_location_is_ascii_on_one_line() -> None:
    assert location("https://bücher.example/ö?x=a b#ü") == "https://xn--bcher-kva.example/%C3%B6?x=a%20b#%C3%BC"
    assert "\n" not in location("https://e.org/\r\nSet-Cookie: a")


@given(st.from_regex(r"https://e\.org/[^\s\"<>{}#]{0,40}", fullmatch=True))
def test_every_address_finds_itself_again(address: str) -> None:
    html = measure(f'<a href="{escape(address)}">x</a>', clicks=True, opens=False)
    assert targets_of(html).find(address) == address
