"""A newsletter.toml that is broken, says what cannot be meant, or holds a secret."""

from __future__ import annotations

import os
import sqlite3
import tomllib
from contextlib import closing
from pathlib import Path

import pytest
from calling import TOML, Call, complains

WHO = '[publication]\nname = "x"\nbase_url = "https://x.example"\nsender = "a@x.example"\n'


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", 'the key "publication" is missing'),
        (TOML.encode("utf-16"), "not UTF-8"),
        (TOML.replace("Street", "Straße").encode("latin-1"), "not UTF-8"),
        (b"[publication\n", "not valid TOML"),
        (b'[publication]\nname = "a\0b"\n', "not valid TOML"),
        (b"publication = 3\n", ":1: publication: expected a section [publication]"),
        (b'[publication]\nbase_url = "https://x.example"\n', 'the key "publication.name" is missing (1 more'),
    ],
)
def test_a_file_that_cannot_be_meant_is_told(call: Call, publication: Path, data: bytes, words: str) -> None:
    (publication / "newsletter.toml").write_bytes(data)
    complains(call, 3, "status", of=words)
    assert not (publication / ".newsletter").exists()


@pytest.mark.parametrize("kind", ["folder", "dangling link", "link to itself", "pipe"])
def test_a_file_that_is_none_is_told(call: Call, publication: Path, kind: str) -> None:
    path = publication / "newsletter.toml"
    path.unlink()
    make = {
        "folder": path.mkdir,
        "dangling link": lambda: path.symlink_to("nowhere"),
        "link to itself": lambda: path.symlink_to(path),
        "pipe": lambda: os.mkfifo(path),
    }
    make[kind]()
    complains(call, 3, "status", of=str(path))


@pytest.mark.parametrize(
    ("section", "line", "words"),
    [
        ("publication", "foo = 1", 'unknown key "publication.foo"'),
        ("publication", 'language = "English, please"', "expected a language tag"),
        ("schedule", 'timezone = "Europe/Berln"', 'did you mean "Europe/Berlin"?'),
        ("schedule", "timezone = 3", "expected a text in quotes, found 3"),
        ("schedule", "days = []", "not empty"),
        ("schedule", 'days = ["xyz"]', "expected 'mon', 'tue'"),
        ("schedule", 'days = "tue"', "expected a list such as"),
        ("schedule", 'days = ["tue", "Tuesday"]', '"tue" stands twice'),
        ("schedule", "at = 9", "expected a time of day"),
        ("schedule", 'at = "25:00"', "expected a time of day"),
        ("schedule", "late_window = 6", "expected a length of time"),
        ("schedule", 'late_window = "99999999999999d"', "a year at most"),
        ("provider", 'name = "pigeon"', 'expected "autosend"'),
        ("provider", 'base_url = "https://[::"', "expected a web address"),
        ("provider", 'base_url = "https://x.example:99999"', "expected a web address"),
        ("provider", "header_variables = 7", "expected true or false"),
        ("delivery", "batch_size = 0", "expected at least 1, found 0"),
        ("delivery", 'batch_size = "many"', "expected a whole number"),
        ("delivery", "requests_per_second = inf", "expected a number"),
        ("delivery", "requests_per_second = 0", "expected more than 0"),
        ("theme", 'name = "../x"', "expected letters, digits"),
        ("check", 'subject-missing = "loud"', "expected 'off'"),
        ("chek", "a = 1", 'did you mean "check"?'),
    ],
)
def test_each_key_says_what_it_takes(call: Call, publication: Path, section: str, line: str, words: str) -> None:
    text = f"{WHO}{line}\n" if section == "publication" else f"{WHO}[{section}]\n{line}\n"
    (publication / "newsletter.toml").write_text(text)
    said = complains(call, 3, "status", of=words)
    number = 5 if section in ("publication", "chek") else 6
    assert f"newsletter.toml:{number}: " in said.err


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("nonsense", "no database address"),
        ("mysql://u:sekret@h/d", "mysql is not supported"),
        ("postgresql+asyncpg://u:sekret@h/d", "postgresql+asyncpg is not supported"),
        ("postgresql://u:sekret@h:port/d", "no database address"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
    ],
)
def test_a_database_address_that_cannot_be_meant_is_told_without_its_secret(
    call: Call, publication: Path, address: str, words: str
) -> None:
    (publication / "newsletter.toml").write_text(f'{WHO}[storage]\ndatabase_url = "{address}"\n')
    assert "sekret" not in complains(call, 3, "status", of=words).err


def test_a_server_that_is_not_there_is_told(call: Call, publication: Path) -> None:
    pytest.importorskip("psycopg")
    (publication / "newsletter.toml").write_text(
        f'{WHO}[storage]\ndatabase_url = "postgresql://u:sekret@127.0.0.1:1/d"\n'
    )
    said = complains(call, 1, "status", of="Connection refused")
    assert "sekret" not in said.err


def test_no_secret_is_ever_shown(call: Call, publication: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOSEND_API_KEY", "sekret")
    address = "postgresql://u:sekret@h/d?password=sekret&sslpassword=sekret"
    (publication / "newsletter.toml").write_text(f'{WHO}[storage]\ndatabase_url = "{address}"\n')
    for form in ([], ["--json"]):
        said = call("config", "show", *form)
        assert said.code == 0
        assert "sekret" not in said.out + said.err
    assert 'api_key = "AUTOSEND_API_KEY"  # set' in call("config", "show").out


def test_what_is_shown_can_be_the_file(call: Call, publication: Path) -> None:
    shown = call("config", "show").out
    (publication / "newsletter.toml").write_text(shown)
    assert call("config", "show").out == shown
    assert tomllib.loads(shown)["schedule"] == {
        "days": ["tue", "fri"], "at": "09:00", "timezone": "Europe/Berlin", "late_window": "6h",
        "extra": [], "skip": [], "holidays": [], "pause": [],
        "late_policy": "send", "require_approval": True, "empty_slot": "skip",
    }  # fmt: skip


def test_a_byte_order_mark_and_a_time_without_quotes_are_read(call: Call, publication: Path) -> None:
    text = TOML + "at = 07:30:00\n"
    (publication / "newsletter.toml").write_text(text, encoding="utf-8-sig")
    assert call("status", "--json").data["data"]["next_slot"]["wall_time"].endswith("T07:30")


def test_a_relative_database_is_meant_from_the_publication(
    call: Call, publication: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (publication / "newsletter.toml").write_text(f'{WHO}[storage]\ndatabase_url = "sqlite:///own.db"\n')
    monkeypatch.chdir(publication / "issues")
    assert call("status").code == 0
    with closing(sqlite3.connect(publication / "own.db")) as database:
        assert database.execute("SELECT count(*) FROM broadcasts").fetchone() == (0,)
