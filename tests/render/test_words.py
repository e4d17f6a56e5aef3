"""The words around an issue in its language: every language whole, every theme's words known, each to be overridden."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from newsletter.content.reader import parse_issue
from newsletter.errors import ContentError
from newsletter.publication import builtin
from newsletter.render.language import day_text, promise, reading_minutes
from newsletter.render.renderer import render
from newsletter.render.site import IssueLink, Site
from newsletter.render.theme import read_theme
from newsletter.render.words import words_for

TEMPLATES = builtin("templates")
THEME = read_theme([TEMPLATES], "default")
LANGUAGES = ("ar", "de", "en", "es", "fa", "fr", "hi", "ja", "pt", "zh")
SITE = Site(
    name="Plain AI",
    base_url="https://plain-ai.example",
    sender="Plain AI <hello@plain-ai.example>",
    postal_address="12 Sample Street",
    feedback="editors@plain-ai.example",
    issues=(IssueLink("before", "Before"), IssueLink("this", "This"), IssueLink("after", "After")),
)
ISSUE = """---
title: T
author: Ada
language: LANGUAGE
date: 2026-11-24
number: 3
next: after
---
A note[^1] and ![a cat](https://pics.example/cat.png)

!!! note
    Boxed.

[^1]: Small print.
"""


def used(*more: Path) -> set[str]:
    """The words that themes and the program ask for around an issue, and in the files `more`."""
    sources = [*TEMPLATES.rglob("*.html"), *TEMPLATES.rglob("*.txt"), *Path("newsletter/render").glob("*.py"), *more]
    ask = re.compile(r"""(?:\b_|words)\(\s*(["'])(.+?)\1""")
    return {m[2] for path in sources for m in ask.finditer(path.read_text("utf-8"))}


def test_the_languages_are_those_that_the_page_about_them_names() -> None:
    assert tuple(sorted(THEME.catalogues)) == LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_every_word_with_the_same_holes(language: str) -> None:
    words = THEME.words(language)
    titles = {"Note", "Tip", "Important", "Warning", "Caution", "Danger", "Hint", "Attention"}
    public = Path("newsletter/web/public")
    assert set(words.texts) == used(*public.glob("*.py"), *public.glob("pages/*.html")) | titles
    for source, meaning in words.texts.items():
        assert meaning.strip(), source
        assert sorted(re.findall(r"%\(\w+\)s", meaning)) == sorted(re.findall(r"%\(\w+\)s", source)), source


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_nothing_english_is_left_around_an_issue(language: str) -> None:
    edition = render(parse_issue(Path("issues/this.md"), ISSUE.replace("LANGUAGE", language).encode()), SITE, THEME)
    english = [text.split("%")[0].strip() for text in used() if len(text.split("%")[0].strip()) > 4]
    english += ["Tuesday", "November 24", "min read", "Written by"]
    same = {"Image", "email", "every"}  # words that another language shares, or that are in addresses and markup
    for part in (edition.html, edition.text, edition.web):
        assert not [text for text in english if text in part and text not in same]
    assert f'lang="{language}"' in edition.html
    assert THEME.words(language)("Note") in edition.text
    assert THEME.words(language)("Back to the text") in edition.html
    assert not edition.findings


def test_days_and_dates_follow_the_language() -> None:
    day, days = date(2026, 11, 24), ("tue", "fri")
    expected = {
        "en": ("November 24, 2026", "every Tuesday and Friday"),
        "en-GB": ("24 November 2026", "every Tuesday and Friday"),
        "de-AT": ("24. November 2026", "jeden Dienstag und Freitag"),
        "pt_BR": ("24 de novembro de 2026", "toda semana (terça-feira e sexta-feira)"),
        "ja": ("2026年11月24日", "毎週火曜日、金曜日に"),
        "fa": ("۲۴ نوامبر ۲۰۲۶", "هر سه‌شنبه و جمعه"),
    }
    for language, texts in expected.items():
        words = THEME.words(language)
        assert (day_text(day, words), promise(days, words)) == texts
    assert promise(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), THEME.words("fr")) == "chaque jour"


def test_a_language_without_words_is_english_and_a_finding() -> None:
    issue = parse_issue(Path("issues/this.md"), ISSUE.replace("LANGUAGE", "sv").encode())
    edition = render(issue, SITE, THEME)
    assert "November 24, 2026" in edition.html
    assert '<html lang="sv" dir="ltr">' in edition.html
    (finding,) = edition.findings
    assert (finding.rule, finding.line) == ("language-without-words", 4)


def test_a_publication_says_a_word_in_its_own_way(tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "words"
    folder.mkdir(parents=True)
    (folder / "de.po").write_text('msgid "Up next"\nmsgstr "Demnächst"\n', encoding="utf-8")
    (folder / "sv.po").write_text('msgid "Up next"\nmsgstr "Nästa"\n', encoding="utf-8")
    theme = read_theme([tmp_path, TEMPLATES], "mine")
    assert theme.words("de-CH")("Up next") == "Demnächst"
    assert theme.words("de")("Keep reading") == "Weiterlesen"
    assert theme.words("sv")("Up next") == "Nästa"
    assert day_text(date(2026, 11, 24), theme.words("sv")) == "24 november 2026"


def test_a_catalogue_that_is_none_is_named_with_its_line() -> None:
    with pytest.raises(ContentError, match=r"^words/de\.po:2: no gettext catalogue") as caught:
        words_for("de", {"de": [("words/de.po", 'msgid "Up next"\nnonsense "x"\n')]})
    assert caught.value.line == 2


def test_reading_time_counts_words_in_any_script() -> None:
    assert reading_minutes("word " * 476) == 2
    assert reading_minutes("हिन्दी " * 476) == 2
    assert reading_minutes("字" * 1000) == 2
    assert reading_minutes("— " * 5000) == 1
