"""Ctrl-C and SIGTERM: finish the call in flight, leave the ledger in order, end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType


@dataclass
class Stop:
    """Whether somebody wants the program to end; `interrupted` tells Ctrl-C from SIGTERM."""

    event: threading.Event = field(default_factory=threading.Event)
    interrupted: bool = False

    def wanted(self) -> bool:
        """Asked between calls."""
        return self.event.is_set()


@contextmanager
def stop_on_signals(say: Callable[[str], None]) -> Iterator[Stop]:
    """Turn the first Ctrl-C or SIGTERM into a wish to stop; a second Ctrl-C interrupts at once."""
    stop = Stop()

    def handle(number: int, _frame: FrameType | None) -> None:
        if stop.event.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.interrupted = stop.interrupted or number == signal.SIGINT
        stop.event.set()
        say("stopping when the call in flight has its answer (Ctrl-C again: at once)")

    if threading.current_thread() is not threading.main_thread():  # only the main thread is sent signals
        yield stop
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
