"""Command lines that are wrong, or stranger than one expects."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from calling import Call, complains


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("chek", "did you mean: newsletter check"),
        ("queue lst", "did you mean: newsletter queue list"),
        ("send first --tset a@b.example", "did you mean --test?"),
        ("--bogus", "there is no option --bogus"),
        ("scheduler", "one of: explain, once, run"),
        ("config", "one of: show"),
        ("approve", "newsletter approve: it needs"),
        ("status extra", "there is more than the command takes: extra"),
        ("queue move first second", "expected a whole number"),
        ("simulator --port 99999", "expected at most 65535"),
        ("scheduler explain nonsense", '"nonsense" is no date'),
        ("scheduler explain 0001-01-01", "is no date"),
        ("scheduler explain 9999-12-31", "is no date"),
        ("scheduler once --now nonsense", '"nonsense" is no time'),
        ("scheduler once --now 0001-01-01", "too far away"),
        ("scheduler once --now 9999-12-31T23:59", "too far away"),
        ("new !!!", "has no words"),
    ],
)
def test_a_wrong_line_is_told_with_what_to_do(call: Call, line: str, words: str) -> None:
    complains(call, 2, *line.split(), of=words)


def test_the_folder_may_stand_anywhere_and_be_written_in_three_ways(
    call: Call, publication: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = publication / "issues"
    monkeypatch.chdir(inside)
    for line in (["-C", "..", "status"], ["status", "-C", ".."], ["-C=..", "status"], ["status", "-C.."], ["status"]):
        assert f"({publication})" in call(*line, here=False).out


@pytest.mark.parametrize(
    ("folder", "words"), [("nowhere", "no such folder"), (".", "there is no newsletter.toml in it"), ("", "needs")]
)
def test_a_folder_that_is_none_is_told(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    complains(call, 3 if folder else 2, "-C", folder, "status", of=words, here=False)


def test_a_current_folder_that_was_deleted_is_told(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    complains(call, 3, "status", of="the current folder was deleted", here=False)
    assert call("status").code == 0


@pytest.mark.parametrize("line", [["--help"], ["send", "--help"], ["-h"], ["help", "send"], []])
def test_help_is_one_json_object_too(call: Call, line: list[str]) -> None:
    people = call(*line, here=False)
    machine = call(*line, "--json", here=False)
    assert (people.code, machine.code, machine.out.count("\n")) == (0, 0, 1)
    assert machine.data["data"]["text"].startswith("Usage: newsletter")
    assert people.out.startswith("Usage: newsletter")


def test_a_title_of_broken_bytes_makes_an_issue_that_can_be_read(call: Call, publication: Path) -> None:
    assert call("new", os.fsdecode(b"Caf\xe9 news")).code == 0
    assert call("check", "--format", "github").code == 1  # a draft
    assert len(list((publication / "issues").iterdir())) == 2


def test_a_bug_is_called_one_and_is_still_one_json_object(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsletter.pipeline.overview.overview", lambda *_: {}["x"])
    said = call("status")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("error: this is a bug in newsletter: KeyError: 'x' (test_usage.py:")
    assert call("status", "--json").data["ok"] is False
    assert "Traceback" in call("status", "--debug").err
