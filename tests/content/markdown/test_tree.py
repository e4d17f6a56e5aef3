"""What python-markdown leaves undone is done on the tree."""

from __future__ import annotations

import pytest
from lxml import html

from newsletter.content.markdown.document import read_markdown


def read(source: str) -> html.HtmlElement:
    return read_markdown(source).root


def texts(root: html.HtmlElement, path: str) -> list[str]:
    return [str(element.text_content()) for element in root.findall(f".//{path}")]


@pytest.mark.parametrize(
    ("source", "href", "text"),
    [
        ("see http://x.y/a_b_c.", "http://x.y/a_b_c", "http://x.y/a_b_c"),
        ("(https://en.x.org/wiki/A_(b)),", "https://en.x.org/wiki/A_(b)", "https://en.x.org/wiki/A_(b)"),
        ("(see http://x.y.)", "http://x.y", "http://x.y"),
        ("www.x.org/?a=1&b=2!", "https://www.x.org/?a=1&b=2", "www.x.org/?a=1&b=2"),
        ("write to first.last+tag@x.co.uk.", "mailto:first.last+tag@x.co.uk", "first.last+tag@x.co.uk"),
        ("**http://x.y**", "http://x.y", "http://x.y"),
        ("看http://x.y/。吧", "http://x.y/", "http://x.y/"),
        ("写给me@x.org。", "mailto:me@x.org", "me@x.org"),
    ],
)
def test_a_bare_address_is_a_link(source: str, href: str, text: str) -> None:
    (link,) = read(source).findall(".//a")
    assert (link.get("href"), link.text_content()) == (href, text)
    assert str(read(source).text_content()).strip() == source.strip("*")


@pytest.mark.parametrize(
    "source", ["`http://x.y`", "    http://x.y", "a@b", "@name", "x://", "me@[1]", "<code>a@b.org</code>"]
)
def test_what_is_no_address_or_code_is_no_link(source: str) -> None:
    assert read(source).findall(".//a") == []


def test_a_link_s_own_text_is_not_linked_again() -> None:
    assert len(read("[http://x.y](http://x.y) <http://x.y>").findall(".//a")) == 2


def test_headings_have_ids_of_their_own_and_no_second_h1() -> None:
    root = read('# A b!\n\n## A b\n\n## 中文 é\n\n## !\n\n### A b\n\n<p id="a-b-4">x</p>\n\n## A b')
    found = [(element.tag, element.get("id")) for element in root.iter("h1", "h2", "h3", "h4")]
    assert found == [
        ("h2", "a-b"),
        ("h3", "a-b-2"),
        ("h3", "中文-é"),
        ("h3", "section"),
        ("h4", "a-b-3"),
        ("h3", "a-b-5"),
    ]


def test_headings_below_the_first_level_keep_theirs() -> None:
    assert [element.tag for element in read("## a\n\n### b").iter("h1", "h2", "h3")] == ["h2", "h3"]


def test_a_typed_number_of_a_heading_is_set_apart() -> None:
    assert texts(read("## 1. First\n\n## 2024 in review"), "span") == ["1."]


def test_task_lists_have_boxes_in_tight_loose_and_nested_lists() -> None:
    root = read("- [x] a\n- [ ] [b](c)\n  - [X] d\n\n    e\n- [y] f")
    tasks = [element for element in root.iter("li") if element.get("class") == "task"]
    assert [str(task.text_content()).strip()[0] for task in tasks] == ["☑", "☐", "☑"]


def test_a_paragraph_that_is_one_picture_is_marked() -> None:
    root = read("![a](b)\n\n[![a](b)](c)\n\n![a](b) text\n\n<img src='b'>")
    assert [element.get("class") for element in root.findall("p")] == ["picture", "picture", None, "picture"]
    assert [element.get("alt") for element in root.iter("img")] == ["a", "a", "a", ""]


def test_a_data_table_stands_in_a_box_and_a_layout_table_does_not() -> None:
    root = read('|a|b|\n|-|-|\n|1|2|\n\n<table role="presentation"><tr><td>x</td></tr></table>')
    assert len(root.findall("div[@class='table']/table")) == 1
    assert len(root.findall("table")) == 1


def test_the_root_holds_blocks_only_and_no_empty_paragraph() -> None:
    root = read("<form>loose *a* <b>b</b> <input></form>\n\nx\n\n<script>y</script>\n\n<p></p>\n\n<a href='/z'>z</a>")
    assert not (root.text or "").strip()
    assert all(child.tag == "p" and str(child.text_content()).strip() for child in root)
    assert not any((child.tail or "").strip() for child in root)
