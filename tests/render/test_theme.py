"""Themes: whole or of a single file, extended, with tokens of the publication, and what is wrong with one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from newsletter.check.colours import contrast, parse
from newsletter.config import LookConfig
from newsletter.content.reader import parse_issue
from newsletter.errors import ConfigError, ContentError
from newsletter.pipeline.starting import start_publication, start_theme
from newsletter.publication import builtin, find_publication
from newsletter.render.edition import Edition
from newsletter.render.renderer import render
from newsletter.render.site import Site
from newsletter.render.theme import TEMPLATES, TOKENS, Theme, read_theme

PROGRAM = builtin("templates")
SITE = Site("Plain AI", "https://plain-ai.example", "Plain AI <hello@plain-ai.example>", postal_address="Street 1")


def edition_of(theme: Theme) -> Edition:
    return render(
        parse_issue(Path("issues/a.md"), b"# T\n\nText with `code` and a [link](https://example.org/).\n"), SITE, theme
    )


def make(folder: Path, name: str, **files: str) -> Theme:
    """A theme of the publication whose files are given as `email_html="…"`."""
    (folder / name).mkdir(parents=True)
    for key, text in files.items():
        (folder / name / key.replace("_", ".")).write_text(text, encoding="utf-8")
    return read_theme([folder, PROGRAM], name)


@pytest.mark.parametrize("name", ["default", "letter"])
def test_a_theme_of_the_program_is_whole_and_names_every_colour_once(name: str) -> None:
    assert {path.name for path in (PROGRAM / name).iterdir() if path.is_file()} == {*TEMPLATES, TOKENS}
    for file in TEMPLATES:
        assert "#" not in (PROGRAM / name / file).read_text("utf-8").replace("{#", "").replace("&#", ""), file
    tokens = LookConfig.model_validate(dict(read_theme([PROGRAM], name).tokens))
    for palette in (tokens.light, tokens.dark):
        assert None not in palette.model_dump().values()


def test_the_two_themes_look_different() -> None:
    sheet, letter = (edition_of(read_theme([PROGRAM], name)) for name in ("default", "letter"))
    assert "background-color:#f3f1ec" in sheet.html
    assert "#f3f1ec" not in letter.html
    assert "Georgia" not in letter.web
    assert sheet.text == letter.text  # a text has no looks


def test_what_a_theme_lacks_is_the_default_themes(tmp_path: Path) -> None:
    theme = make(tmp_path, "mine", email_css='{% include "default/email.css" %}\nh1 { color: red; }')
    mine, default = edition_of(theme), edition_of(read_theme([PROGRAM], "default"))
    assert "color:red" in mine.html
    assert mine.web == default.web


@pytest.mark.parametrize("name", ["mine", "default"])
def test_a_theme_changes_one_block_of_the_default_even_under_its_name(tmp_path: Path, name: str) -> None:
    text = '{% extends "default/email.html" %}{% block masthead %}<tr><td>Mine</td></tr>{{ super() }}{% endblock %}'
    html = edition_of(make(tmp_path, name, email_html=text)).html
    assert html.index("Mine") < html.index("Read online")


def test_a_theme_extends_another_one_of_the_publication(tmp_path: Path) -> None:
    make(tmp_path, "house", email_txt="{% block all %}House{% endblock %}")
    theme = make(tmp_path, "mine", email_txt='{% extends "house/email.txt" %}{% block all %}Mine{% endblock %}')
    assert theme.fill("email.txt", {}) == "Mine"


def test_the_publication_sets_a_token_and_leaves_the_others(tmp_path: Path) -> None:
    look = LookConfig.model_validate({"width": 500, "light": {"accent": "#A3320B"}})
    edition = edition_of(read_theme([tmp_path, PROGRAM], "letter", look))
    for part in (edition.html, edition.web):
        assert "#a3320b" in part
        assert "#1a4fa3" not in part
        assert "500px" in part
    assert "#8db8ff" in edition.html  # the dark accent


def test_a_token_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'theme\.toml: light\.accent: expected a colour such as "#0b5c6b"'):
        make(tmp_path, "mine", theme_toml='[light]\naccent = "red;}"')
    with pytest.raises(ConfigError, match=r"theme\.toml: font: expected names of fonts"):
        make(tmp_path, "other", theme_toml="font = 'x; } a {'")


def test_a_folder_without_a_theme_in_it_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"the theme lacks email\.html"):
        make(tmp_path, "mine", notes_md="later")


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ('\n{% include "email.html" %}', "email.html:2", "without end"),
        ('{% extends "email.html" %}', "email.html:1", "without end"),
        ('\n\n{% include "logo.html" %}', "email.html:3", 'no template "logo.html"'),
        ('{% extends "nope/email.html" %}', "email.html:1", 'no template "nope/email.html"'),
        (
            "{% for i in range(99999) %}{% for j in range(99999) %}word {% endfor %}{% endfor %}",
            "email.html",
            "million",
        ),
        ("\n{% for i in range(10 ** 9) %}{% endfor %}", "email.html:2", "Range too big"),
    ],
)
def test_templates_without_end_are_an_error_soon(tmp_path: Path, text: str, place: str, words: str) -> None:
    theme = make(tmp_path, "mine", email_html=text)
    started = time.process_time()
    with pytest.raises(ContentError, match=words) as caught:
        edition_of(theme)
    assert f"{tmp_path}/mine/{place}" in caught.value.message
    assert time.process_time() - started < 20


def test_an_error_in_an_included_file_names_that_file(tmp_path: Path) -> None:
    theme = make(tmp_path, "mine", head_css="\n\n{{ theme.light.nope.x }}")
    with pytest.raises(ContentError, match=r"mine/head\.css:3: the template fails"):
        edition_of(theme)


def test_a_new_theme_is_a_copy_that_works(tmp_path: Path) -> None:
    start_publication(tmp_path / "letters")
    publication = find_publication(tmp_path / "letters")
    folder, files = start_theme(publication, "mine", "letter")
    assert {*files} == {*TEMPLATES, TOKENS}
    mine = read_theme(publication.themes, "mine")
    assert (mine.folder, mine.words("de")("Up next")) == (folder, "Als Nächstes")
    assert edition_of(mine).html == edition_of(read_theme([PROGRAM], "letter")).html


@pytest.mark.parametrize("name", ["default", "letter"])
@pytest.mark.parametrize("palette", ["light", "dark"])
def test_the_colours_of_code_stand_out_enough_from_what_is_behind_them(name: str, palette: str) -> None:
    colours = {key: parse(value) or (0, 0, 0) for key, value in read_theme([PROGRAM], name).tokens[palette].items()}
    kinds = ("keyword", "string", "number", "name", "comment")
    assert [key for key in kinds if contrast(colours[key], colours["panel"]) < 4.5] == []


def test_markup_behind_the_end_of_the_page_is_an_error_and_not_lost(tmp_path: Path) -> None:
    theme = make(tmp_path, "mine", email_html="<!DOCTYPE html>\n<html><body>{{ body }}</body>\n</html>\n<p>after</p>\n")
    with pytest.raises(ContentError, match=r'email\.html:3: "<p>after</p>" stands behind </html>'):
        edition_of(theme)
    assert edition_of(make(tmp_path, "fine", email_html="<html><body>{{ body }}</body></html>\n<!-- end -->\n")).html
