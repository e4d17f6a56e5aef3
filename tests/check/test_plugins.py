"""Rules of others run, and what is wrong with them is a finding, not the end."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from inspecting import inspection_of

from newsletter.check.plugins import load_rules
from newsletter.check.registry import RULES
from newsletter.check.run import check

HEAD = "---\nsubject: A fine subject\npreheader: In a sentence\n---\n"
HOUSE = """
from newsletter.check.registry import Hit, Severity, rule


@rule("house-no-robots", "house", Severity.WARNING, "The word robot",
      why="We say program.", source="our style guide", fix="say program")
def no_robots(inspection):
    for start, text in inspection.paragraphs:
        if "robot" in text:
            yield Hit("we say program", *inspection.at(start + text.index("robot")))
"""
SAME = HOUSE.replace("house-no-robots", "link-dead")
CRASH = HOUSE.replace("for start", "raise KeyError(1)\n    for start")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "checks").mkdir()
    return tmp_path


def findings(folder: Path, body: str = "Text\n\nA robot writes") -> list[tuple[str, int | None, str]]:
    """What all rules and those of the plugins say."""
    rules, notes = load_rules(folder, RULES)
    found = check(inspection_of(HEAD + body), rules=(*RULES, *rules))
    return [(each.rule, each.line, each.message) for each in (*notes, *found)]


def test_a_rule_in_the_publication_runs(folder: Path) -> None:
    (folder / "checks" / "house.py").write_text(HOUSE)
    (folder / "checks" / "_helpers.py").write_text("raise ValueError")
    (folder / "checks" / "notes.txt").write_text("no rule")
    assert findings(folder) == [("house-no-robots", 7, "we say program")]
    assert findings(folder, "Text") == []


def test_a_rule_of_the_publication_can_be_set_like_any_other(folder: Path) -> None:
    (folder / "checks" / "house.py").write_text(HOUSE)
    rules = (*RULES, *load_rules(folder, RULES)[0])
    inspection = inspection_of(HEAD + "A robot")
    assert [each.severity for each in check(inspection, {"house-no-robots": "error"}, rules=rules)] == ["error"]
    silenced = inspection_of(HEAD + "A robot <!-- check off house-no-robots: a quotation -->")
    assert check(silenced, rules=rules) == ()


def test_a_rule_of_the_publication_that_fails_is_a_finding(folder: Path) -> None:
    (folder / "checks" / "house.py").write_text(CRASH)
    assert findings(folder) == [("rule-crashed", None, "the rule house-no-robots failed: KeyError: 1")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "import nothing_of_that_name",
            "cannot be loaded: ModuleNotFoundError: No module named 'nothing_of_that_name'",
        ),
        ("def (", "cannot be loaded: SyntaxError"),
        ("raise SystemExit(3)", ""),
        (SAME, 'there is a rule "link-dead" already'),
    ],
)
def test_a_file_that_cannot_be_loaded_is_a_finding_and_the_others_run(folder: Path, text: str, message: str) -> None:
    (folder / "checks" / "a.py").write_text(text)
    (folder / "checks" / "house.py").write_text(HOUSE)
    (failed, *others) = findings(folder)
    assert failed[0] == "plugin-failed"
    assert f"checks/a.py: {message}" in failed[2]
    assert others == [("house-no-robots", 7, "we say program")]


def test_a_publication_without_such_a_folder_has_none(tmp_path: Path) -> None:
    assert load_rules(tmp_path, RULES) == ((), ())


def test_a_rule_of_an_installed_package_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    (site / "house-1.0.dist-info").mkdir(parents=True)
    (site / "house-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: house\nVersion: 1.0\n")
    points = "[newsletter.checks]\nhouse = house_rules\none = house_rules:no_robots\ngone = house_nothing\n"
    (site / "house-1.0.dist-info" / "entry_points.txt").write_text(points)
    (site / "house_rules.py").write_text(HOUSE)
    monkeypatch.syspath_prepend(site)
    monkeypatch.delitem(sys.modules, "house_rules", raising=False)
    rules, notes = load_rules(tmp_path, RULES)
    assert [rule.id for rule in rules] == ["house-no-robots"]
    assert [note.message.split(":")[0] for note in notes] == ["gone (house_nothing)", "one (house_rules"]
