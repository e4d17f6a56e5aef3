"""What a new publication starts with."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from email.utils import parseaddr
from pathlib import Path

import pytest
from drawings import right_edges
from hypothesis import given
from hypothesis import strategies as st

from newsletter.config import FILE_NAME, Config, LookConfig, read_config
from newsletter.content.glossary import read_glossary
from newsletter.content.issue import Status
from newsletter.content.markdown.document import read_markdown
from newsletter.content.markdown.mergetags import PLAUSIBLE
from newsletter.content.reader import parse_issue, read_folder
from newsletter.samples.starter import NAMELESS, starter_files

NAMES = [
    "Plain AI",
    'The "Quoted" Letter',
    "Ben & Jerry's",
    "A: b # c",
    "C:\\temp",
    "日本の手紙",
    "🍿 Pop",
    "Fish, Inc.",
]


def toml(text: str) -> dict[str, dict[str, object]]:
    return tomllib.loads(text)


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for relative, text in files.items():
        (folder / relative).parent.mkdir(parents=True, exist_ok=True)
        (folder / relative).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_the_name_is_what_was_typed_everywhere(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path, starter_files(name))
    publication = read_config(folder / FILE_NAME).publication
    assert publication.name == name
    assert parseaddr(publication.sender) == (name, "hello@newsletter.example")
    (issue,) = read_folder(folder / "issues").issues
    assert issue.subject == f"Welcome to {name}"
    readme = read_markdown((folder / "README.md").read_text(encoding="utf-8")).root
    assert readme[0].text_content() == name


@given(st.text(max_size=60))
def test_any_name_makes_a_publication_that_can_be_read(name: str) -> None:
    files = starter_files(name)
    issue = parse_issue(Path("issues/001-welcome.md"), files["issues/001-welcome.md"].encode())
    assert issue.subject.startswith("Welcome to ")
    assert Config.model_validate(toml(files["newsletter.toml"])).publication.name == issue.subject[11:]


@pytest.mark.parametrize("name", ["", "  ", "\n", "…"])
def test_a_publication_is_never_nameless(name: str) -> None:
    assert toml(starter_files(name)["newsletter.toml"])["publication"]["name"] == NAMELESS


def test_every_key_is_explained_and_what_is_commented_out_is_the_default(tmp_path: Path) -> None:
    text = starter_files("A letter")["newsletter.toml"]
    plain = write(tmp_path, {FILE_NAME: text}) / FILE_NAME
    uncommented = re.sub(r"^# (?=\w+ = )", "", text, flags=re.M)
    assert uncommented != text
    full = write(tmp_path / "full", {FILE_NAME: uncommented}) / FILE_NAME
    assert read_config(full) == read_config(plain)
    written = {(section, key) for section, values in toml(uncommented).items() for key in values}
    known = {
        (section, key)
        for section, field in Config.model_fields.items()
        for key in getattr(field.annotation, "model_fields", ())
        if section != "fallback"  # whose keys are those of [provider]
        if section != "theme" or key not in LookConfig.model_fields  # those are the theme's, in docs/themes.md
    }
    assert written == known


def test_a_new_publication_sends_nothing(tmp_path: Path) -> None:
    config = read_config(write(tmp_path, starter_files("A letter")) / FILE_NAME)
    assert config.provider.name == "outbox"
    assert config.publication.base_url.endswith(".example")
    assert config.publication.postal_address == ""


def test_the_state_is_kept_out_of_git() -> None:
    assert ".newsletter/" in starter_files("A letter")[".gitignore"].splitlines()


def test_the_first_issue_shows_the_elements(tmp_path: Path) -> None:
    folder = write(tmp_path, starter_files("A letter"))
    (issue,) = read_folder(folder / "issues").issues
    document = read_markdown(issue.body, read_glossary(folder), issue.file, issue.body_line)
    assert (issue.status, issue.slug, issue.notes, document.findings) == (Status.READY, "welcome", (), ())
    assert [term.term for term in document.terms] == ["preheader"]
    assert [match[1].strip() for match in PLAUSIBLE.finditer(issue.body)] == ['name | default("there")']
    found = {element.tag for element in document.root.iter()}
    assert {"h2", "ol", "ul", "figure", "table", "blockquote", "em", "code", "sup"} <= found
    (edges,) = right_edges(issue.body)
    assert len(edges) == 1
