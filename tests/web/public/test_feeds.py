"""The feeds and the sitemap hold every rule of their formats, whatever an issue holds."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from feed_rules import atom_faults, json_faults, rss_faults, sitemap_faults
from visiting import Visitor

FEEDS: dict[str, Callable[[str], list[str]]] = {
    "/feed.xml": rss_faults,
    "/atom.xml": atom_faults,
    "/feed.json": json_faults,
    "/sitemap.xml": sitemap_faults,
}
RICH = """

A token[^1] and [a page](one), ![a cat](https://pics.example/cat.png) and ]]> and &amp; and \x0b and “quotes”.

| a | b |
|--:|:--|
| 1 | 2 |

```python
print("<b>")
```

```
┌──────┐
│ box  │
└──────┘
```

- [x] done

[^1]: Small print.
"""


@pytest.fixture
def rich(town: Any) -> Any:
    """A publication whose issues have all that feeds may stumble over."""
    (town.folder / "glossary.toml").write_text('token = "A piece of text."\n')
    town.publish("one", body=RICH)
    town.publish("two", tags="ai & co, a/b, 日本", body=RICH)
    return town


def test_no_feed_has_a_fault(rich: Any) -> None:
    for path, faults in FEEDS.items():
        text = rich.visitor.get(path).text
        assert faults(text) == [], path
        assert "/two/" in text


def test_no_feed_without_an_issue_has_a_fault_either(town: Any) -> None:
    bare = replace(town.house, site=replace(town.house.site, description="", language="pt-BR"))
    for path, faults in FEEDS.items():
        assert faults(town.visitor.get(path).text) == [], path
        assert faults(Visitor(bare).get(path).text) == [], path


WRONG = {
    "/feed.xml": [
        ("isPermaLink", "isPermalink_"),
        (' rel="self"', ' rel="other"'),
        ("<pubDate>", "<pubDate>x"),
        ("&lt;p&gt;", "&lt;script&gt;"),
        ("https://test.example/letters/one/#", "#"),
        ("<language>en", "<language>"),
    ],
    "/atom.xml": [("<id>", "<id>x:"), ('type="html"', 'type="text"'), ("Z</updated>", "</updated>"), ('term="ai"', "")],
    "/feed.json": [("Z", ""), ("version/1.1", "version/1"), ('"summary"', '"sumary"'), ("/one/", "/two/")],
    "/sitemap.xml": [("<loc>https://test.example", "<loc>"), ("</lastmod>", "T10</lastmod>"), ("/one/", "/two/")],
}


def test_the_rules_see_what_is_wrong(rich: Any) -> None:
    for path, pairs in WRONG.items():
        text = rich.visitor.get(path).text
        for right, wrong in pairs:
            assert right in text
            assert FEEDS[path](text.replace(right, wrong)), (right, wrong)


def test_an_issue_keeps_its_id_when_others_come_and_its_tags_change(rich: Any) -> None:
    before = re.findall(r"<guid[^>]*>([^<]*)", rich.visitor.get("/feed.xml").text)
    rich.publish("three", tags="new")
    assert re.findall(r"<guid[^>]*>([^<]*)", rich.visitor.get("/feed.xml").text)[1:] == before


def test_a_glossary_term_is_text_in_a_feed_and_its_explanation_stays(rich: Any) -> None:
    text = rich.visitor.get("/feed.json").text
    assert "popover" not in text
    assert "A piece of text." in text
    assert "popovertarget" in rich.visitor.get("/one/").text
