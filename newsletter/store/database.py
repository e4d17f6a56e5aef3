"""Opening the database, and the one way to change it: `with store.transaction() as connection`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError

from newsletter.errors import ConfigError, NewsletterError

BUSY_SECONDS = 30


@dataclass(frozen=True)
class Store:
    """The database of one publication."""

    engine: Engine

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection whose changes are committed together at the end, or not at all.

        On SQLite it takes the write lock at its start, so that what was read still holds when it is written.
        Raises NewsletterError where the disk is full, the file read-only or the server gone.
        """
        try:
            with self.engine.begin() as connection:
                yield connection
        except OperationalError as error:
            raise _explain(error, self.engine) from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for looking only; it never waits for a writer on SQLite (WAL)."""
        try:
            with self.engine.connect().execution_options(reading=True) as connection:
                yield connection
        except OperationalError as error:
            raise _explain(error, self.engine) from error

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def open_store(database_url: str, state: Path) -> Store:
    """The database at `database_url`, or `state/newsletter.db` where that is empty, brought to the newest schema.

    Raises ConfigError for an address that cannot be meant, NewsletterError where the database cannot be reached or
    is newer than this program.
    """
    from newsletter.store.migrate import upgrade  # noqa: PLC0415 - Alembic costs 90 ms

    store = Store(_engine(_url(database_url, state)))
    try:
        upgrade(store.engine)
    except DatabaseError as error:
        store.close()
        raise _explain(error, store.engine) from error
    except BaseException:
        store.close()
        raise
    return store


def _url(database_url: str, state: Path) -> URL:
    if not database_url:
        return URL.create("sqlite", database=str(state / "newsletter.db"))
    try:
        url = make_url(database_url)
    except ArgumentError:
        raise ConfigError(
            "[storage] database_url is no database address", 'for example "postgresql://user@host/newsletter"'
        ) from None
    if url.drivername in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise ConfigError(
            f"[storage] database_url: {url.get_backend_name()} is not supported", "use sqlite or postgresql"
        )
    return url


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        _prepare_folder(Path(url.database or ""))
        engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        return create_engine(url)
    except ModuleNotFoundError:
        raise ConfigError(
            "the database is PostgreSQL, whose driver is not installed", "pip install 'newsletter[postgres]'"
        ) from None


def _prepare_folder(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NewsletterError(f"{file.parent}: cannot be made: {error.strerror}", "check the folder's rights") from None


def _configure_sqlite(connection: Any, _record: object) -> None:
    # The driver's own BEGIN comes too late for a read that a write depends on: `_begin_sqlite` says it instead.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _explain(error: DatabaseError, engine: Engine) -> NewsletterError:
    reason = str(error.orig).strip().splitlines()[0]
    name = engine.url.render_as_string(hide_password=True)
    hints = {
        "full": "the disk is full: make room, then run it again; nothing was half-written",
        "readonly": "the database cannot be written: check the rights of the file and of its folder",
        "locked": "another process is writing for a long time: wait, then run it again",
        "unable to open": "check that the folder exists and can be written",
        "not a database": "the file is damaged or no database: restore a backup or move it away",
    }
    hint = next((text for word, text in hints.items() if word in reason), "check that the database can be reached")
    return NewsletterError(f"{name}: {reason}", hint)
