"""A database as one file: taken while others write, checked, and put back in one step.

The file is an SQLite database whatever the publication's own one is, with a table `backup` that says what it is a copy
of and a table `backup_files` for what has to go with it. Its SHA-256 lies beside it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Column, Connection, Integer, Table, func, inspect, select, text

from newsletter.errors import NewsletterError
from newsletter.store.database import Store, insert_many, open_store
from newsletter.store.tables import metadata

_PAGE = 2000  # rows copied at a time
_HINT = "check its rights, and the room on the disk"


@dataclass(frozen=True)
class Copy:
    """What a backup says of itself. `facts` are words such as `base_url`; `files` lay beside the database."""

    taken_at: datetime
    schema: str
    facts: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


def save(store: Store, target: Path, facts: Mapping[str, str], files: Mapping[str, bytes], now: datetime) -> str:
    """Write the database as it is at this moment into the new file `target`, for its owner only; its SHA-256.

    Writers go on meanwhile. The file is whole or not there. Raises NewsletterError where it cannot be written.
    """
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        if target.exists():
            raise NewsletterError(f"{target}: there is something here already", "choose another name")
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        _fill(store, draft)
        with closing(sqlite3.connect(draft)) as connection:
            _describe(connection, {"taken_at": now.astimezone(UTC).isoformat()} | dict(facts), files)
        digest = _sync(draft)
        _write(target.with_name(f"{target.name}.sha256"), f"{digest}  {target.name}\n")
        draft.rename(target)
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise NewsletterError(f"{target}: cannot be written: {reason}", _HINT) from None
    finally:
        with contextlib.suppress(OSError):  # it has its name by now, or could not be made
            draft.unlink()
    return digest


def read_copy(file: Path) -> Copy:
    """What is in a backup, after its checksum and its pages were checked; raises NewsletterError where they are wrong.

    A plain copy of an SQLite database will do as well: it is as old as its file.
    """
    if not file.is_file():
        raise NewsletterError(f"{file}: there is no such backup", "see: newsletter db list")
    beside = file.with_name(f"{file.name}.sha256")
    try:
        if beside.is_file() and beside.read_text(encoding="utf-8").split()[:1] != [_sha256(file)]:
            raise NewsletterError(f"{file}: it is not what its checksum says", "take another backup")
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            wrong = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if wrong != "ok":
                raise NewsletterError(f"{file}: the backup is damaged: {wrong.splitlines()[0]}", "take another backup")
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if "alembic_version" not in tables:
                raise NewsletterError(f"{file}: this is no database of newsletter", "see: newsletter db list")
            schema = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
            told = "backup" in tables
            facts = dict(connection.execute("SELECT name, value FROM backup")) if told else {}
            files = dict(connection.execute("SELECT name, content FROM backup_files")) if told else {}
    except (OSError, UnicodeDecodeError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise NewsletterError(f"{file}: cannot be read as a backup: {reason}", "take another backup") from None
    moment = facts.pop("taken_at", "") or datetime.fromtimestamp(file.stat().st_mtime, UTC).isoformat()
    return Copy(datetime.fromisoformat(moment), schema, facts, files)


@contextlib.contextmanager
def opened_copy(file: Path, work: Path) -> Iterator[Store]:
    """A backup as a database of its own in the folder `work`, of this program's schema, to be changed and put back."""
    draft = work / f".restoring.{os.getpid()}.db"
    work.mkdir(parents=True, exist_ok=True)
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(draft)) as target:
            source.backup(target)
            for table in ("backup", "backup_files"):
                target.execute(f"DROP TABLE IF EXISTS {table}")
            target.commit()
        store = open_store(f"sqlite:///{draft.absolute()}", work)
        try:
            yield store
        finally:
            store.close()
    finally:
        for end in ("", "-wal", "-shm"):
            draft.with_name(draft.name + end).unlink(missing_ok=True)


def replace(store: Store, prepared: Store) -> None:
    """Put all that is in `prepared` in the place of all that is in `store`, in one step for everybody who looks.

    Who has the database open goes on with the new content.
    """
    if store.engine.dialect.name == "sqlite":
        with _raw(prepared) as source, _raw(store) as target:
            source.backup(target)
        return
    with prepared.reading() as source, store.transaction() as target:
        names = ", ".join(table.name for table in metadata.sorted_tables)
        target.execute(text(f"TRUNCATE {names}"))
        _copy_rows(source, target)
        _set_sequences(target)


def _fill(store: Store, draft: Path) -> None:
    """The whole content of the database into the empty file `draft`, of one moment."""
    if store.engine.dialect.name == "sqlite":
        with _raw(store) as source, closing(sqlite3.connect(draft)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")  # one file, not three
        return
    copy = open_store(f"sqlite:///{draft.absolute()}", draft.parent)
    try:
        snapshot = store.engine.connect().execution_options(isolation_level="REPEATABLE READ")
        with snapshot as source, copy.transaction(durable=False) as target:
            for table in reversed(metadata.sorted_tables):
                target.execute(table.delete())  # migrations leave rows
            _copy_rows(source, target)
    finally:
        copy.close()
    with closing(sqlite3.connect(draft)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")


def _copy_rows(source: Connection, target: Connection) -> None:
    known = set(inspect(source).get_table_names())
    for table in metadata.sorted_tables:
        if table.name in known:
            rows = source.execution_options(yield_per=_PAGE).execute(select(table)).mappings()
            for page in rows.partitions(_PAGE):
                insert_many(target, table, [dict(row) for row in page])


def _set_sequences(connection: Connection) -> None:
    """Let PostgreSQL go on counting behind the numbers that were put in."""
    for table in metadata.sorted_tables:
        column = _counted(table)
        if column is not None:
            last = connection.execute(select(func.coalesce(func.max(column), 0))).scalar_one()
            sequence = func.pg_get_serial_sequence(table.name, column.name)
            connection.execute(select(func.setval(sequence, last + 1, False)).where(sequence.is_not(None)))


def _counted(table: Table) -> Column[int] | None:
    keys = list(table.primary_key.columns)
    return keys[0] if len(keys) == 1 and isinstance(keys[0].type, Integer) else None


@contextlib.contextmanager
def _raw(store: Store) -> Iterator[sqlite3.Connection]:
    """SQLite's own connection, which knows how to copy a database page by page."""
    connection = store.engine.raw_connection()
    try:
        assert isinstance(connection.driver_connection, sqlite3.Connection)  # noqa: S101 - the caller asked the dialect
        yield connection.driver_connection
    finally:
        connection.close()


def _describe(connection: sqlite3.Connection, facts: Mapping[str, str], files: Mapping[str, bytes]) -> None:
    connection.execute("CREATE TABLE backup (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
    connection.execute("CREATE TABLE backup_files (name TEXT PRIMARY KEY, content BLOB NOT NULL)")
    connection.executemany("INSERT INTO backup VALUES (?, ?)", list(facts.items()))
    connection.executemany("INSERT INTO backup_files VALUES (?, ?)", list(files.items()))
    connection.commit()


def _sync(file: Path) -> str:
    with file.open("rb") as content:
        os.fsync(content.fileno())
    return _sha256(file)


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _write(file: Path, words: str) -> None:
    """A small file for its owner only; one of that name is replaced."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(words)
