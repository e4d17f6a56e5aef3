"""`import newsletter` as another program uses it; the examples of docs/api.md are run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import newsletter
from newsletter.errors import ConfigError, SafetyError, UsageError

ROOT = Path(__file__).resolve().parents[1]
TOML = """\
[publication]
name = "Test"
base_url = "https://test.example"
sender = "Test <test@test.example>"
postal_address = "Street 1, Town"
"""
ISSUE = """\
---
subject: A first issue about nothing
preheader: What is in it, and why it is worth reading today
author: Ada
---

Hello {{ name | default("there") }},

this is a text of some words.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "my-letter"
    (made / "issues").mkdir(parents=True)
    (made / "newsletter.toml").write_text(TOML, encoding="utf-8")
    (made / "issues" / "001-first.md").write_text(ISSUE, encoding="utf-8")
    return made


def test_an_issue_goes_its_way_to_the_queue(folder: Path) -> None:
    with newsletter.open_newsletter(folder) as letter:
        (issue,) = letter.issues()
        assert (issue.slug, letter.issue("next").slug) == ("first", "first")
        assert "this is a text" in letter.render("first").text
        assert [finding for finding in letter.check("first") if finding.severity == "error"] == []
        approval = letter.approve("first", by="a program")
        assert approval.edition.digest == letter.render("first").digest
        letter.hold("first")
        assert [(queued.slug, queued.held, queued.approved_by) for queued in letter.queue()] == [
            ("first", True, "a program")
        ]
        letter.release("first")
        letter.move("first", 1)
        assert next(entry.slug for entry in letter.calendar(2)) == "first"
        letter.unapprove("first")
        assert letter.queue() == []


def test_readers_come_and_go_and_who_left_is_not_brought_back(folder: Path) -> None:
    with newsletter.open_newsletter(str(folder)) as letter:
        assert letter.add_subscriber("Ada@Reader.example", consent_source="on paper", name="Ada", tags=["fair"])
        assert not letter.add_subscriber("ada@reader.example", consent_source="on paper")
        assert [row["email"] for row in letter.subscribers("tag:fair")] == ["Ada@reader.example"]
        assert letter.count() == {"active": 1}
        assert letter.remove_subscriber("ada@reader.example")
        assert not letter.remove_subscriber("ada@reader.example")
        with pytest.raises(SafetyError):
            letter.add_subscriber("ada@reader.example", consent_source="on paper")
        found = letter.subscriber("ada@reader.example")
        assert found is not None
        assert [line["action"] for line in found["consent"]][-1] == "left"
        assert letter.subscriber("nobody@reader.example") is None


def test_pages_of_subscribers_follow_each_other(folder: Path) -> None:
    with newsletter.open_newsletter(folder) as letter:
        for number in range(5):
            letter.add_subscriber(f"r{number}@reader.example", consent_source="x")
        first = list(letter.subscribers(limit=2))
        second = list(letter.subscribers(limit=2, after=first[-1]["id"]))
        assert [row["email"][:2] for row in (*first, *second)] == ["r0", "r1", "r2", "r3"]


def test_errors_are_of_one_kind(folder: Path, tmp_path: Path) -> None:
    assert issubclass(UsageError, newsletter.NewsletterError)
    with pytest.raises(ConfigError), newsletter.open_newsletter(tmp_path / "none"):
        pass
    with newsletter.open_newsletter(folder) as letter:
        for wrong in (
            lambda: letter.render("none"),
            lambda: letter.hold("first"),
            lambda: letter.report("first"),
            lambda: list(letter.subscribers("tag:")),
            lambda: letter.add_subscriber("nonsense", consent_source="x"),
            lambda: letter.add_subscriber("ada@reader.example", consent_source=" "),
        ):
            with pytest.raises(newsletter.NewsletterError):
                wrong()
    with pytest.raises(AttributeError):
        _ = newsletter.nonsense  # type: ignore[attr-defined]


def test_the_examples_in_the_docs_run(folder: Path) -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    examples = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert len(examples) >= 3
    script = "\n".join(examples)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder.parent, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0].startswith("first [")
    assert "ada@reader.example active" in done.stdout
    assert "A first issue about nothing" in done.stdout
