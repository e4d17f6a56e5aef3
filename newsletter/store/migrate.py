"""Bring a database to this program's schema, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, inspect, text

from newsletter.errors import NewsletterError

HEAD = "0009"  # the newest of migrations/versions; written here, so that a database that has it costs no Alembic


def upgrade(engine: Engine) -> None:
    """Run the migrations that the database has not seen, in one transaction.

    Raises NewsletterError where the database was written by a newer program.
    """
    current = revision(engine)
    if current == HEAD:
        return
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
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def revision(engine: Engine) -> str:
    """The migration that the database had last; empty for a new one."""
    with engine.connect().execution_options(reading=True) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return ""
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or ""
