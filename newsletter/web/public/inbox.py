"""Events on their way into the database: many requests, one commit; acknowledged only when it is on the disk.

One thread writes. While it waits for the disk the next events gather, so that a thousand of them a second cost a few
dozen commits. A `kill -9` loses none that was acknowledged, and the provider repeats the others.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

from newsletter.delivery.events import PAGE, apply_events, retry_waiting, store_events
from newsletter.delivery.protocol import Event
from newsletter.store.database import Store

SECONDS = 8.0  # how long a request waits to be stored; AutoSend gives up after ten
_APPLY_EVERY = 1.0  # seconds, while events come without a pause
_RETRY_EVERY = 15.0  # seconds between two looks at events whose batch was not settled


@dataclass(frozen=True)
class _Call:
    """What one request brought: answered in its own event loop."""

    source: str
    told: Sequence[Event]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[None]


@dataclass
class Inbox:
    """Stores what is put in, and applies it after."""

    store: Store
    source: str
    soft_bounces: int
    now: Callable[[], datetime]
    say: Callable[[str], None] = lambda _: None
    _waiting: queue.SimpleQueue[_Call | None] = field(default_factory=queue.SimpleQueue)
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

    async def keep(self, told: Sequence[Event], source: str = "") -> None:
        """Store what one request told of `source` (else the inbox's). It is on the disk when this returns.

        Raises what kept it from being stored, or TimeoutError.
        """
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        self._waiting.put(_Call(source or self.source, told, loop, done))
        await asyncio.wait_for(done, SECONDS)

    def _run(self) -> None:
        looked = applied = 0.0
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
                # Who waits for an answer goes first; but what is stored must not wait for a pause that never comes.
                if stopping or self._waiting.empty() or monotonic() - applied > _APPLY_EVERY:
                    applied = monotonic()
                    self._apply()
            except Exception as error:
                self.say(f"events: {type(error).__name__}: {error}")

    def _gather(self) -> tuple[list[_Call], bool]:
        """What came in, after waiting for it a second at most; and whether to stop."""
        group: list[_Call] = []
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

    def _store(self, group: list[_Call]) -> None:
        error: Exception | None = None
        try:
            with self.store.transaction() as connection:
                for source in dict.fromkeys(call.source for call in group):
                    told = [event for call in group if call.source == source for event in call.told]
                    store_events(connection, source, told, self.now())
        except Exception as found:
            error = found
        for loop in {call.loop for call in group}:
            mine = [call.done for call in group if call.loop is loop]
            with suppress(RuntimeError):  # the loop has ended: nobody waits for the answer
                loop.call_soon_threadsafe(_answer, mine, error)  # one waking for all of them

    def _apply(self) -> None:
        """Apply what is stored while nothing new waits."""
        while True:
            with self.store.transaction() as connection:
                count = apply_events(connection, self.now(), self.soft_bounces)
            if count < PAGE or not self._waiting.empty():
                return


def _answer(waiting: Sequence[asyncio.Future[None]], error: Exception | None) -> None:
    for done in waiting:
        if done.done():  # it waited too long
            continue
        if error:
            done.set_exception(error)
        else:
            done.set_result(None)
