"""The text part reads as if somebody had written it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from newsletter.content.glossary import Term
from newsletter.content.markdown.diagrams import columns
from newsletter.content.markdown.document import parse, read_markdown
from newsletter.content.reader import parse_issue
from newsletter.render.text import WIDTH, to_text
from newsletter.render.wrapping import wrap

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"


def written(markdown: str, **glossary: Term) -> str:
    """The text of an issue's Markdown, without its last line end."""
    text = to_text(read_markdown(markdown, glossary).root)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    return text[:-1]


def from_html(fragment: str) -> str:
    """The text of a piece of HTML, without its last line end."""
    return to_text(parse(fragment))[:-1]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<h1>A</h1>", "===\nA\n==="),
        ("<h2>Title</h2>", "Title\n====="),
        ("<h3>Title</h3>", "Title\n-----"),
        ("<h4>Title</h4>", "Title\n~~~~~"),
        ("<h5>Title</h5>", "Title\n....."),
        ("<h6>Title</h6>", "Title\n'''''"),
        ("<h2>大模型</h2>", "大模型\n======"),
        ("<h3>A</h3>", "A\n---"),
        ('<h2><span class="number">1.</span> Scale</h2>', "1. Scale\n========"),
        ("<h2> </h2><p>x</p>", "x"),
    ],
)
def test_headings_are_underlined_by_their_width_and_their_levels_differ(source: str, expected: str) -> None:
    assert from_html(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<p>a <strong>b</strong> <em>c</em> <code>d_e</code></p>", "a b c d_e"),
        ("<p>was <del>$10</del> $5</p>", "was ~$10~ $5"),
        ("<p>10<sup>9</sup>, 1<sup>st</sup>, x<sup>k</sup>, CO<sub>2</sub></p>", "10⁹, 1st, x^k, CO₂"),
        ("<p>say <q>hi</q></p>", "say “hi”"),
        ("<p>a<br>b<br><br>c</p>", "a\nb\nc"),
        ("<p>&amp; &lt;b&gt; a&nbsp;b c&shy;d e&#8203;f</p>", "& <b> a b cd ef"),
        ('<p><abbr title="Large Model">LM</abbr> <abbr title="Large Model">LM</abbr></p>', "LM (Large Model) LM"),
        ("<ruby>漢字<rp>(</rp><rt>かんじ</rt><rp>)</rp></ruby>", "漢字(かんじ)"),
        ('<p>a<span style="display: none">b</span>c</p><p style="display:none">d</p>', "ac"),
        ('<p>see <img src="x" alt="A chart">.</p>', "see [Image: A chart]."),
        ('<p><img src="x" alt=""></p><p>y</p>', "y"),
        ("<hr>", "* * *"),
        ("<details><summary>More</summary>inside</details>", "More\n\ninside"),
        ("words<p>a</p>between<p>b</p>", "words\n\na\n\nbetween\n\nb"),
        ("<span>a<div>b</div></span>c", "a\n\nb\n\nc"),
    ],
)
def test_words_stay_and_markup_goes(source: str, expected: str) -> None:
    assert from_html(source) == expected


def test_a_link_is_a_number_and_the_addresses_are_at_the_end() -> None:
    text = written("[One](https://a.example/1), [two](https://a.example/2) and [one again](https://a.example/1).")
    assert text == "One [1], two [2] and one again [1].\n\n[1] https://a.example/1\n[2] https://a.example/2"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<https://a.example/x>", "https://a.example/x"),
        ("www.a.example/x", "www.a.example/x"),
        ("[a.example](https://a.example/)", "a.example"),
        ("me@a.example", "me@a.example"),
        ("[Write](mailto:me%2Bx@a.example?subject=Hi)", "Write (me+x@a.example)"),
        ("[+49 30 123](tel:+49-30-123)", "+49 30 123"),
        ("[below](#part-two)", "below"),
    ],
)
def test_a_link_that_says_its_address_needs_no_number(source: str, expected: str) -> None:
    assert written(source) == expected


def test_a_picture_that_is_a_link_has_its_number_even_without_words() -> None:
    assert from_html('<a href="https://a.example"><img alt="Ad"></a>') == "[Image: Ad] [1]\n\n[1] https://a.example"
    assert from_html('<a href="https://a.example"><img alt=""></a>') == "[1]\n\n[1] https://a.example"


def test_the_placeholder_of_a_merge_tag_is_a_word_and_an_address() -> None:
    text = from_html('<p>Hi zbcdfghjkm12z, <a href="zbcdfghjkm13z">leave</a></p>')
    assert text == "Hi zbcdfghjkm12z, leave [1]\n\n[1] zbcdfghjkm13z"


def test_lists_nest_with_hanging_indents() -> None:
    long = "word " * 16
    text = written(f"- {long}\n    - inner\n        1. deep\n        2. deeper\n- [ ] to do\n- [x] done\n")
    assert text.split("\n") == [
        "- word word word word word word word word word word word word word word",
        "  word word",
        "  - inner",
        "    1. deep",
        "    2. deeper",
        "☐ to do",
        "☑ done",
    ]


def test_a_list_starts_where_its_author_started_it() -> None:
    assert from_html('<ol start="9"><li>a<li>b<li value="20">c</ol>') == "9. a\n10. b\n20. c"


def test_items_that_were_set_apart_stay_apart() -> None:
    assert written("- a\n\n- b") == "- a\n\n- b"
    assert written("- a\n\n    more\n\n- b") == "- a\n\n  more\n\n- b"


def test_quotes_and_admonitions_are_marked_on_every_line() -> None:
    assert written("> a\n>\n> > b") == "> a\n>\n> > b"
    assert written('!!! note "Mind"\n\n    the gap') == "| Mind\n|\n| the gap"


def test_code_is_indented_and_a_diagram_is_not_and_both_stay_whole() -> None:
    line = "x = " + "1 + " * 40 + "1"
    assert written(f"```python\n{line}\n\n\n  y = '<b>'\n```") == f"    {line}\n\n\n      y = '<b>'"
    diagram = "┌──────┐\n│ 🎉 模 │──▶ end\n└──────┘"
    assert written(f"```\n{diagram}\n```") == diagram


def test_a_table_is_columns_where_they_fit() -> None:
    table = "| 名前 | n |\n|---|--:|\n| りんご | 10 |\n| a | 2 |"
    assert written(table) == "名前     n\n------  --\nりんご  10\na        2"


def test_a_table_that_is_too_wide_is_told_row_by_row() -> None:
    text = written(f"| Name | What |\n|---|---|\n| A | {'word ' * 15}|\n| B | [b](https://b.example) |")
    assert text.split("\n\n") == [
        "Name: A\nWhat: word word word word word word word word word word word word word\n  word word",
        "Name: B\nWhat: b [1]",
        "[1] https://b.example",
    ]


def test_a_table_made_for_its_looks_is_read_cell_by_cell() -> None:
    source = '<table role="presentation"><tr><td><h3>L</h3><p>a</p></td><td><ul><li>b</li></ul></td></tr></table>'
    assert from_html(source) == "L\n---\n\na\n\n- b"


def test_a_glossary_note_is_a_term_with_its_definition_and_number() -> None:
    text = written("A token is small.", token=Term("token", "A piece of text.", "https://a.example/token"))
    assert text == "A token is small.\n\ntoken: A piece of text. [1]\n\n[1] https://a.example/token"


def test_footnotes_have_raised_numbers_and_no_way_back() -> None:
    assert written("a[^x][^y]\n\n[^x]: One.\n[^y]: Two.") == "a¹,²\n\n* * *\n\n¹ One.\n\n² Two."


def test_a_definition_stands_below_its_term() -> None:
    assert written("Term\n:   Meaning\n\nOther\n:   First\n:   Second") == (
        "Term\n    Meaning\n\nOther\n    First\n    Second"
    )


def test_lines_are_counted_in_columns() -> None:
    chinese = from_html("<p>" + "模型" * 40 + "</p>").split("\n")
    assert [columns(line) for line in chinese] == [72, 72, 16]
    hindi = from_html("<p>" + "भाषा मॉडल " * 30 + "</p>").split("\n")
    assert all(60 <= columns(line) <= WIDTH for line in hindi[:-1])
    emoji = from_html("<p>" + "👨‍👩‍👧 👍🏽 " * 20 + "</p>").split("\n")
    assert [columns(line) for line in emoji] == [71, 47]


def test_persian_stays_in_logical_order_with_its_joiners() -> None:
    assert from_html("<p>مدل‌های زبانی <b>بزرگ</b></p>") == "مدل‌های زبانی بزرگ"


def test_a_closing_mark_does_not_start_a_line_and_an_opening_one_does_not_end_it() -> None:
    assert from_html("<p>" + "文" * 36 + "。" + "文" * 34 + "「文」</p>").split("\n") == [
        "文" * 35,
        "文。" + "文" * 34,
        "「文」",
    ]


def test_a_line_end_between_ideographs_is_no_space() -> None:
    assert from_html("<p>中文\n文字 Latin\nwords</p>") == "中文文字 Latin words"


def test_an_address_is_never_broken() -> None:
    address = "https://example.com/" + "a-b/" * 30
    assert address in written(f"See {address} for more.").split("\n")
    assert "https://zh.example/大型" in from_html("<p>" + "文" * 33 + "https://zh.example/大型</p>").split("\n")


def test_a_number_stays_with_its_word_where_there_is_room() -> None:
    lines = from_html(f'<p>{"word " * 13}<a href="https://a.example">linked</a></p>').split("\n")
    assert lines[:2] == [("word " * 13).strip(), "linked [1]"]


@pytest.mark.parametrize("tags", [["div"], ["span"], ["ul", "li"], ["blockquote"], ["span", "div"], ["dl", "dd"]])
def test_nesting_without_end_neither_raises_nor_loses_words(tags: list[str]) -> None:
    root = element = html.Element("div")
    for number in range(3000):
        child = html.Element(tags[number % len(tags)])
        child.text = f"w{number}"
        element.append(child)
        element = child
    text = to_text(root)
    assert set(re.findall(r"w\d+", text)) >= {"w0", "w100"}
    assert "w2999" in text


def test_a_large_table_and_a_long_paragraph_take_time_in_proportion_to_their_size() -> None:
    rows = to_text(parse("<table><tr><th>A<th>B</tr>" + "<tr><td>é<td>b</tr>" * 10_000 + "</table>"))
    assert rows.count("\n") == 10_002
    for filler in ("模", "\xa0", "「", "w", "\n", "\u200d", "🎉", "a "):
        assert to_text(parse(f"<p>文{filler * 100_000}x</p>")).endswith("x\n")


ALPHABETS = ("abcXYZ019.,!?é", "шщЖ", "abc模型語、。「」", "سلامکه", "🎉👍", "हमन")
WORDS = st.sampled_from(ALPHABETS).flatmap(lambda signs: st.text(signs, min_size=1, max_size=90))
PROSE = st.lists(WORDS, min_size=1, max_size=30).map(" ".join)
SHAPES = (
    "<p>{}</p>",
    "{}",
    "<h2>{}</h2>",
    "<blockquote><p>{}</p></blockquote>",
    "<ul><li>{}<ol><li>{}</ol></ul>",
    "<dl><dt>{}<dd>{}</dl>",
    "<table><tr><td>{}<td>{}</table>",
    '<p><a href="https://a.example/x">{}</a></p>',
)


@st.composite
def bodies(draw: st.DrawFn) -> str:
    return "".join(
        draw(st.sampled_from(SHAPES)).format(draw(PROSE), draw(PROSE))
        for _ in range(draw(st.integers(min_value=1, max_value=4)))
    )


@given(bodies())
def test_only_a_word_that_cannot_be_broken_is_wider_than_the_text(body: str) -> None:
    for line in to_text(parse(body)).split("\n"):
        words = re.sub(r"^(?:[ >|-]|\d+\. |\[\d+\] )+", "", line)
        assert columns(line) <= WIDTH or " " not in words, line
        assert line == line.rstrip()


@given(bodies())
def test_every_word_is_in_the_text(body: str) -> None:
    root = parse(body)
    text = re.sub(r"\s|^[> -]+", "", to_text(root), flags=re.MULTILINE)
    for word in " ".join(map(str, root.itertext())).split():
        assert word in text


@given(bodies())
def test_blocks_are_one_line_apart_and_the_tree_is_left_alone(body: str) -> None:
    root = parse(body)
    before = html.tostring(root)
    text = to_text(root)
    assert html.tostring(root) == before
    assert to_text(root) == text
    assert "\n\n\n" not in text
    assert text == text.strip() + "\n"


@pytest.mark.shared
@pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared/corpus is not on this machine")
@pytest.mark.parametrize("file", sorted(CORPUS.glob("*/*.m*")), ids=lambda file: file.stem)
def test_real_newsletters_have_no_markup_left(file: Path) -> None:
    document = read_markdown(parse_issue(file, file.read_bytes()).body)
    text = to_text(document.root)
    tags = r"</?(?:p|a|b|i|em|strong|div|span|br|img|h[1-6]|ul|ol|li|table|t[dhr]|code|pre|blockquote|center)\b[^>\n]*>"
    assert not re.search(tags, text)
    assert not re.search(r"&(?:#\d+|#x[0-9a-f]+|amp|lt|gt|quot|nbsp);", text)
    assert not re.search(r"[\u200b\ufeff\xad\u2060]|[ \t]\n|\]\(http|\*\*\w", text)
    unbroken = re.compile(r"(?:[ >|-]|\d+\. |\[\d+\] )*\S+")
    code = {" ".join(line.split()) for pre in document.root.iter("pre") for line in pre.text_content().split("\n")}
    for line in text.split("\n"):
        assert columns(line) <= WIDTH or unbroken.fullmatch(line) or " ".join(line.split()) in code


@given(st.text("ab  cd", max_size=60), st.integers(1, 12))
def test_lines_are_filled_alike_whatever_the_script(text: str, width: int) -> None:
    assert wrap(text, width) == [line.replace("é", "a") for line in wrap(text.replace("a", "é"), width)]
