"""Lists of subscribers that are broken, and databases that are."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from calling import CONSENT, Call, complains

from newsletter.store import database


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("l.csv", b"", ":1: no column of addresses"),
        ("l.csv", b"anna@x.example\n", ":1: no column of addresses"),
        ("l.csv", "email,name\na@x.example,Jörg\n".encode("latin-1"), ":2: not UTF-8"),
        ("l.csv", b'email\na@x.example\n"b@x.example\nc@x.example\n', ":3: not readable as a table"),
        ("l.csv", b"email,name\na@x.example," + b"x" * 200_000 + b"\n", ":2: not readable as a table"),
        ("l.json", b"{", "not valid JSON"),
        ("l.json", b"[" * 100_000, "not valid JSON"),
        ("l.json", b"{}", "expected a JSON list"),
    ],
)
def test_a_list_that_cannot_be_read_is_told_and_nobody_is_added(
    call: Call, publication: Path, name: str, data: bytes, words: str
) -> None:
    (publication / name).write_bytes(data)
    complains(
        call,
        1,
        "subscribers",
        "import",
        publication / name,
        *CONSENT,
        of=f"{name}{words}" if words[0] == ":" else words,
    )
    assert call("subscribers", "count", "--json").data["data"]["states"] == {}


def test_a_list_that_is_not_there_is_told(call: Call, publication: Path) -> None:
    complains(call, 1, "subscribers", "import", publication / "none.csv", of="No such file")
    complains(call, 1, "subscribers", "import", publication, of="Is a directory")


def test_what_no_name_holds_is_taken_out_of_it(call: Call, publication: Path) -> None:
    rows = [
        {"email": "a@x.example", "name": "\x1b[31mA\ud800nn\x07a"},
        {"email": "b@x.example", "name": "x" * 50_000},
        {"email": "c@x.example", "consent_at": "0001-01-01T00:00:00+14:00"},
        {"email": "d@x\0.example"},
        {"email": "\udfff@x.example"},
    ]
    (publication / "l.json").write_text(json.dumps(rows))
    said = call("subscribers", "import", publication / "l.json", "--json", *CONSENT).data["data"]
    reasons = [reject["reason"] for reject in said["rejected"]]
    assert (said["added"], reasons[0], len(reasons)) == (2, '"0001-01-01T00:00:00+14:00" is no date of consent', 3)
    with closing(sqlite3.connect(publication / ".newsletter" / "newsletter.db")) as store:
        names = [name for (name,) in store.execute("SELECT name FROM subscribers ORDER BY email")]
    assert names == ["[31mAnna", "x" * 200]


def _sql(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as store:
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        store.execute(statement)


def _scramble(path: Path) -> None:
    _sql(path, "SELECT 1")
    data = bytearray(path.read_bytes())
    for place in range(8192, len(data), 97):
        data[place] ^= 0xFF
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda path: path.write_bytes(b"garbage" * 1000), "file is not a database"),
        (lambda path: path.write_bytes(path.read_bytes()[:-8192]), "newsletter.db: "),
        (_scramble, "malformed"),
        (lambda path: _sql(path, "DROP TABLE queue"), "no such table: queue"),
        (lambda path: _sql(path, "DROP TABLE alembic_version"), "already exists"),
        (lambda path: _sql(path, "UPDATE alembic_version SET version_num = '9999'"), "a newer one wrote it"),
        (lambda path: (path.unlink(), path.mkdir()), "unable to open"),
        (lambda path: (shutil.rmtree(path.parent), path.parent.write_text("")), "File exists"),
    ],
)
def test_a_database_that_is_damaged_or_newer_is_told(
    call: Call, publication: Path, harm: Callable[[Path], object], words: str
) -> None:
    assert call("status").code == 0
    path = publication / ".newsletter" / "newsletter.db"
    _sql(path, "SELECT 1")
    for extra in ("-wal", "-shm"):
        path.with_name(path.name + extra).unlink(missing_ok=True)
    harm(path)
    complains(call, 1, "queue", of=words)


def test_who_only_looks_does_not_wait_for_a_writer_and_who_writes_says_why(
    call: Call, publication: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.2)
    assert call("status").code == 0
    with closing(sqlite3.connect(publication / ".newsletter" / "newsletter.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for looking in (["status"], ["queue"], ["subscribers", "count"], ["scheduler", "explain", "2026-11-27"]):
            assert call(*looking).code == 0
        complains(call, 1, "approve", "first", of="database is locked")
        complains(call, 1, "scheduler", "once", of="database is locked")
    assert call("approve", "first").code == 0
