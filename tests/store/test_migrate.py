"""The migrations and the tables say the same."""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from newsletter.errors import NewsletterError
from newsletter.schedule.queue import approved
from newsletter.store import migrate
from newsletter.store.database import open_store
from newsletter.store.tables import metadata


def test_the_migrations_build_exactly_the_tables(tmp_path: Path) -> None:
    store = open_store("", tmp_path)
    with store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        differences = compare_metadata(context, metadata)
    store.close()
    assert differences == []


def test_the_newest_migration_is_the_one_that_the_program_expects() -> None:
    assert ScriptDirectory(str(Path(migrate.__file__).parent / "migrations")).get_current_head() == migrate.HEAD


def test_a_database_that_is_up_to_date_is_opened_without_alembic(tmp_path: Path) -> None:
    open_store("", tmp_path).close()
    script = "import sys, pathlib; from newsletter.store.database import open_store; "
    script += f"open_store('', pathlib.Path({str(tmp_path)!r})).close(); print('alembic' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "False\n"
    )


def test_a_database_of_a_newer_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    store = open_store("", tmp_path)
    with store.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    with pytest.raises(NewsletterError, match="a newer one wrote it"):
        open_store("", tmp_path)


def test_opening_twice_changes_nothing(tmp_path: Path) -> None:
    open_store("", tmp_path).close()
    before = (tmp_path / "newsletter.db").read_bytes()
    open_store("", tmp_path).close()
    assert (tmp_path / "newsletter.db").read_bytes() == before


def test_a_queue_of_the_first_schema_is_kept(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'newsletter.db'}")
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(text("INSERT INTO editions VALUES ('d', 'a', '{}', '2026-11-24 08:00:00')"))
        row = "'a', 'd', 's', 1, 0, '', '', '', '2026-11-24 08:00:00', 'ada', '[]'"
        connection.execute(text(f"INSERT INTO queue VALUES ({row})"))
    engine.dispose()
    store = open_store("", tmp_path)
    with store.reading() as connection:
        (issue,) = approved(connection)
    store.close()
    assert (issue.slug, issue.number, issue.moved, issue.relation) == ("a", None, False, "")
