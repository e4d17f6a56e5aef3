"""Opening the database, and the one way to change it: `with store.transaction() as connection`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DataError, IntegrityError, ProgrammingError

from newsletter.errors import ConfigError, NewsletterError

if TYPE_CHECKING:
    from newsletter.store.migrate import Upgrade

BUSY_SECONDS = 30
_HINT = "check its rights, and the room on the disk"
_DAMAGED = "the file is damaged or another program's: restore a backup, or move it away"


@dataclass(frozen=True)
class Store:
    """The database of one publication."""

    engine: Engine

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[Connection]:
        """A connection whose changes are committed together at the end, or not at all.

        On SQLite it takes the write lock at its start, so that what was read still holds when it is written. One that
        is not `durable` does not wait for the disk: a power cut may undo it, together with all after it, never alone.
        Raises NewsletterError where the disk is full, the file read-only or the server gone.
        """
        try:
            with self.engine.connect().execution_options(durable=durable) as connection, connection.begin():
                if not durable and self.engine.dialect.name == "postgresql":
                    connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
                yield connection
        except DatabaseError as error:
            raise explain(error, self.engine) from error.orig

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for looking only; it never waits for a writer on SQLite (WAL)."""
        try:
            with self.engine.connect().execution_options(reading=True) as connection:
                yield connection
        except DatabaseError as error:
            raise explain(error, self.engine) from error.orig

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def open_store(database_url: str, state: Path) -> Store:
    """The database at `database_url`, or `state/newsletter.db` where that is empty, brought to the newest schema.

    Raises ConfigError for an address that cannot be meant, NewsletterError where the database cannot be reached or
    is newer than this program.
    """
    return _open(database_url, state)[0]


def upgrade_store(database_url: str, state: Path) -> Upgrade:
    """Do no more than `open_store` does to the schema, and say what it was; raises what that raises."""
    store, done = _open(database_url, state)
    store.close()
    return done


def _open(database_url: str, state: Path) -> tuple[Store, Upgrade]:
    from newsletter.store.migrate import upgrade  # noqa: PLC0415 - Alembic costs 90 ms

    store = Store(_engine(url_of(database_url, state)))
    try:
        return store, upgrade(store.engine)
    except (DatabaseError, UnicodeDecodeError) as error:  # a damaged schema may be no text at all
        store.close()
        raise explain(error, store.engine) from error
    except BaseException:
        store.close()
        raise


def insert_many(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same keys. On SQLite without SQLAlchemy's work for each row, which takes twice as
    long as SQLite's own; values are written as SQLAlchemy would write them.
    """
    if connection.dialect.name != "sqlite" or not rows:
        connection.execute(table.insert(), list(rows))
        return
    names, columns = list(rows[0]), list[Iterable[Any]]()
    for name in names:
        write = table.c[name].type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
        write = lru_cache(maxsize=256)(write) if write and name.endswith("_at") else write
        values = [row[name] for row in rows]
        columns.append(map(write, values) if write else values)
    marks = ", ".join("?" * len(names))
    statement = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - our own names
    connection.exec_driver_sql(statement, list(zip(*columns, strict=True)))


def shown_address(database_url: str) -> str:
    """A database's address without the secrets in it, to be shown."""
    try:
        url = make_url(database_url) if database_url else None
    except (ArgumentError, ValueError):
        return "…"  # whatever it is, it may hold a password
    if url is None:
        return ""
    hidden = {key: "***" for key in url.query if "pass" in key.lower()}
    return url.update_query_dict(hidden).render_as_string(hide_password=True)


def url_of(database_url: str, state: Path) -> URL:
    """The address of the database; raises ConfigError for one that cannot be meant."""
    if not database_url:
        return URL.create("sqlite", database=str(state / "newsletter.db"))
    try:
        url = make_url(database_url)
    except (ArgumentError, ValueError):  # a port that is none is a ValueError
        raise ConfigError(
            "[storage] database_url is no database address", 'for example "postgresql://user@host/newsletter"'
        ) from None
    if url.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    if url.drivername != "sqlite":
        raise ConfigError(
            f"[storage] database_url: {url.drivername} is not supported", 'use "sqlite:///…" or "postgresql://…"'
        )
    if not url.database or url.database == ":memory:":
        raise ConfigError(
            "[storage] database_url: a database in memory forgets who has which issue", "name a file: sqlite:///FILE"
        )
    # From the publication, not from wherever the command is run, which would make a second ledger.
    return url.set(database=str(state.parent / url.database))


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        _prepare_folder(Path(url.database or ""))
        engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", begin_sqlite)
        return engine
    try:
        return create_engine(url)
    except ModuleNotFoundError:
        raise ConfigError(
            "the database is PostgreSQL, whose driver is not installed", "pip install 'newsletter[postgres]'"
        ) from None


def _prepare_folder(file: Path) -> None:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # readers' addresses
    except OSError as error:
        raise NewsletterError(f"{file.parent}: cannot be made: {error.strerror}", _HINT) from None


def _configure_sqlite(connection: Any, _record: object) -> None:
    # The driver's own BEGIN comes too late for a read that a write depends on: `begin_sqlite` says it instead.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def begin_sqlite(connection: Connection) -> None:
    """Start a transaction as the connection's options say: for reading, or with the write lock."""
    options = connection.get_execution_options()
    reading, durable = options.get("reading", False), options.get("durable", True)
    record = connection.connection.info
    if not reading and record.get("durable", True) != durable:  # in WAL, NORMAL commits without fsync
        connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        record["durable"] = durable
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def explain(error: DatabaseError | UnicodeDecodeError, engine: Engine) -> Exception:
    """What a person can mend as a NewsletterError; a broken rule of the tables is ours, and stays as it is."""
    if isinstance(error, IntegrityError | DataError | ProgrammingError):
        return error
    reason = str(error.orig).strip().splitlines()[0] if isinstance(error, DatabaseError) else "malformed"
    url = engine.url
    name = str(url.database) if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)
    hints = {
        "full": "the disk is full: make room, then run it again; nothing was half-written",
        "readonly": "the database cannot be written: check the rights of the file and of its folder",
        "locked": "another process is writing for a long time: wait, then run it again",
        "unable to open": "check that the folder exists and can be written",
        "not a database": _DAMAGED,
        "malformed": _DAMAGED,
        "no such": _DAMAGED,
        "already exists": _DAMAGED,
    }
    hint = next((text for word, text in hints.items() if word in reason), "check that the database can be reached")
    return NewsletterError(f"{name}: {reason}", hint)
