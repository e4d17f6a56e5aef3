"""The worklist on Procrastinate: its tables, in a PostgreSQL schema of our own beside the ledger.

Nothing in them is worth keeping: whatever is lost there, `handover.tend` writes anew from the ledger. So a schema that
another version of Procrastinate made is not migrated but made again, when no worker is alive to mind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, text

from newsletter.errors import ConfigError, SafetyError
from newsletter.store.database import Store

if TYPE_CHECKING:
    from procrastinate import App

SCHEMA = "newsletter_jobs"
QUEUE = "newsletter"
TASK = "newsletter.batch"
ALIVE, REPORTS = 20, 5  # seconds; a worker that was not heard of for so long is dead; it reports so often
_INSTALL = "pip install 'newsletter[workers]'"
_WAITING = text(
    f"SELECT (args->>'number')::int FROM {SCHEMA}.procrastinate_jobs "  # noqa: S608 - our own names
    "WHERE task_name = :task AND (args->>'broadcast')::int = :broadcast AND status IN ('todo', 'doing')"
).bindparams(bindparam("task", TASK))
_WORKERS = text(
    f"SELECT count(*) FROM {SCHEMA}.procrastinate_workers "  # noqa: S608
    f"WHERE last_heartbeat > now() - interval '{ALIVE} seconds'"
)


@dataclass(frozen=True)
class JobTable:
    """What `handover` asks of a worklist, and how many workers there are."""

    app: App

    def add(self, connection: Connection, broadcast_id: int, numbers: Sequence[int]) -> None:
        """Write jobs for these batches, on the caller's transaction."""
        if not numbers:
            return
        driver = connection.connection.driver_connection
        with _among_the_jobs(connection):
            deferrer = self.app.configure_task(TASK, queue=QUEUE, connection=driver)
            words: list[dict[str, Any]] = [{"broadcast": broadcast_id, "number": number} for number in numbers]
            deferrer.batch_defer(*words)

    def waiting(self, connection: Connection, broadcast_id: int) -> set[int]:
        """The batches about which there is a job that has not ended."""
        return set(connection.execute(_WAITING, {"broadcast": broadcast_id}).scalars())

    def workers(self, connection: Connection) -> int:
        """How many workers were heard of in the last seconds."""
        return int(connection.execute(_WORKERS).scalar_one())


def open_worklist(store: Store) -> JobTable:
    """The worklist in the database of `store`, made there if it is not.

    Raises ConfigError where the database is SQLite or Procrastinate is not installed, SafetyError where workers of
    another version of it are at work.
    """
    if store.engine.dialect.name != "postgresql":
        raise ConfigError(
            "workers need PostgreSQL: SQLite has one writer at a time, on one machine",
            '[storage] database_url = "postgresql://…", or [delivery] workers = false',
        )
    try:
        from procrastinate import App, SyncPsycopgConnector  # noqa: PLC0415 - 120 ms, and an extra
    except ModuleNotFoundError:
        raise ConfigError("[delivery] workers needs Procrastinate, which is not installed", _INSTALL) from None
    app = App(connector=SyncPsycopgConnector())  # never opened: it is given our connections
    with store.transaction() as connection:
        _make(connection, app.schema_manager.get_schema())
    return JobTable(app)


def _make(connection: Connection, schema: str) -> None:
    """Make the tables, where they are not there or are those of another version."""
    mark = hashlib.sha256(schema.encode()).hexdigest()[:16]
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": SCHEMA})
    found = text("SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = :name")
    known: Any = connection.execute(found, {"name": SCHEMA}).first()
    if known and known[0] == mark:
        return
    if known:
        if alive := int(connection.execute(_WORKERS).scalar_one()):
            raise SafetyError(
                f"{alive} workers with another version of Procrastinate are at work", "end them, then start this again"
            )
        connection.exec_driver_sql(f"DROP SCHEMA {SCHEMA} CASCADE")
    connection.exec_driver_sql(f"CREATE SCHEMA {SCHEMA}")
    with _among_the_jobs(connection):
        cursor = connection.connection.cursor()
        cursor.execute(schema)  # without parameters, so that its percent signs are what they are
        cursor.close()
    connection.exec_driver_sql(f"COMMENT ON SCHEMA {SCHEMA} IS '{mark}'")


@contextmanager
def _among_the_jobs(connection: Connection) -> Iterator[None]:
    """Let names without a schema be Procrastinate's, until the end of the `with` or of the transaction."""
    before = connection.execute(text("SELECT current_setting('search_path')")).scalar_one()
    change = text("SELECT set_config('search_path', :path, true)")
    connection.execute(change, {"path": f"{SCHEMA}, {before}"})
    yield
    connection.execute(change, {"path": before})
