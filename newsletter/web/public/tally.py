"""Clicks and opens on their way into the database, behind the page's back: a redirect waits for nothing.

What was not written when the process is killed is lost, and that is all right: it is a measurement.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from sqlalchemy import select

from newsletter.audience.measuring import Look, store_looks
from newsletter.render.measuring import Targets, targets_of
from newsletter.schedule.queue import read_edition
from newsletter.store.database import Store
from newsletter.store.tables import broadcasts
from newsletter.web.public.limits import Limit

_EVERY = 1.0  # seconds
_MOST = 20_000  # that wait; beyond, the oldest are dropped
_PAGE = 500  # written in one transaction


@dataclass
class Tally:
    """Writes what it is told in groups, and knows where the measured links of a broadcast lead."""

    store: Store
    say: Callable[[str], None] = lambda _: None
    _waiting: deque[Look] = field(default_factory=lambda: deque(maxlen=_MOST))
    _often: Limit = field(default_factory=lambda: Limit(30, 1 / 10))
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __post_init__(self) -> None:
        self._targets = lru_cache(maxsize=64)(self._read_targets)

    def start(self) -> None:
        """Begin to write."""
        self._thread = threading.Thread(target=self._run, name="tally", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what was told, then end."""
        self._stopping.set()
        if self._thread:
            self._thread.join()

    def put(self, look: Look) -> None:
        """Count a click or an open; not one of very many of the same reader."""
        if not self._often.wait(f"{look.broadcast_id}.{look.subscriber_id}"):
            self._waiting.append(look)

    def targets(self, broadcast_id: int) -> Targets:
        """Where the links of a broadcast lead; nowhere if there is no such broadcast."""
        return self._targets(broadcast_id)

    def write(self) -> None:
        """Write what waits."""
        while self._waiting:
            page = [self._waiting.popleft() for _ in range(min(_PAGE, len(self._waiting)))]
            with self.store.transaction() as connection:
                store_looks(connection, page)

    def _read_targets(self, broadcast_id: int) -> Targets:
        with self.store.reading() as connection:
            query = select(broadcasts.c.digest).where(broadcasts.c.id == broadcast_id)
            digest = connection.execute(query).scalar()
            return targets_of(read_edition(connection, digest)["html"] if digest else "")

    def _run(self) -> None:
        while not self._stopping.wait(_EVERY):
            self._try()
        self._try()

    def _try(self) -> None:
        try:
            self.write()
        except Exception as error:
            self.say(f"clicks and opens: {type(error).__name__}: {error}")
