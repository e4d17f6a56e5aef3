"""Opening the database only to look: no schema is made or changed, and no file comes, goes or changes."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from newsletter.errors import NewsletterError
from newsletter.store.database import Store, begin_sqlite, explain, url_of
from newsletter.store.migrate import HEAD, revision


def open_to_look(database_url: str, state: Path) -> Store | None:
    """The database as it is; None where there is none yet.

    Raises NewsletterError where its schema is not this program's: bringing it there would be writing.
    """
    url = url_of(database_url, state)
    if url.get_backend_name() == "sqlite":
        if not Path(url.database or "").is_file():
            return None
        store = Store(create_engine(url, creator=lambda: _connect(url), poolclass=NullPool))
        event.listen(store.engine, "begin", begin_sqlite)
    else:
        store = Store(create_engine(url, connect_args={"options": "-c default_transaction_read_only=on"}))
    try:
        found = revision(store.engine)
    except (DatabaseError, UnicodeDecodeError) as error:
        store.close()
        raise explain(error, store.engine) from error
    if found != HEAD:
        store.close()
        if not found:
            return None
        older = "older than" if found < HEAD else "newer than"
        todo = "start it once without --read-only" if found < HEAD else "install the newer version of newsletter"
        raise NewsletterError(
            f"the database has schema {found}, {older} this program's {HEAD}, and nothing may be written", todo
        )
    return store


def _connect(url: URL) -> Any:
    """A connection that leaves no trace.

    While somebody writes there is a `-wal` file beside the database, and SQLite needs it. Where there is none,
    SQLite would make one even to read; `immutable` keeps it from that (sqlite.org/uri.html). Connections are short,
    so the next one sees a writer that came meanwhile.
    """
    file = Path(url.database or "").absolute()
    writer = file.with_name(f"{file.name}-wal").exists()
    return sqlite3.connect(f"{file.as_uri()}?{'mode=ro' if writer else 'immutable=1'}", uri=True, isolation_level=None)
