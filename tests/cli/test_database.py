"""`newsletter db` and `newsletter doctor` as somebody types them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from calling import Call, complains


@pytest.fixture
def sent(publication: Path, call: Call) -> Path:
    """A backup from before the one issue was sent."""
    toml = publication / "newsletter.toml"
    toml.write_text(toml.read_text() + '[provider]\nname = "outbox"\n')
    (publication / "list.csv").write_text("email\nada@reader.example\n", encoding="utf-8")
    assert (
        call(
            "subscribers", "import", publication / "list.csv", "--consent-source", "x", "--consent-date", "2026-05-01"
        ).code
        == 0
    )
    assert call("approve", "first").code == 0
    backup = Path(call("db", "backup", "--json").data["data"]["file"])
    assert call("send", "first", "--now", "--confirm", "first:1").code == 0
    return backup


def test_a_restore_says_what_to_decide_and_nothing_is_sent_before(publication: Path, call: Call, sent: Path) -> None:
    complains(call, 5, "db", "restore", sent, of="has news since the backup")
    said = call("db", "restore", sent, "--confirm")
    assert said.out.splitlines()[2:] == [
        "nothing is sent until you say:  newsletter resume",
        "  first was approved, and is held now",
        "    by the database before: sent, 1 of 1 readers",
        "    readers do not have it: newsletter queue release first",
    ]
    complains(call, 5, "send", "first", "--now", "--confirm", "first:1", of='"first" is held')
    assert call("queue", "release", "first").code == 0
    complains(call, 5, "send", "first", "--now", "--confirm", "first:1", of="stopped by hand")
    assert "restored from a backup" in call("status").out
    assert len(list(publication.glob(".newsletter/outbox/*/*.eml"))) == 1


def test_backups_are_listed_and_their_checksum_can_be_checked_by_others(
    publication: Path, call: Call, sent: Path
) -> None:
    listed = call("db", "list", "--json").data["data"]["backups"]
    assert [backup["file"] for backup in listed] == [str(sent)]
    done = subprocess.run(["sha256sum", "-c", f"{sent.name}.sha256"], cwd=sent.parent, capture_output=True, check=False)
    assert done.returncode == 0, done


def test_wrong_files_are_refused_in_a_line(publication: Path, call: Call) -> None:
    complains(call, 1, "db", "restore", publication / "nowhere.db", of="there is no such backup")
    complains(call, 1, "db", "restore", publication / "newsletter.toml", of="cannot be read as a backup")
    complains(call, 1, "db", "backup", publication / "newsletter.toml", of="there is something here already")
    complains(call, 2, "db", "restore", of="FILE")
    complains(call, 2, "db", "backup", "--nope", of="--nope")


def test_an_upgrade_says_what_it_was(publication: Path, call: Call) -> None:
    assert "was not there" in call("db", "upgrade").out
    data = call("db", "upgrade", "--json").data["data"]
    assert (data["before"] == data["after"], data["kept"]) == (True, None)


def test_the_doctor_says_each_thing_once_and_ends_by_the_worst(publication: Path, call: Call) -> None:
    said = call("doctor", "--offline")
    assert said.code == 0
    states = ("ok  ", "warn", "fail", "not checked")
    assert all(line.startswith((*states, " ")) for line in said.out.splitlines()[:-1])
    data = call("doctor", "--offline", "--json").data["data"]
    assert {"probe": "database", "state": "ok", "message": "SQLite, whole and writable", "fix": ""} in data["findings"]
    toml = publication / "newsletter.toml"
    toml.write_text(toml.read_text().replace("Street 1, Town", ""))
    said = call("doctor", "--offline", "--json")
    assert (said.code, said.data["ok"], said.data["data"]["counts"]["fail"]) == (1, False, 1)


def test_the_log_is_asked_for_with_a_word_that_is_checked(call: Call) -> None:
    complains(call, 2, "status", "--log-format", "xml", of="--log-format takes text or json, not xml")
