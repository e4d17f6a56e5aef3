"""A diagram's columns stay where they were drawn."""

from __future__ import annotations

import pytest

from newsletter.content.markdown.diagrams import columns, is_diagram
from newsletter.content.markdown.document import read_markdown

BOX = "┌────┐\n│ 😀 │→ x\n└────┘"


@pytest.mark.parametrize(
    ("text", "width"), [("abc", 3), ("┌─┐", 3), ("中文", 4), ("😀", 2), ("e\u0301", 1), ("👩‍👩‍👧", 2), ("", 0)]
)
def test_columns_are_those_of_a_terminal(text: str, width: int) -> None:
    assert columns(text) == width


def test_a_code_block_with_boxes_is_a_figure_that_keeps_its_lines() -> None:
    document = read_markdown(f"a\n\n```\n{BOX}\n```\n\nb")
    (figure,) = document.root.findall("figure")
    assert str(figure.text_content()).strip("\n") == BOX
    assert (document.widths, figure.get("data-columns"), figure.get("role"), figure.get("dir")) == (
        (9,),
        "9",
        "img",
        "ltr",
    )
    assert [(span.get("class"), span.text) for span in figure.iter("span")] == [("c2", "😀"), ("c1", "→")]


def test_the_label_is_the_one_given_or_the_words_drawn() -> None:
    def label(source: str) -> str | None:
        return read_markdown(source).root.find("figure").get("aria-label")

    assert label('```diagram "Two <boxes>"\na -> b\n```') == "Two <boxes>"
    assert label("```\n┌────┐\n│ in │ out\n└────┘\n```") == "in out"
    assert str(label("```\n┌──┐\n" + "word " * 100 + "\n```")).endswith(" …")


def test_code_stays_code_unless_it_is_drawn() -> None:
    assert not is_diagram("print('─')\nx")
    assert not is_diagram(BOX, "python")
    assert is_diagram("a -> b", "diagram")
    assert read_markdown("```python\n" + BOX + "\n```").root.findall("figure") == []


def test_a_diagram_stands_in_a_list_or_a_quote_too() -> None:
    for source in ("- a\n\n  ```\n  ┌──┐\n  └──┘\n  ```", "> ```\n> ┌──┐\n> └──┘\n> ```"):
        assert read_markdown(source).widths == (4,)
