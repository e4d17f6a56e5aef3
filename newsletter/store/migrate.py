"""Bring a database to this program's schema, whole or not at all."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine, inspect, text

from newsletter.errors import NewsletterError

HEAD = "0010"  # the newest of migrations/versions; written here, so that a database that has it costs no Alembic


class Upgrade(NamedTuple):
    """From which schema to which; `kept` is the copy that was taken before."""

    before: str
    after: str
    kept: Path | None = None

    @property
    def changed(self) -> bool:
        """Whether there was anything to do."""
        return self.before != self.after


def upgrade(engine: Engine) -> Upgrade:
    """Run the migrations that the database has not seen, in one transaction; an SQLite database is copied before.

    Raises NewsletterError where the database was written by a newer program.
    """
    current = revision(engine)
    if current == HEAD:
        return Upgrade(current, HEAD)
    from alembic import command  # noqa: PLC0415 - 145 ms
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current and current not in known:
        raise NewsletterError(
            f"the database has schema {current}, which this program does not know: a newer one wrote it",
            "install the newer version of newsletter again",
        )
    kept = _keep(engine, current) if current and engine.dialect.name == "sqlite" else None
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return Upgrade(current, HEAD, kept)


def _keep(engine: Engine, revision: str) -> Path:
    """A copy of the database as it is, in `backups/` beside it; an older copy of the same schema is replaced."""
    folder = Path(engine.url.database or "").parent / "backups"
    file = folder / f"schema-{revision}-{datetime.now(UTC):%Y%m%dT%H%M%S}Z.db"
    source = engine.raw_connection()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.touch(0o600)
        with closing(sqlite3.connect(file)) as target:
            assert isinstance(source.driver_connection, sqlite3.Connection)  # noqa: S101 - the dialect says so
            source.driver_connection.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")
    except OSError as error:
        raise NewsletterError(
            f"{file}: no copy can be made before the upgrade: {error.strerror}", "check rights and the disk's room"
        ) from None
    finally:
        source.close()
    return file


def revision(engine: Engine) -> str:
    """The migration that the database had last; empty for a new one."""
    with engine.connect().execution_options(reading=True) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return ""
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or ""
