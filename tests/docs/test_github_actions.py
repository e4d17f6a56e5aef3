"""The workflows of docs/github-actions.md: their steps are run here, as a runner would, against a real PostgreSQL."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from pages import ROOT, blocks

from newsletter.cli.main import main

PAGE = (ROOT / "docs" / "github-actions.md").read_text(encoding="utf-8")
REVIEW, SEND = (yaml.safe_load("\n".join(block.lines)) for block in blocks(PAGE) if block.language == "yaml")
_TOML = """
[publication]
name = "In git"
base_url = "https://in-git.example"
sender = "In git <hello@in-git.example>"
postal_address = "In git, 1 Branch Road, 10115 Berlin"
[schedule]
timezone = "Europe/Berlin"
[provider]
name = "outbox"
[storage]
database_url = "{url}"
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_url: str) -> Path:
    """A publication in git, as a runner has it; each run of a workflow begins without `.newsletter`."""
    (tmp_path / "issues").mkdir()
    (tmp_path / "newsletter.toml").write_text(_TOML.format(url=postgres_url))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_ACTOR", "octo")
    monkeypatch.setenv("NEWSLETTER_TOKEN_KEY", "a long random text that signs the links of this test")
    return tmp_path


def write(folder: Path, body: str, status: str = "ready") -> None:
    front = f"---\nsubject: About branches\npreheader: What they are\nstatus: {status}\nnumber: 1\n---\n"
    (folder / "issues" / "001-branches.md").write_text(f"{front}\n{body}\n")


def steps(workflow: dict[str, Any], event: str) -> list[list[str]]:
    """The words of each `newsletter` step that a workflow runs for an event."""
    assert event in workflow[True]  # to YAML 1.1, `on` is a boolean
    (job,) = workflow["jobs"].values()
    found = []
    for step in job["steps"]:
        condition = step.get("if", "")
        if step.get("run", "").startswith("newsletter ") and (not condition or f"'{event}'" in condition):
            found.append(shlex.split(step["run"])[1:])
    return found


def run(workflow: dict[str, Any], event: str, *more: str) -> list[int]:
    """The exit codes of the steps, up to the first that fails; `more` are words for the last one."""
    codes, lines = [], steps(workflow, event)
    for line in lines:
        codes.append(
            main(
                [*line, "--offline"]
                if line == ["ci", "-o", "preview"]
                else [*line, *more]
                if line is lines[-1]
                else line
            )
        )
        if codes[-1]:
            break
    return codes


def test_a_pull_request_gets_annotations_and_a_preview(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(checkout, "Look at ![](picture.png) and [this](relative.md).")
    assert run(REVIEW, "pull_request") == [1]
    assert "::error file=issues/001-branches.md,line=" in capsys.readouterr().out
    write(checkout, "A branch is a line of thought.")
    assert run(REVIEW, "pull_request") == [0]
    assert "A branch is a line of thought." in (checkout / "preview" / "branches.html").read_text()
    assert not (checkout / ".newsletter" / "newsletter.db").exists()


def test_a_merge_approves_and_the_schedule_sends_once(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / "readers.csv").write_text("email\nada@reader.example\nbo@reader.example\n")
    assert (
        main(["subscribers", "import", "readers.csv", "--consent-source", "test", "--consent-date", "2026-01-01"]) == 0
    )
    write(checkout, "Not yet.", status="draft")
    assert run(SEND, "push") == [0, 0]
    assert "nothing new is ready" in capsys.readouterr().out
    write(checkout, "A branch is a line of thought.")
    assert run(SEND, "push") == [0, 0]
    assert 'approved "branches"' in capsys.readouterr().out
    assert main(["queue", "list", "--json"]) == 0
    assert '"approved_by": "octo"' in capsys.readouterr().out
    for _ in range(2):
        assert run(SEND, "schedule", "--now", "2026-12-01T09:20") == [0]
    assert len(list((checkout / ".newsletter" / "outbox").glob("*/*.eml"))) == 2


def test_a_merge_with_an_error_fails_but_approves_the_others(checkout: Path) -> None:
    write(checkout, "A branch is a line of thought.")
    (checkout / "issues" / "002-empty.md").write_text("---\nsubject: Empty\nstatus: ready\n---\n")
    assert run(SEND, "push") == [1]
    assert main(["scheduler", "explain", "2026-12-01"]) == 0
    assert main(["unapprove", "branches"]) == 0
    assert main(["unapprove", "empty"]) == 2
