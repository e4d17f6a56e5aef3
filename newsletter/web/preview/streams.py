"""News for the pages: server-sent events (HTML Standard, section 9.2), closed at once when the preview ends."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field

_HEARTBEAT = 15.0  # seconds; a page that hears nothing for twice as long opens the stream again
_WAITING = 64  # events that a page may be behind; it only needs the last


@dataclass
class Streams:
    """All open streams, used from the event loop's thread only. `start` names this run, so that old pages load anew."""

    start: str = field(default_factory=lambda: secrets.token_hex(8))
    _queues: set[asyncio.Queue[str | None]] = field(default_factory=set)
    _closed: bool = False

    def __len__(self) -> int:
        return len(self._queues)

    def tell(self, version: int, changed: Iterable[str]) -> None:
        """Something changed: `changed` are the names of files, empty for what concerns every issue."""
        line = self._event(version, changed)
        for queue in self._queues:
            if queue.qsize() < _WAITING:
                queue.put_nowait(line)

    def close(self) -> None:
        """End every stream, and all that come."""
        self._closed = True
        for queue in self._queues:
            queue.put_nowait(None)

    async def listen(self, version: int) -> AsyncIterator[str]:
        """One page's stream: where things stand, then each change; a comment now and then, so that it stays open."""
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._queues.add(queue)
        try:
            yield "retry: 500\n" + self._event(version, ())
            while not self._closed:
                try:
                    line = await asyncio.wait_for(queue.get(), _HEARTBEAT)
                except TimeoutError:
                    line = "event: beat\ndata: {}\n\n"
                if line is None:
                    return
                yield line
        finally:
            self._queues.discard(queue)

    def _event(self, version: int, changed: Iterable[str]) -> str:
        data = {"start": self.start, "version": version, "changed": sorted(changed)}
        return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"
