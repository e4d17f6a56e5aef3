"""Databases of every earlier schema, with rows in all tables, become what a new one is, and can be sent from.

Nothing here names a migration: one that is added is tested by being there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Connection,
    DateTime,
    Float,
    Integer,
    MetaData,
    Table,
    create_engine,
    func,
    inspect,
    select,
)
from sqlalchemy.dialects import postgresql

from newsletter.clock import SystemClock
from newsletter.config import DeliveryConfig
from newsletter.delivery.broadcaster import Broadcaster
from newsletter.delivery.job import Job
from newsletter.delivery.planning import create_broadcast
from newsletter.delivery.protocol import Message
from newsletter.providers.outbox import Outbox
from newsletter.store import migrate
from newsletter.store.database import Store, open_store, upgrade_store
from newsletter.store.tables import deliveries, metadata

FOLDER = Path(migrate.__file__).parent / "migrations"
REVISIONS = [script.revision for script in ScriptDirectory(str(FOLDER)).walk_revisions()][::-1]
NOW = datetime(2026, 11, 24, 8)
EACH = [REVISIONS[0], *(pytest.param(revision, marks=pytest.mark.slow) for revision in REVISIONS[1:])]


def config_of(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    return config


@dataclass
class Old:
    """A database as an earlier program left it: where it is, and how many rows each table has."""

    url: str
    state: Path
    rows: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        url = self.url.replace("postgresql://", "postgresql+psycopg://") or f"sqlite:///{self.state / 'newsletter.db'}"
        engine = create_engine(url)
        with engine.begin() as connection:
            yield connection
        engine.dispose()


def old_database(state: Path, url: str, revision: str) -> Old:
    """Every table of that schema with some rows, as far as they are made up from the columns alone."""
    state.mkdir(exist_ok=True)
    old = Old(url, state)
    with old.connection() as connection:
        command.upgrade(config_of(connection), revision)
        tables = MetaData()
        tables.reflect(connection)
        for table in tables.sorted_tables:
            if table.name != "alembic_version":
                _fill(connection, table)
                count = connection.execute(select(func.count()).select_from(table)).scalar_one()
                old.rows[table.name] = count
    return old


def _fill(connection: Connection, table: Table) -> None:
    """Three rows, or fewer where a key would be there twice. Numbers that the database gives are its own to give."""
    allowed, keys = _allowed(table), list(table.primary_key.columns)
    given = keys if len(keys) == 1 and isinstance(keys[0].type, Integer) and not keys[0].foreign_keys else []
    for number in range(1, 4):
        row = {c.name: _value(connection, c, number, allowed) for c in table.columns if c not in given}
        known = [key == row[key.name] for key in keys if key not in given]
        if given or not connection.execute(select(table).where(*known)).first():
            connection.execute(table.insert(), row)


def _allowed(table: Table) -> dict[str, list[str]]:
    """The words that a column may hold, out of the checks of the table."""
    found = {}
    for check in table.constraints:
        if isinstance(check, CheckConstraint):
            words = str(check.sqltext).replace("::character varying", "").split("'")[1::2]
            name = str(check.sqltext).strip("(").split()[0].strip('("').partition(")")[0].partition("::")[0]
            found[name] = words
    return found


def _value(connection: Connection, column: Any, number: int, allowed: dict[str, list[str]]) -> Any:
    if column.name in allowed:
        return _settled(allowed[column.name])
    for key in column.foreign_keys:
        return connection.execute(select(key.column).order_by(key.column).offset(number - 1).limit(1)).scalar_one()
    match column.type:
        case Boolean():
            value: Any = False
        case JSON() | postgresql.JSON():
            value = {}
        case DateTime():
            value = NOW.replace(minute=number)
        case Integer():
            value = number
        case Float():
            value = 1.0
        case kind if column.name != "content":
            value = f"{column.name[:4]}-{number}" if (kind.length or 99) > 10 else str(number)
        case _:
            value = json.dumps({"subject": "A word"})
    return value


def _settled(words: list[str]) -> str:
    """A state in which nothing is left to do, so that the rows are no broadcast to go on with."""
    return next(
        (word for word in ("sent", "accepted", "active", "applied", "taken", "told") if word in words), words[0]
    )


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest) -> str:
    return "" if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


def shape(connection: Connection) -> dict[str, Any]:
    """Tables with their columns, keys, indexes and checks, so that two databases can be held against each other."""
    look, found = inspect(connection), dict[str, Any]()
    for table in sorted(look.get_table_names()):
        columns = [
            (column["name"], str(column["type"]), column["nullable"], str(column["default"]))
            for column in look.get_columns(table)
        ]
        indexes = [(index["name"], tuple(index["column_names"]), index["unique"]) for index in look.get_indexes(table)]
        uniques = [(unique["name"], tuple(unique["column_names"])) for unique in look.get_unique_constraints(table)]
        foreign = [
            (tuple(key["constrained_columns"]), key["referred_table"], str(key["options"]))
            for key in look.get_foreign_keys(table)
        ]
        checks = [(check["name"], str(check["sqltext"])) for check in look.get_check_constraints(table)]
        found[table] = {
            "columns": sorted(columns),
            "key": tuple(look.get_pk_constraint(table)["constrained_columns"]),
            "indexes": sorted(indexes, key=str),
            "uniques": sorted(uniques, key=str),
            "foreign": sorted(foreign),
            "checks": sorted(checks, key=str),
        }
    return found


@pytest.mark.parametrize("revision", EACH)
def test_an_old_database_becomes_what_a_new_one_is_and_keeps_its_rows(tmp_path: Path, url: str, revision: str) -> None:
    old = old_database(tmp_path / "old", url, revision)
    done = upgrade_store(url, old.state)
    assert (done.before, done.after, done.changed) == (revision, migrate.HEAD, revision != migrate.HEAD)
    with old.connection() as connection:
        upgraded = shape(connection)
        kept = {
            name: connection.execute(select(func.count()).select_from(Table(name, MetaData()))).scalar_one()
            for name in old.rows
        }
    assert kept == old.rows
    assert sum(old.rows.values()) >= 2 * len(old.rows)
    if url:
        # In this server there is one database for each test: the new one is made in the place of the old one.
        with old.connection() as connection:
            everything = MetaData()
            everything.reflect(connection)
            everything.drop_all(connection)
    new = Old(url, tmp_path / "new")
    open_store(url, new.state).close()
    with new.connection() as connection:
        assert upgraded == shape(connection)


@pytest.mark.parametrize("revision", EACH)
def test_a_broadcast_goes_out_in_a_database_that_was_old(tmp_path: Path, url: str, revision: str) -> None:
    old = old_database(tmp_path / "old", url, revision)
    store = open_store(url, old.state)
    assert send(store, tmp_path / "outbox") == 3
    store.close()
    assert len(list((tmp_path / "outbox").glob("*/*.eml"))) == 3


def send(store: Store, folder: Path) -> int:
    """Post a made-up broadcast to the three readers of an old database; how many have it by the ledger."""
    provider = Outbox(folder)
    message = Message("Test <test@test.example>", "A word", "<p>Hello</p>", "Hello")
    with store.transaction() as connection:
        for table in (metadata.tables["suppressions"], metadata.tables["switches"], metadata.tables["restores"]):
            connection.execute(table.delete())  # the made-up rows bar everybody
        readers = metadata.tables["subscribers"]
        address = {"email": readers.c.email_key.concat("@reader.example"), "paused_until": None, "every_days": None}
        connection.execute(readers.update().values(address))
        digest = connection.execute(select(metadata.tables["editions"].c.digest).limit(1)).scalar_one()
        number = create_broadcast(
            connection, slug="new", digest=digest, segment="", provider="outbox", now=datetime.now(UTC), slot=None
        )
    job = Job(digest, provider.prepare(message), lambda _: {})
    Broadcaster(store, provider, DeliveryConfig(), SystemClock()).run(number, job)
    with store.reading() as connection:
        here = (deliveries.c.broadcast_id == number) & (deliveries.c.state == "accepted")
        return connection.execute(select(func.count()).where(here)).scalar_one()


def test_a_copy_is_kept_of_an_sqlite_database_before_its_schema_changes(tmp_path: Path) -> None:
    old = old_database(tmp_path, "", REVISIONS[0])
    done = upgrade_store("", tmp_path)
    assert done.kept
    assert done.kept.stat().st_mode & 0o077 == 0
    engine = create_engine(f"sqlite:///{done.kept}")
    with engine.connect() as connection:
        assert migrate._revision(engine) == REVISIONS[0]
        assert connection.execute(select(func.count()).select_from(Table("subscribers", MetaData()))).scalar_one() == 3
    engine.dispose()
    assert upgrade_store("", tmp_path).kept is None
    assert old.rows["subscribers"] == 3


def test_an_upgrade_that_fails_leaves_the_database_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = old_database(tmp_path, "", REVISIONS[0])
    with old.connection() as connection:
        connection.exec_driver_sql("CREATE TABLE doubts (x)")  # in the way of a later migration
        before = shape(connection)
    with pytest.raises(Exception, match="doubts"):
        upgrade_store("", tmp_path)
    with old.connection() as connection:
        assert shape(connection) == before
