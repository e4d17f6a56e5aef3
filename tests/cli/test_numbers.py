"""`newsletter stats`, as an editor calls it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from calling import Call, complains


@pytest.fixture
def sent(call: Call, publication: Path) -> Path:
    """The publication with its issue sent to two readers, through the outbox."""
    toml = publication / "newsletter.toml"
    toml.write_text(toml.read_text(encoding="utf-8") + '[provider]\nname = "outbox"\n', encoding="utf-8")
    for name in ("ada", "bo"):
        assert call("subscribers", "add", f"{name}@gmail.com", "--consent-source", "test").code == 0
    assert call("subscribers", "remove", "bo@gmail.com").code == 0
    assert call("subscribers", "add", "cy@gmail.com", "--consent-source", "test").code == 0
    assert call("send", "first", "--now", "--confirm", "first:2").code == 0
    return publication


def test_a_publication_that_sent_nothing_has_numbers_too(call: Call) -> None:
    said = call("stats")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == ["Test", "", "Subscribers  none yet", "", "Nothing was sent yet."]


def test_the_numbers_equal_the_status(call: Call, sent: Path) -> None:
    status, data = call("status", "--json").data["data"], call("stats", "--json").data["data"]
    assert data["subscribers"] == status["subscribers"]
    funnel, report = data["broadcasts"][0], status["broadcasts"][0]
    assert (funnel["planned"], funnel["accepted"], funnel["skipped"]) == (3, 2, {"unsubscribed": 1})
    assert (report["readers"], report["sent"], report["skipped"]) == (3, 2, {"unsubscribed": 1})
    assert data["growth"][-1] | {"label": ""} == {
        "label": "", "joined": 3, "left": 1, "bounced": 0, "complained": 0, "net": 2, "members": 2,
    }  # fmt: skip
    assert (funnel["delivered"], funnel["clicked"]) == (None, None)  # an outbox tells of nothing


def test_one_issue_is_shown_by_slug_or_as_the_last_one(call: Call, sent: Path) -> None:
    for name in ("first", "last", "issues/001-first.md"):
        said = call("stats", name, "--json") if "/" not in name else call("stats", sent / name, "--json")
        assert said.data["data"]["funnel"]["slug"] == "first"
    assert "accepted                         2" in call("stats", "last").out


def test_a_report_is_one_file(call: Call, sent: Path, tmp_path: Path) -> None:
    for words in ([], ["last"]):
        file = tmp_path / "report.html"
        said = call("stats", *words, "--html", file)
        assert said.out == f"{file}\n"
        assert file.read_text(encoding="utf-8").endswith("</html>\n")


def test_a_spreadsheet_gets_a_line_for_each_broadcast(call: Call, sent: Path) -> None:
    rows = list(csv.DictReader(call("stats", "--csv").out.splitlines()))
    assert [(row["issue"], row["accepted"], row["clicked"]) for row in rows] == [("first", "2", "")]
    assert "skipped,unsubscribed,1" in call("stats", "first", "--csv").out


def test_what_cannot_be_is_told_in_a_line_or_two(call: Call, sent: Path, tmp_path: Path) -> None:
    complains(call, 2, "stats", "second", of="was not sent")
    complains(call, 2, "stats", "--last", "-1", of="--last")
    complains(call, 1, "stats", "--html", tmp_path / "no" / "report.html", of="cannot be written")
    assert call("stats", "--csv", "--json").code == 2
