"""`newsletter check`: every way in which it says what it found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from calling import ISSUE, Call, complains

from newsletter.check.registry import RULES
from newsletter.cli.main import main

FAULTS = ISSUE.replace("some words.", "some words, see [here](/there).\n\nAnd http://old.example/ too.")


@pytest.fixture
def faulty(publication: Path) -> Path:
    """An issue with an error, a warning and an info: on line 10 at 42 and 35, on line 12 at 5."""
    path = publication / "issues" / "002-second.md"
    text = FAULTS.replace("first issue about nothing", "second issue")
    path.write_text(text, encoding="utf-8")
    return path


def test_people_see_issue_line_and_caret(call: Call, faulty: Path) -> None:
    said = call("check", "--offline")
    assert said.code == 1
    assert (
        said.out
        == """\
issues/001-first.md: nothing found
issues/002-second.md: 1 error, 1 warning, 1 info
    10:42  error   "/there" is no whole address  [link-relative]
       10 │ this is a text of some words, see [here](/there).
          │                                          ^
           fix     write the whole address: https://test.example/there
    10:35  warning the link says only "here"  [link-text-vague]
       10 │ this is a text of some words, see [here](/there).
          │                                   ^
           fix     make the words that name the target the link
     12:5  info    "http://old.example/" is not encrypted  [link-insecure]
       12 │ And http://old.example/ too.
          │     ^
           fix     use https:// where the site answers to it
1 link: 1 not checked
2 issues checked: 1 error, 1 warning, 1 info
"""
    )


def test_no_line_is_wider_than_a_terminal_of_80_columns_and_none_is_coloured(
    call: Call, faulty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    faulty.write_text(FAULTS.replace("this is", "word and 日本語 " * 30 + "this is"), encoding="utf-8")
    out = call("check", "--offline").out
    from wcwidth import wcswidth

    assert max(wcswidth(line) for line in out.splitlines()) <= 80
    assert "\x1b" not in out
    carets = [
        (above, line)
        for above, line in zip(out.splitlines(), out.splitlines()[1:], strict=False)
        if line.endswith("│ ^") or line.strip("│ ") == "^"
    ]
    for above, line in carets:
        place = wcswidth(line[: line.index("^")])
        seen = next(rest for column, rest in _columns(above) if column == place)
        assert seen.startswith(("[here]", "/t", "http://old", "A first")), (above, line)


def _columns(line: str) -> list[tuple[int, str]]:
    from wcwidth import wcswidth

    return [(wcswidth(line[:number]), line[number:]) for number in range(len(line))]


def test_a_terminal_gets_colours_unless_it_asks_for_none(
    publication: Path, faulty: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    main(["check", "--offline", "-C", str(publication)])
    assert "\x1b[" in capsys.readouterr().out
    monkeypatch.delenv("FORCE_COLOR")
    monkeypatch.setenv("NO_COLOR", "1")
    main(["check", "--offline", "-C", str(publication)])
    assert "\x1b[3" not in capsys.readouterr().out


def test_programs_get_all_of_it(call: Call, faulty: Path) -> None:
    said = call("check", "--offline", "--json")
    data = said.data["data"]
    assert (said.code, said.data["ok"], said.data["command"]) == (1, False, "check")
    assert (data["errors"], data["warnings"], data["infos"], data["unreadable"]) == (1, 1, 1, [])
    assert data["links"] == {"unchecked": 1, "remembered": 0, "age_seconds": 0}
    first = data["issues"]["second"][0]
    assert (first["rule"], first["severity"], first["file"]) == ("link-relative", "error", "issues/002-second.md")
    assert (first["line"], first["column"]) == (10, 42)
    assert data["issues"]["first"] == []


def test_github_gets_annotations(call: Call, faulty: Path, monkeypatch: pytest.MonkeyPatch, publication: Path) -> None:
    monkeypatch.chdir(publication.parent)
    first, second, third = call("check", "--offline", "--format", "github").out.splitlines()
    assert first.startswith("::error file=publication/issues/002-second.md,line=10,col=42,title=link-relative::")
    assert second.startswith("::warning file=")
    assert third.startswith("::notice file=")


def test_sarif_names_rules_and_places(
    call: Call, faulty: Path, monkeypatch: pytest.MonkeyPatch, publication: Path
) -> None:
    monkeypatch.chdir(publication)
    (publication / "issues" / "003 ö.md").write_text("[a](/b)")
    log: dict[str, Any] = json.loads(call("check", "--offline", "--format", "sarif").out)
    (run,) = log["runs"]
    rules, results = run["tool"]["driver"]["rules"], run["results"]
    assert log["version"] == "2.1.0"
    assert [rule["id"] for rule in rules] == [rule.id for rule in RULES]
    result = next(each for each in results if each["ruleId"] == "link-insecure")
    assert rules[result["ruleIndex"]]["id"] == "link-insecure"
    assert result["level"] == "note"
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "issues/002-second.md"
    assert place["region"] == {"startLine": 12, "startColumn": 5}
    assert {each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in results} == {
        "issues/002-second.md", "issues/003%20%C3%B6.md",
    }  # fmt: skip


@pytest.mark.parametrize(("words", "failures"), [((), "1"), (("--strict",), "2")])
def test_junit_counts_what_fails(call: Call, faulty: Path, words: tuple[str, ...], failures: str) -> None:
    root = ElementTree.fromstring(call("check", "--offline", "--format", "junit", *words).out)
    first, second = root
    assert (first.get("name"), first.get("tests"), first.get("failures")) == ("issues/001-first.md", "1", "0")
    assert (second.get("name"), second.get("tests"), second.get("failures")) == ("issues/002-second.md", "3", failures)
    assert len(second.findall("testcase/failure")) == int(failures)


def test_junit_holds_whatever_a_file_holds(call: Call, publication: Path) -> None:
    (publication / "issues" / "002-b.md").write_text("---\nsubject: a\n---\n[\x01\ufffe](</\x0b>) TODO")
    (publication / "issues" / "003-c.md").write_text("---\nsubject: [\n---\n")
    out = call("check", "--offline", "--format", "junit").out
    assert {suite.get("failures") for suite in ElementTree.fromstring(out)} == {"0", "1"}


def test_every_rule_is_listed_and_explained(call: Call, publication: Path) -> None:
    with (publication / "newsletter.toml").open("a") as file:
        file.write('[check]\nsubject-long = { severity = "error", limit = 40 }\nlink-insecure = "off"\n')
    listed = call("check", "--rules").out
    assert all(f" {rule.id} " in listed for rule in RULES)
    assert "  off     link-insecure" in listed
    assert "  off     word-misspelt" in listed
    explained = call("check", "--explain", "subject-long").out
    assert explained.startswith("subject-long  error  subject\n")
    assert "limit   40" in explained
    rules = call("check", "--rules", "--json").data["data"]["rules"]
    assert len(rules) == len(RULES)
    assert call("check", "--explain", "subject-long", "--json").data["data"]["limit"] == 40
    complains(call, 2, "check", "--explain", "subject-lon", of='there is no rule "subject-lon"')


def test_a_limit_of_the_publication_holds(call: Call, publication: Path) -> None:
    with (publication / "newsletter.toml").open("a") as file:
        file.write('[check]\nsubject-long = { severity = "error", limit = 10 }\n')
    said = call("check", "--offline")
    assert "the subject has 27 characters, more than 10  [subject-long]" in said.out
    assert said.code == 1
    (publication / "newsletter.toml").write_text(
        (publication / "newsletter.toml").read_text().replace("limit = 10", "limt = 10")
    )
    complains(call, 3, "check", of='unknown key "check.subject-long.limt"')


def test_what_is_about_no_issue_is_said_once(call: Call, faulty: Path, publication: Path) -> None:
    with (publication / "newsletter.toml").open("a") as file:
        file.write('[check]\nlink-insekure = "off"\n')
    said = call("check", "--offline")
    assert said.out.count("link-insekure") == 1
    assert "newsletter.toml: 1 error, 0 warnings, 0 info" in said.out
    assert said.out.endswith("2 issues checked: 2 errors, 1 warning, 1 info\n")


def test_mending_shows_the_difference_writes_it_and_checks_again(call: Call, publication: Path) -> None:
    path = publication / "issues" / "001-first.md"
    before = ISSUE + "\n##A heading\n\nAnd [ this one ](https://a.example).\n"
    path.write_text(before)
    shown = call("check", "--offline", "--fix", "--dry-run")
    assert path.read_text() == before
    assert "-##A heading\n+## A heading\n" in shown.out
    assert "[heading-crowded]" in shown.out
    done = call("check", "--offline", "--fix")
    assert path.read_text() == ISSUE + "\n## A heading\n\nAnd [this one](https://a.example).\n"
    assert "-##A heading\n+## A heading\n" in done.out
    assert "[heading-crowded]" not in done.out
    assert "+++" not in call("check", "--offline", "--fix").out
    complains(call, 2, "check", "--dry-run", of="--dry-run goes with --fix")


def test_programs_get_what_was_mended(call: Call, publication: Path) -> None:
    (publication / "issues" / "001-first.md").write_text(ISSUE + "\n##A heading\n")
    (mended,) = call("check", "--offline", "--fix", "--json").data["data"]["fixes"]
    assert (mended["file"], mended["written"]) == ("issues/001-first.md", True)
    assert mended["mended"] == [{"rule": "heading-crowded", "line": 12}]
    assert "+## A heading" in mended["diff"]


def test_rules_of_the_publication_run_and_may_fail(call: Call, publication: Path) -> None:
    (publication / "checks").mkdir()
    (publication / "checks" / "house.py").write_text(
        "from newsletter.check.registry import Hit, Severity, rule\n"
        "@rule('house-nothing', 'house', Severity.WARNING, 'Nothing', why='a', source='b', fix='say something')\n"
        "def nothing(inspection):\n    yield Hit('it says nothing', *inspection.locate('words'))\n"
    )
    (publication / "checks" / "broken.py").write_text("1/0")
    said = call("check", "--offline")
    assert "10:24  warning it says nothing  [house-nothing]" in said.out.replace("    10:", "10:")
    assert "checks/broken.py: cannot be loaded: ZeroDivisionError" in said.out
    assert "house-nothing" in call("check", "--rules").out


def test_what_cannot_be_asked_of_the_store_does_not_stop_the_check(call: Call, publication: Path) -> None:
    state = publication / ".newsletter"
    state.mkdir()
    (state / "newsletter.db").write_bytes(b"no database " * 100)
    said = call("check", "--offline")
    assert said.code == 0
    assert "readers and approvals were not looked at" in said.err


def test_a_change_after_approval_is_told(call: Call, publication: Path) -> None:
    assert call("approve", "first").code == 0
    with (publication / "issues" / "001-first.md").open("a") as file:
        file.write("\nAnd more words.\n")
    said = call("check", "--offline", "next")
    assert said.code == 1
    assert "…: approve again  [approval-stale]" in said.out
