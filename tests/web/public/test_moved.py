"""Old addresses lead to the issues that stand there now, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from visiting import Visitor

from newsletter.errors import ConfigError
from newsletter.moving.redirects import add_redirects, read_redirects
from newsletter.web.public.house import open_house
from newsletter.web.public.static import build

BASE = "https://test.example/letters"
OLD = {"/p/first": "first", "/2024/03/first.html": "first", "/wax/": "first", "/never": "never-sent"}


@pytest.fixture
def town_with_a_past(town: Any) -> Any:
    town.publish("first")
    add_redirects(town.folder, OLD)
    return replace(town, house=open_house(town.publication, town.store, town.house.now))


def test_who_asks_for_an_old_address_is_sent_on_for_good(town_with_a_past: Any) -> None:
    visitor = Visitor(town_with_a_past.house)
    for path in ("/p/first", "/p/first/", "/2024/03/first.html", "/wax/", "/wax"):
        answer = visitor.get(path)
        assert (answer.status, answer.headers["location"]) == (301, "/letters/first/"), path
    for path in ("/never", "/p/other", "/p/first/more"):
        assert visitor.get(path).status == 404, path


def test_a_static_archive_has_a_page_for_each_old_address(town_with_a_past: Any, tmp_path: Path) -> None:
    build(town_with_a_past.house, tmp_path / "site")
    for file in ("p/first/index.html", "2024/03/first.html", "wax/index.html"):
        page = (tmp_path / "site" / file).read_text(encoding="utf-8")
        assert f'url={BASE}/first/"' in page, file
    assert not (tmp_path / "site" / "never").exists()


def test_what_is_added_leaves_what_was_there(tmp_path: Path) -> None:
    add_redirects(tmp_path, {"/a": "one"})
    add_redirects(tmp_path, {"/a": "two", '/b"c': "three"})
    assert read_redirects(tmp_path) == {"/a": "one", '/b"c': "three"}


@pytest.mark.parametrize(
    "text", ["nonsense", '"p" = "x"', '"/../x" = "x"', '"/p" = "Not a slug"', '"/p" = 3', "[/p]\nx = 1"]
)
def test_what_cannot_be_meant_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "redirects.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"redirects\.toml"):
        read_redirects(tmp_path)
