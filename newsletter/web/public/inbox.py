"""Events on their way into the database: many requests, one commit; acknowledged only when it is on the disk.

One thread writes. While it waits for the disk the next events gather, so that a thousand of them a second cost a few
dozen commits. A `kill -9` loses none that was acknowledged, and the provider repeats the others.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

from newsletter.delivery.events import PAGE, apply_events, retry_waiting, store_events
from newsletter.delivery.protocol import Event
from newsletter.store.database import Store

SECONDS = 8.0  # how long a request waits to be stored; AutoSend gives up after ten
_RETRY_EVERY = 15.0  # seconds between two looks at events whose batch was not settled


_Item = tuple[str, Event, Future[None]]  # whose it is


@dataclass
class Inbox:
    """Stores what is put in, and applies it after."""

    store: Store
    source: str
    soft_bounces: int
    now: Callable[[], datetime]
    say: Callable[[str], None] = lambda _: None
    _waiting: queue.SimpleQueue[_Item | None] = field(default_factory=queue.SimpleQueue)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to write, and to apply what an earlier process left."""
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what was put in, then end."""
        if self._thread:
            self._waiting.put(None)
            self._thread.join()

    def put(self, event: Event, source: str = "") -> Future[None]:
        """Store an event of `source` (else the inbox's): done when it is on the disk, or with what kept it off."""
        done: Future[None] = Future()
        self._waiting.put((source or self.source, event, done))
        return done

    def _run(self) -> None:
        looked = 0.0
        stopping = False
        while not stopping:
            group, stopping = self._gather()
            if group:
                self._store(group)
            try:
                if monotonic() - looked > _RETRY_EVERY:
                    looked = monotonic()
                    with self.store.transaction() as connection:
                        retry_waiting(connection)
                self._apply()
            except Exception as error:
                self.say(f"events: {type(error).__name__}: {error}")

    def _gather(self) -> tuple[list[_Item], bool]:
        """What came in, after waiting for it a second at most; and whether to stop."""
        group: list[_Item] = []
        try:
            item = self._waiting.get(timeout=1.0)
            while item is not None:
                group.append(item)
                if len(group) >= PAGE:
                    return group, False
                item = self._waiting.get_nowait()
        except queue.Empty:
            return group, False
        return group, True

    def _store(self, group: list[_Item]) -> None:
        try:
            with self.store.transaction() as connection:
                for source in dict.fromkeys(source for source, _, _ in group):
                    told = [event for whose, event, _ in group if whose == source]
                    store_events(connection, source, told, self.now())
        except Exception as error:
            for _, _, done in group:
                if not done.cancelled():
                    done.set_exception(error)
            return
        for _, _, done in group:
            if not done.cancelled():
                done.set_result(None)

    def _apply(self) -> None:
        """Apply what is stored while nothing new waits."""
        while True:
            with self.store.transaction() as connection:
                count = apply_events(connection, self.now(), self.soft_bounces)
            if count < PAGE or not self._waiting.empty():
                return
