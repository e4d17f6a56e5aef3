"""The made-up readers."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from newsletter.audience.addresses import parse_address
from newsletter.audience.files import Entry, Reject, read_list
from newsletter.samples.subscribers import COLUMNS, INVALID_AT, sample_subscribers, write_csv

READERS = list(sample_subscribers())


def read(folder: Path, count: int) -> tuple[list[Entry], list[Reject]]:
    write_csv(folder / "readers.csv", count)
    lines = list(read_list(folder / "readers.csv"))
    entries = [line for line in lines if isinstance(line, Entry)]
    return entries, [line for line in lines if isinstance(line, Reject)]


def test_a_thousand_readers_are_in_every_state(tmp_path: Path) -> None:
    entries, rejects = read(tmp_path, 1000)
    assert Counter(str(entry.state) for entry in entries) == {
        "active": 936,
        "unsubscribed": 31,
        "bounced": 20,
        "pending": 8,
        "complained": 4,
    }
    assert [(reject.line, reject.reason) for reject in rejects] == [
        (INVALID_AT + 2, "An email address must have an @-sign.")
    ]


def test_no_two_readers_have_the_same_address(tmp_path: Path) -> None:
    entries, _ = read(tmp_path, 5000)
    assert len({entry.email_key for entry in entries}) == 4999


def test_no_mail_can_reach_them() -> None:
    assert all(reader["email"].endswith(".example") for reader in READERS)


def test_the_same_bytes_every_time_and_fewer_are_the_first_of_more(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", 300)
    write_csv(tmp_path / "b.csv", 300)
    write_csv(tmp_path / "c.csv")
    first, again, more = ((tmp_path / name).read_bytes() for name in ("a.csv", "b.csv", "c.csv"))
    assert first == again
    assert more.startswith(first)
    assert more.count(b"\n") == 1001
    assert b"\r" not in more


@pytest.mark.parametrize(
    "script", "LATIN CYRILLIC GREEK ARABIC DEVANAGARI HIRAGANA KATAKANA CJK HANGUL APOSTROPHE".split()
)
def test_names_are_written_in_many_scripts(script: str) -> None:
    starts = {unicodedata.name(char).split()[0] for reader in READERS for char in reader["name"]}
    assert script in starts


def test_names_have_accents_and_are_sometimes_missing() -> None:
    names = [reader["name"] for reader in READERS]
    assert {"Siobhán O'Brien", "Jürgen Müller", "山田 花子", "김서연", "Παππάς"} <= {*names, *" ".join(names).split()}
    assert 40 <= names.count("") <= 60


@pytest.mark.parametrize("reader", list(islice(READERS, 0, None, 83)), ids=lambda reader: reader["email"])
def test_what_is_known_of_a_reader_can_be_meant(reader: Mapping[str, str]) -> None:
    assert tuple(reader) == COLUMNS
    assert parse_address(reader["email"]).key
    assert ZoneInfo(reader["timezone"])
    assert reader["language"]
    assert reader["consent_source"]
    assert (
        datetime(2024, 1, 1, tzinfo=UTC)
        < datetime.fromisoformat(reader["consent_at"])
        < datetime(2026, 11, 1, tzinfo=UTC)
    )
