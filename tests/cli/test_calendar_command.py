"""`calendar`, `queue` and `scheduler explain` as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from newsletter.cli.main import main

_SCHEDULE = """
days = ["tue", "fri"]
extra = ["2099-12-24T18:00"]
skip = ["2099-12-25"]
pause = ["2099-12-28..2100-01-08"]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A publication in the far future's calendar, with its first issue approved."""
    assert main(["init", str(tmp_path / "letter")]) == 0
    monkeypatch.chdir(tmp_path / "letter")
    toml = Path("newsletter.toml")
    text = toml.read_text().replace('postal_address = ""', 'postal_address = "1 Street, Town"')
    start = text.index('days = ["tue"')
    toml.write_text(text[:start] + _SCHEDULE + text[text.index("\n", start) + 1 :])
    issue = Path("issues/001-welcome.md")
    issue.write_text(issue.read_text().replace("---\n", "---\nslot: 2099-12-22\n", 1))
    assert main(["approve", "welcome"]) == 0
    return Path.cwd()


def test_the_calendar_shows_weeks_with_their_slots_pauses_and_issues(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["calendar", "--from", "2099-12-21", "--weeks", "4"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Mon        Tue        Wed        Thu        Fri        Sat        Sun",
        "December 2099",
        "21         22 09:00   23         24 18:00   25 closed  26         27",
        "           welcome               free",
        "January 2100",
        "28 closed  29 closed  30 closed  31 closed   1 closed   2 closed   3 closed",
        " 4 closed   5 closed   6 closed   7 closed   8 closed   9         10",
        "11         12 09:00   13         14         15 09:00   16         17",
        "           free                             free",
        "",
        "Tuesday 2099-12-22 09:00 UTC  welcome",
        "Thursday 2099-12-24 18:00 UTC  free",
        "Tuesday 2100-01-12 09:00 UTC  free",
        "Friday 2100-01-15 09:00 UTC  free",
    ]


def test_the_calendar_is_a_file_and_data_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["calendar", "--from", "2099-12-21", "--weeks", "1", "--ics", "slots.ics"]
    assert main([*line, "--json"]) == 0
    data = json.loads(capsys.readouterr().out.splitlines()[-1])["data"]
    assert [(slot["slot"], slot["state"], slot["slug"]) for slot in data["slots"]] == [
        ("2099-12-22T09:00", "planned", "welcome"),
        ("2099-12-24T18:00", "free", ""),
    ]
    text = (folder / "slots.ics").read_bytes()
    assert text.count(b"BEGIN:VEVENT") == 2
    assert b"SUMMARY:Letter: welcome\r\n" in text


def test_a_calendar_that_cannot_be_written_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calendar", "--ics", "nowhere/slots.ics"]) == 1
    assert "nowhere/slots.ics: cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("day", "sentence"),
    [
        ("2099-12-25", "Friday 2099-12-25 has no slot: [schedule] skip has 2099-12-25."),
        ("2099-12-29", "Tuesday 2099-12-29 has no slot: [schedule] pause has 2099-12-28..2100-01-08."),
        ("2099-12-23", "Wednesday 2099-12-23 has no slot: [schedule] days = tue, fri."),
        ("2099-12-22", '"welcome" goes out in the slot of Tuesday 2099-12-22 09:00 UTC: it is pinned to it.'),
        ("2099-12-24", "The slot of Thursday 2099-12-24 18:00 UTC would stay empty."),
    ],
)
def test_a_day_without_slot_is_explained_by_its_reason(
    folder: Path, capsys: pytest.CaptureFixture[str], day: str, sentence: str
) -> None:
    capsys.readouterr()
    assert main(["scheduler", "explain", day]) == 0
    assert capsys.readouterr().out.startswith(sentence)


def test_an_issue_that_changed_since_its_approval_is_in_no_slot(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Path("issues/001-welcome.md").open("a") as file:
        file.write("\nMore.\n")
    capsys.readouterr()
    for line in (["queue"], ["scheduler", "explain", "2099-12-22"]):
        assert main(line) == 0
        assert "its file changed since" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ('empty_slot = "loudly"', "expected 'skip', 'notify' or 'repeat-best'"),
        ('pause = ["2026-08-14..2026-07-20"]', "the pause ends before it begins"),
        ('pause = ["2026-08-14"]', 'expected a range of days such as "2026-07-20..2026-08-14"'),
        ('pause = ["2026-08-14..2029-08-14"]', "a year at most"),
        ('extra = ["2026-12-24"]', 'expected a day and a time such as "2026-12-24T18:00"'),
        ('extra = ["2026-12-24T18:00+01:00"]', "without zone"),
        ('skip = ["12-25"]', 'expected a day such as "2026-12-25"'),
        ('holidays = ["2026-12-25"]', 'expected a day of every year such as "12-25"'),
        ('holidays = ["02-30"]', "expected a day of every year"),
        ('approve_by = "soon"', "expected a length of time"),
        ('late_policy = "never"', "expected 'send', 'ask' or 'skip'"),
    ],
)
def test_what_a_schedule_cannot_mean_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str], key: str, words: str
) -> None:
    toml = folder / "newsletter.toml"
    text = toml.read_text()
    for known in ("extra", "skip", "pause"):
        if key.startswith(known):
            text = "\n".join(line for line in text.splitlines() if not line.startswith(f"{known} ="))
    toml.write_text(text.replace("[schedule]\n", f"[schedule]\n{key}\n"))
    capsys.readouterr()
    assert main(["queue"]) == 3
    said = capsys.readouterr().err
    assert words in said
    assert "newsletter.toml:" in said
    assert f"schedule.{key.split(maxsplit=1)[0]}" in said


def test_days_without_quotes_are_days(folder: Path) -> None:
    toml = folder / "newsletter.toml"
    text = toml.read_text().replace('skip = ["2099-12-25"]', "skip = [2099-12-25]")
    toml.write_text(text.replace('extra = ["2099-12-24T18:00"]', "extra = [2099-12-24T18:00:00]"))
    assert main(["calendar"]) == 0


def test_one_thing_at_a_time_goes_to_stdout(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["calendar", "--ics", "-", "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["hint"] == "name a file: --ics slots.ics --json"


def test_a_time_to_come_is_not_pretended_where_mails_would_leave_the_machine(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOSEND_API_KEY", "AS_some")
    toml = Path("newsletter.toml")
    toml.write_text(toml.read_text().replace('name = "outbox"', 'name = "autosend"'))
    capsys.readouterr()
    assert main(["scheduler", "once", "--now", "2099-12-22T09:00"]) == 5
    told = capsys.readouterr().err
    assert "autosend would really send before its time" in told
    assert "newsletter scheduler explain 2099-12-22" in told
