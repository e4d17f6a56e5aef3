"""Bring a database to this program's schema, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from newsletter.errors import NewsletterError


def upgrade(engine: Engine) -> None:
    """Run the migrations that the database has not seen, in one transaction.

    Raises NewsletterError where the database was written by a newer program.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    head = scripts.get_current_head()
    with engine.connect().execution_options(reading=True) as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current == head:
        return
    known = {script.revision for script in scripts.walk_revisions()}
    if current is not None and current not in known:
        raise NewsletterError(
            f"the database has schema {current}, which this program does not know: a newer one wrote it",
            "install the newer version of newsletter again",
        )
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
