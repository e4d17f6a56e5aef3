"""From an issue to an edition: every element is there, twice the same, and nothing of the author's is lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from newsletter.content.glossary import Term
from newsletter.content.pictures import Pictures
from newsletter.content.reader import parse_issue, read_issue
from newsletter.errors import ConfigError, ContentError
from newsletter.publication import builtin
from newsletter.render.edition import Edition
from newsletter.render.merge import reader_fields
from newsletter.render.personal import personal
from newsletter.render.renderer import render
from newsletter.render.site import IssueLink, Site
from newsletter.render.theme import Theme, read_theme

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
SITE = Site(
    name="Plain AI",
    base_url="https://plain-ai.example",
    sender="Plain AI <hello@plain-ai.example>",
    postal_address="12 Sample Street\n10115 Berlin",
    feedback="editors@plain-ai.example",
    issues=tuple(IssueLink(slug, slug.title(), file=f"{slug}.md") for slug in ("first", "a-name", "third")),
    glossary={"token": Term("token", "A piece of text.", "https://plain-ai.example/token/")},
)


@pytest.fixture(scope="module")
def theme() -> Theme:
    return read_theme([builtin("templates")], "default")


def edition_of(markdown: str, theme: Theme, site: Site = SITE) -> Edition:
    return render(parse_issue(Path("issues/a-name.md"), markdown.encode()), site, theme)


def test_all_that_surrounds_an_issue_is_in_the_email_its_text_and_its_page(theme: Theme) -> None:
    edition = edition_of("---\ntitle: T\nsubtitle: S\nauthor: Ada\nnext: third\n---\nA token.", theme)
    for part in (edition.html, edition.text, edition.web):
        for words in ("Plain AI", "T", "S", "1 min read", "Written by Ada", "12 Sample Street", "10115 Berlin",
                      "https://plain-ai.example/third/", "https://plain-ai.example/first/", "A piece of text.",
                      "https://plain-ai.example/token/", "AutoSend", "every Tuesday and Friday"):  # fmt: skip
            assert words in part.replace("Every", "every"), words
    assert "{{unsubscribe_url}}" in edition.html
    assert "{{unsubscribe_url}}" in edition.text
    assert edition.headers["List-Unsubscribe"] == "<{{unsubscribe_url}}>"
    assert edition.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_the_same_issue_gives_the_same_bytes_and_another_one_another_digest(theme: Theme) -> None:
    first = edition_of("# Hello\n\nText", theme)
    assert edition_of("# Hello\n\nText", theme) == first
    assert edition_of("# Hello\n\nText!", theme).digest != first.digest
    assert Edition.from_json(first.as_json()) == first


def test_merge_tags_are_filled_in_prose_and_shown_in_code(theme: Theme) -> None:
    edition = edition_of(
        '# Hi\n\nDear {{ name | default("reader") }}, type `{{ name }}` or:\n\n    {{ email }}\n', theme
    )
    ada = personal(edition, reader_fields("Ada", "ada@reader.example", "https://u.example"))
    assert "Dear Ada, type" in ada.html
    assert "{{ name }}</code>" in ada.html
    assert "{{ email }}" in ada.text
    assert "ada@reader.example" not in ada.html
    nobody = personal(edition, reader_fields("", "", ""))
    assert "Dear reader," in nobody.text
    assert "Dear reader," in edition.web


def test_a_name_cannot_become_markup(theme: Theme) -> None:
    edition = edition_of("# Hi\n\n{{ name }}", theme)
    evil = personal(edition, reader_fields('<script>"x"</script>{{ email }}', "", ""))
    assert "<script" not in evil.html
    assert "{{ email }}" in evil.html


def test_relative_addresses_become_whole_ones(theme: Theme) -> None:
    edition = edition_of(
        "# Hi\n\n[a](third.md#x) [b](/about/) [c](#hi) ![d](pics/d.png) [e]({{ unsubscribe_url }})", theme
    )
    for address in ("https://plain-ai.example/third/#x", "https://plain-ai.example/about/", '"#hi"',
                    "https://plain-ai.example/a-name/pics/d.png", '"{{unsubscribe_url}}"'):  # fmt: skip
        assert address in edition.html


def test_the_preview_line_is_the_preheader_or_the_subtitle_or_the_beginning(theme: Theme) -> None:
    assert edition_of("---\ntitle: T\npreheader: P\nsubtitle: S\n---\nText", theme).preheader == "P"
    assert edition_of("---\ntitle: T\nsubtitle: S\n---\nText", theme).preheader == "S"
    assert edition_of("# T\n\nText *here*.", theme).preheader == "Text here."


def test_a_right_to_left_language_turns_the_email(theme: Theme) -> None:
    edition = edition_of("---\ntitle: سلام\nlanguage: fa\n---\nمتن", theme)
    assert '<html lang="fa" dir="rtl">' in edition.html
    assert "text-align:right" in edition.html


def test_a_diagram_keeps_its_columns(theme: Theme) -> None:
    edition = edition_of("# T\n\n```\n┌────┐\n│ 🏢 │\n└────┘\n```\n", theme)
    assert '<span style="display:inline-block;width:2ch;overflow:visible">🏢</span>' in edition.html
    assert "┌────┐\n│ 🏢 │\n└────┘" in edition.text


def test_an_error_in_a_theme_names_its_file_and_line(theme: Theme, tmp_path: Path) -> None:
    for text, line, words in [
        ("a\n{% if %}", 2, "Expected"),
        ("a\n\n{{ nonsense }}", 3, "nonsense"),
        ("{% include 'missing.html' %}", None, "missing.html"),
        ("a\n{{ 1 / 0 }}", 2, "zero"),
    ]:
        broken = replace(theme, files={**theme.files, "email.html": text}, folder=tmp_path, places={})
        with pytest.raises(ContentError, match=words) as caught:
            edition_of("# T\n\nx", broken)
        assert str(tmp_path / "email.html") in caught.value.message
        assert line is None or caught.value.line == line


def test_a_theme_that_is_not_there_or_not_whole_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='no theme "x"'):
        read_theme([tmp_path], "x")
    (tmp_path / "x").mkdir()
    with pytest.raises(ConfigError, match="lacks email"):
        read_theme([tmp_path], "x")


@pytest.mark.shared
@pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared/corpus is not on this machine")
def test_every_real_newsletter_is_rendered_with_short_lines(theme: Theme) -> None:
    files = sorted(path for path in CORPUS.rglob("*.m*") if path.name != "README.md")
    assert len(files) == 41
    for path in files:
        edition = render(read_issue(path), SITE, theme)
        assert max(len(line.encode()) for line in edition.html.split("\n")) <= 998, path.name
        assert len(edition.text) > 500


DIAGRAMS = """---
title: T
diagram: image
---

```diagram "A box with {{ name }}"
┌────┐
│ {{ name }} │
└────┘
```

```
┌────┐
│ 😀 │
└────┘
```
"""


def test_diagrams_become_pictures_where_there_is_a_font_and_stay_text_in_the_text_part(theme: Theme) -> None:
    from newsletter.content.drawing import read_font

    issue = parse_issue(Path("issues/a-name.md"), DIAGRAMS.encode())
    try:
        pictures = Pictures(font=read_font("", Path()), embed=True)
    except OSError as error:
        pytest.skip(str(error))
    edition = render(issue, SITE, theme, pictures)
    (picture,) = edition.pictures
    assert f'src="images/{picture.name}"' in edition.web
    assert edition.carried == edition.pictures
    assert f'<img src="cid:{picture.content_id}"' in edition.html
    assert f'width="{picture.width}"' in edition.html
    assert "┌" in edition.text
    assert edition.html.count("┌") == 1, "only the one with an emoji is text"
    (finding,) = [finding for finding in edition.findings if finding.rule == "diagram-not-drawn"]
    assert (finding.line, finding.message) == (
        13, "a diagram is not drawn as a picture: the font has no glyph for 😀 (GRINNING FACE)"
    )  # fmt: skip
    assert render(issue, SITE, theme, pictures).digest == edition.digest
    assert render(issue, SITE, theme).html.count("┌") == 2


def test_the_text_part_marks_its_end_as_a_signature(theme: Theme) -> None:
    text = edition_of("# T\n\nText.  \nMore.", theme).text
    assert text.count("\n-- \n") == 1
    assert [line for line in text.split("\n") if line != line.rstrip()] == ["-- "]
