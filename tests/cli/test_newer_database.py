"""A program that is older than the database says so in each of its commands, and touches nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from calling import Call, complains

COMMANDS = [
    ["approve", "first"],
    ["unapprove", "first"],
    ["queue"],
    ["queue", "hold", "first"],
    ["calendar"],
    ["send", "first", "--dry-run"],
    ["send", "first", "--now", "--confirm", "first:1"],
    ["send", "first", "--resume"],
    ["send", "first", "--test", "ada@desk.example"],
    ["stop"],
    ["resume"],
    ["status"],
    ["scheduler", "once"],
    ["scheduler", "run"],
    ["scheduler", "explain", "2026-11-27"],
    ["subscribers", "list"],
    ["subscribers", "count"],
    ["subscribers", "export", "-o", "list.csv"],
    ["subscribers", "add", "ada@reader.example", "--consent-source", "x"],
    ["subscribers", "forget", "ada@reader.example"],
    ["archive", "build", "-o", "site"],
    ["serve", "--port", "0"],
    ["db", "backup"],
    ["db", "upgrade"],
    ["preview", "--no-open", "--port", "0"],
]


QUICK = (
    "send first --resume",
    "scheduler once",
    "serve --port 0",
    "db backup",
)  # one of each kind; the others take time
EACH = [
    words if " ".join(words) in QUICK else pytest.param(words, marks=pytest.mark.slow, id=" ".join(words))
    for words in COMMANDS
]


@pytest.mark.parametrize("words", EACH)
def test_each_command_refuses_in_one_clear_line(publication: Path, call: Call, words: list[str]) -> None:
    assert call("queue").code == 0
    file = publication / ".newsletter" / "newsletter.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = file.read_bytes()
    complains(call, 1, *words, of="has schema 9999, which this program does not know: a newer one wrote it")
    assert file.read_bytes() == before
    assert not (publication / ".newsletter" / "backups").exists()
