"""The pictures for whoever shares a page: drawn the same each time, whole or not at all, named in the page's head."""

from __future__ import annotations

import base64
import io
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from visiting import Visitor

from newsletter.errors import ConfigError
from newsletter.publication import find_publication
from newsletter.web.public import cards
from newsletter.web.public.cards import HEIGHT, WIDTH, Card, draw
from newsletter.web.public.house import open_house
from newsletter.web.public.static import build

PLAIN = Card("What is a token?", "Plain", "en", False, "#fffefb", "#23211d", "#0b5c6b")
UNWRITTEN = "\U00012000\U00012001"  # cuneiform: a script that no font of the list has
DOT = b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture(autouse=True)
def fresh() -> None:
    draw.cache_clear()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def test_a_card_has_the_size_that_networks_ask_for_and_is_small() -> None:
    drawn = draw(PLAIN)
    assert drawn is not None
    assert (opened(drawn.data).size, drawn.whole) == ((WIDTH, HEIGHT), True)
    assert len(drawn.data) < 60_000


def test_equal_cards_are_equal_to_the_byte_and_others_are_not() -> None:
    first = draw(PLAIN)
    draw.cache_clear()
    assert draw(PLAIN) == first
    assert draw(replace(PLAIN, title="What is a tokem?")) != first


def test_a_title_of_any_length_stays_on_the_card() -> None:
    for title in ("word " * 80, "W" * 400, "長" * 300, ""):
        drawn = draw(replace(PLAIN, title=title))
        assert drawn is not None
        assert drawn.whole
        image = opened(drawn.data).convert("RGB")
        margin = image.crop((WIDTH - 60, 0, WIDTH, HEIGHT)).getcolors()
        assert margin is not None
        assert len(margin) == 1, title[:9]


def test_what_no_font_can_write_is_left_out_and_said() -> None:
    drawn = draw(replace(PLAIN, title=f"A {UNWRITTEN}"))
    assert drawn is not None
    assert not drawn.whole
    emoji = draw(replace(PLAIN, title="What is a token? 🎉"))
    assert emoji == draw(PLAIN)  # decoration needs no letters


def test_text_that_runs_the_other_way_begins_at_the_right() -> None:
    drawn = draw(replace(PLAIN, rtl=True))
    assert drawn is not None
    image = opened(drawn.data).convert("RGB")
    assert image.getpixel((WIDTH - 5, 300)) != image.getpixel((5, 300)) == image.getpixel((WIDTH - 60, 600))


def test_the_pages_name_their_card_and_it_is_there(town: Any) -> None:
    town.publish("one")
    for path, address in (("/one/", "one/card.png"), ("/", "card.png"), ("/subscribe", "card.png")):
        page = town.visitor.get(path).text
        assert re.findall(r'property="og:image" content="([^"]*)"', page) == [f"https://test.example/letters/{address}"]
        assert re.findall(r'property="og:image:(?:width|height)" content="(\d+)"', page) == ["1200", "630"]
        assert "Plain &amp; Test" in re.findall(r'property="og:image:alt" content="([^"]*)"', page)[0]
        picture = town.visitor.get(f"/{address}")
        assert (picture.status, picture.headers["content-type"]) == (200, "image/png")
    assert town.visitor.get("/nothing/card.png").status == 404


def test_the_static_archive_holds_the_cards_too(town: Any, tmp_path: Path) -> None:
    town.publish("one")
    build(town.house, tmp_path / "site")
    for name in ("card.png", "one/card.png"):
        assert (tmp_path / "site" / name).read_bytes() == town.visitor.get(f"/{name}").body


def with_picture(town: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An issue with a picture of its own, which its page names."""
    (town.folder / "issues" / "dot.png").write_bytes(base64.b64decode(DOT))
    town.publish("one", body="![A dot](dot.png)")


def test_without_pillow_there_is_the_issues_own_picture_or_none(town: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with_picture(town, monkeypatch)
    town.publish("two")
    monkeypatch.setitem(sys.modules, "PIL", None)
    draw.cache_clear()
    assert re.findall(r'og:image" content="([^"]*)"', town.visitor.get("/one/").text)[0].endswith(".png")
    for path in ("/two/", "/", "/subscribe"):
        assert "og:image" not in town.visitor.get(path).text
    assert town.visitor.get("/two/card.png").status == town.visitor.get("/card.png").status == 404


def test_where_no_font_has_the_letters_the_issues_own_picture_is_shown(
    town: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_picture(town, monkeypatch)
    monkeypatch.setattr(cards, "_has_all", lambda font, text: False)
    page = town.visitor.get("/one/").text
    assert "card.png" not in page
    assert "og:image" in page
    assert town.visitor.get("/one/card.png").status == 404
    assert town.visitor.get("/card.png").status == 200  # the publication's has no picture to give way to


def test_a_font_that_is_named_is_there_or_the_start_fails(town: Any) -> None:
    toml = town.folder / "newsletter.toml"
    toml.write_text(toml.read_text() + 'card_font = "fonts/none.ttf"\n')
    with pytest.raises(ConfigError, match="card_font"):
        open_house(find_publication(town.folder, town.folder), town.store, town.house.now)


def test_a_named_font_is_used_first(town: Any) -> None:
    house = replace(town.house, card_font="DejaVuSerif.ttf")
    try:
        from PIL import ImageFont

        ImageFont.truetype("DejaVuSerif.ttf", 10)
    except OSError:
        pytest.skip("DejaVu Serif is not here")
    assert Visitor(house).get("/card.png").body != town.visitor.get("/card.png").body
