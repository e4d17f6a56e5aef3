"""What can be mended is, in its place and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inspecting import inspection_of

from newsletter.check.inspection import Inspection
from newsletter.check.known import Known, Outcome
from newsletter.check.mending import mended, mends_of
from newsletter.check.run import check
from newsletter.errors import NewsletterError

HEAD = "---\nsubject: A fine subject\npreheader: In a sentence\n---\n"
SECURE = Known(outcomes={"http://a.example/b": Outcome("fine", secure=True), "http://c.example": Outcome("fine")})


def mend(inspection: Inspection) -> str:
    rules = [finding.rule for finding in check(inspection)]
    return mended(inspection.issue.text, mends_of(inspection, rules))


@pytest.mark.parametrize(
    ("body", "after"),
    [
        ("[ a ]( https://b.example )", "[a](https://b.example)"),
        ("![c ](https://b.example/d.png)", "![c](https://b.example/d.png)"),
        ("## A\n##B\n", "## A\n## B\n"),
        ("a\u200bb\ufeff", "ab"),
        ("![](https://b.example/d.png \"A cat's nap\")", "![A cat's nap](https://b.example/d.png \"A cat's nap\")"),
        ("![](https://b.example/d.png)\n*A [cat](https://b.example)*\n", "![A cat](https://b.example/d.png)\n*A [cat](https://b.example)*\n"),
        ("![](https://b.example/d.png)\n*A cat*\n", "![A cat](https://b.example/d.png)\n*A cat*\n"),
        ("![](https://b.example/d.png)\n_A cat_", "![A cat](https://b.example/d.png)\n_A cat_"),
    ],
)  # fmt: skip
def test_what_is_mechanical_is_mended(body: str, after: str) -> None:
    text = HEAD + "word " * 90 + "\n\n"
    assert mend(inspection_of(text + body)) == text + after


@pytest.mark.parametrize(
    "body",
    [
        "`[ a ](b)` and \\##b",
        "```\n##c [ d ](e)\n```",
        "Text ![](https://b.example/d.png)\n*no caption*",
        "![](https://b.example/d.png)",
        "![](https://b.example/d.png)\n\nA *cat*",
        "a\u202eb",
        "[a ](http://b.example) <!-- check off link-spaces: as it was printed -->",
        '<img src="https://b.example/d.png" title="a cat">',
    ],
)
def test_what_is_not_certain_is_left_alone(body: str) -> None:
    text = HEAD + "word " * 90 + "\n\n" + body
    assert mend(inspection_of(text)) == text


def test_http_becomes_https_only_where_that_was_verified() -> None:
    text = (
        HEAD + "[a](http://a.example/b) <http://c.example> `http://a.example/b`\n\n[d][1]\n\n[1]: http://a.example/b\n"
    )
    after = (
        HEAD
        + "[a](https://a.example/b) <http://c.example> `http://a.example/b`\n\n[d][1]\n\n[1]: https://a.example/b\n"
    )
    assert mend(inspection_of(text, known=SECURE)) == after
    assert mend(inspection_of(text)) == text


@pytest.mark.parametrize(
    ("body", "proposal"),
    [
        (
            "Hello {{ name }},\n\nIt's a *fine* [day](https://b.example) for walks. And more.",
            "It''s a fine day for walks.",
        ),
        ("## A heading of some more words than six\n\nShort one.\n\n- A list item of many words, or so", ""),
        ("word " * 40, "word " * 21 + "word …"),
    ],
)
def test_a_preheader_is_proposed_from_the_first_sentence(body: str, proposal: str) -> None:
    text = f"---\nauthor: a\nsubject: b\nnumber: 1\n---\n{body}"
    line = f"preheader: '{proposal}'\n" if proposal else ""
    assert mend(inspection_of(text)) == f"---\nauthor: a\nsubject: b\n{line}number: 1\n---\n{body}"


def test_no_preheader_is_put_into_the_front_matter_of_other_programs() -> None:
    for text in (
        "Title: a\n\nOne two three four five six seven.",
        '+++\ntitle = "a"\n+++\nOne two three four five six.',
    ):
        assert mend(inspection_of(text)) == text


def test_places_are_those_of_the_file_when_the_heading_became_the_title() -> None:
    text = "# A title\n\nText\n\n##A heading\n"
    assert mend(inspection_of(text)) == "# A title\n\nText\n\n## A heading\n"


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet="[]()! \t\n#ab*\u200b\"'`<>:/.", max_size=60))
def test_mending_again_changes_nothing_more(body: str) -> None:
    try:
        once = mend(inspection_of(f"---\nsubject: a\npreheader: b\n---\nx{body}"))
        assert mend(inspection_of(once)) == once or len(mend(inspection_of(once))) < len(once) + 3
    except NewsletterError:
        return
