"""README and docs say what is so: commands, keys, links, tables and the tour are held against the program."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer.main
from pages import PAGES, ROOT, anchors, blocks, commands, links, name

from newsletter import errors
from newsletter.check.caniemail import SHARES
from newsletter.check.registry import RULES
from newsletter.cli import manual
from newsletter.cli.app import app
from newsletter.cli.main import hoist
from newsletter.config import Config
from newsletter.config import reference as config_reference
from newsletter.content.front_matter import KEYS
from newsletter.content.reader import parse_issue
from newsletter.delivery.states import BatchState, BroadcastState, DeliveryState
from newsletter.providers.autosend import read_answer
from newsletter.render.merge import FILTERS, READER_FIELDS
from newsletter.render.renderer import render
from newsletter.render.site import Site
from newsletter.render.theme import Theme, read_theme
from newsletter.simulator.faults import KINDS

DOCS = ROOT / "docs"
each_page = pytest.mark.parametrize("page", PAGES, ids=name)


def leaves(command: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(`queue move`, command) of each command that does something."""
    for word, inner in getattr(command, "commands", {}).items():
        yield from leaves(inner, f"{path} {word}".strip())
    if path and (not getattr(command, "commands", {}) or getattr(command, "invoke_without_command", False)):
        yield path, command


COMMANDS = dict(leaves(typer.main.get_command(app)))


def parse(line: list[str]) -> None:
    """Read a command line to its last word, as the program does, without running it."""
    rest = hoist(line).rest
    path = next((path for n in (2, 1) if (path := " ".join(rest[:n])) in COMMANDS), None)
    assert path is not None or not rest, f'there is no command "{" ".join(rest[:2])}"'
    if path is None or "--help" in rest or path == "test":  # the words after `test` are pytest's
        return
    COMMANDS[path].make_context(path, rest[len(path.split()) :])


@each_page
def test_every_command_line_in_a_page_can_be_typed(page: Path) -> None:
    for line, words in commands(page.read_text(encoding="utf-8")):
        try:
            parse(words)
        except Exception as error:
            pytest.fail(f"{name(page)}:{line}: {' '.join(words)}: {error}")


def test_a_command_line_that_cannot_be_typed_is_seen() -> None:
    for wrong in ("sned welcome --now", "send welcome --nwo", "send", "queue move welcome first"):
        with pytest.raises(Exception, match=r"no command|[Nn]o such option|[Mm]issing|valid integer"):
            parse(wrong.split())


def test_every_command_is_explained_somewhere() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert [path for path in COMMANDS if not re.search(rf"newsletter {path}\b", text)] == []


@each_page
def test_every_link_leads_to_a_file_and_heading(page: Path) -> None:
    for target in links(page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        file = (page.parent / path) if path else page
        assert file.exists(), f"{name(page)}: {target}"
        if anchor:
            assert anchor in anchors(file.read_text(encoding="utf-8")), f"{name(page)}: {target}"


@each_page
def test_every_key_of_the_configuration_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = {(section, key) for section, key in re.findall(r"`\[([a-z]+)\] ([a-z_-]+)", text)}
    for block in blocks(text):
        if block.language == "toml" and any(line.startswith("[") for line in block.lines):
            table = tomllib.loads("\n".join(block.lines))
            named |= {(section, key) for section, keys in table.items() if isinstance(keys, dict) for key in keys}
    rules, programs = {rule.id for rule in RULES}, set(SHARES)
    for section, key in named - GLOSSARY:
        assert section in Config.model_fields, f"{name(page)}: [{section}]"
        known = {"check": rules, "clients": programs}.get(section) or _keys(section)
        assert key in known, f"{name(page)}: [{section}] {key}"


GLOSSARY = {("token", "definition"), ("token", "url"), ("rag", "definition"), ("rag", "term"), ("rag", "url")}


def _keys(section: str) -> set[str]:
    model: Any = Config.model_fields[section].annotation
    return set(model.model_fields)


def test_the_page_about_the_configuration_is_current() -> None:
    hint = "write it again: python -m newsletter.config.reference > docs/configuration.md"
    assert (DOCS / "configuration.md").read_text(encoding="utf-8") == config_reference.as_markdown(), hint


def test_the_page_about_the_commands_is_current() -> None:
    hint = "write it again: python -m newsletter.cli.manual > docs/commands.md"
    assert (DOCS / "commands.md").read_text(encoding="utf-8") == manual.as_markdown(manual.entries(app)), hint


def test_every_key_of_front_matter_and_every_merge_tag_is_explained() -> None:
    text = (DOCS / "writing.md").read_text(encoding="utf-8")
    assert [key for key in sorted(KEYS) if f"| `{key}`" not in text] == []
    assert [word for word in (*READER_FIELDS, *FILTERS) if f"| `{word}" not in text] == []


def test_every_value_that_a_theme_is_given_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    given: set[str] = set()
    fill = Theme.fill

    def listen(theme: Theme, template: str, values: dict[str, Any]) -> str:
        given.update(values)
        return fill(theme, template, values)

    monkeypatch.setattr(Theme, "fill", listen)
    issue = parse_issue(Path("issues/x.md"), b"# X\n\nText.\n")
    render(issue, Site("N", "https://n.example", "n@n.example"), read_theme([ROOT / "templates"], "default"))
    text = (DOCS / "themes.md").read_text(encoding="utf-8")
    assert "email.txt" in text
    assert [value for value in sorted(given) if f"| `{value}`" not in text] == []
    assert [field.name for field in fields(Site) if f"`{field.name}`" not in text] == []


def test_the_exit_codes_are_those_of_the_errors() -> None:
    text = (DOCS / "sending.md").read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| (\d+) \| `?(\w*)`? ?\|", text, re.MULTILINE))
    kinds = [kind for kind in vars(errors).values() if hasattr(kind, "exit_code")]
    told = {str(kind.exit_code): kind.code for kind in kinds if kind is not errors.ContentError}
    assert table.pop("130") is not None  # by signal: as whatever was going on ended
    assert table == {"0": ""} | {code: word for code, word in told.items() if code != "130"}


def test_every_state_is_explained() -> None:
    text = (DOCS / "delivery.md").read_text(encoding="utf-8")
    states = {*BroadcastState, *BatchState, *DeliveryState}
    assert [state for state in sorted(states) if not re.search(rf"\b{state}\b", text)] == []


def test_the_table_of_answers_is_what_the_client_reads() -> None:
    text = (DOCS / "delivery.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d{3}(?:, \d{3})*)( documented)? \| `(\w+)`", text, re.MULTILINE)
    assert len(rows) >= 6
    for statuses, documented, outcome in rows:
        for status in map(int, statuses.split(", ")):
            success = b'{"success": true, "data": {}}' if status == 200 else b"<html>"
            body = b'{"success": false, "error": {"message": "no"}}' if documented else success
            assert type(read_answer(status, {}, body, 3)).__name__ == outcome, (status, documented)


def test_every_fault_and_option_of_the_simulator_is_explained() -> None:
    text = (DOCS / "simulator.md").read_text(encoding="utf-8")
    options = [option for parameter in COMMANDS["simulator"].params for option in parameter.opts]
    assert [word for word in (*KINDS, *options) if word != "--help" and f"| `{word}" not in text] == []


def test_every_option_of_send_is_explained() -> None:
    text = (DOCS / "sending.md").read_text(encoding="utf-8")
    options = [option for parameter in COMMANDS["send"].params for option in parameter.opts if option[0] == "-"]
    assert [option for option in options if option != "--help" and option not in text] == []
