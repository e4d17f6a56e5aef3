"""Calls under way: some threads that make them, or nobody but the caller. None of them touches the database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")
A = TypeVar("A")


class Crew(Generic[T, A]):
    """Makes `call(task)` for each task it is given, `size` at a time, and hands back (task, answer or exception).

    With a size of 1 the call is made at once by who gives the task, so that Ctrl-C interrupts the call itself.
    """

    def __init__(self, size: int, call: Callable[[T], A]) -> None:
        self.under_way: list[T] = []
        self._call = call
        self._tasks = SimpleQueue[T | None]()
        self._answers = SimpleQueue[tuple[T, A | BaseException]]()
        # Daemons: a second Ctrl-C ends the program without waiting for a provider that does not answer.
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(size if size > 1 else 0)]
        for thread in self._threads:
            thread.start()

    def give(self, task: T) -> None:
        """Have a call made."""
        self.under_way.append(task)
        if self._threads:
            self._tasks.put(task)
        else:
            self._make(task)

    def answers(self, seconds: float) -> list[tuple[T, A | BaseException]]:
        """All answers that have come; if there is none, the first that comes within so many seconds."""
        found = []
        try:
            found.append(self._answers.get(timeout=seconds))
            while True:
                found.append(self._answers.get_nowait())
        except Empty:
            pass
        for task, _ in found:
            self.under_way.remove(task)
        return found

    def close(self) -> None:
        """Let the threads end, each after the call that it makes."""
        for _ in self._threads:
            self._tasks.put(None)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            self._make(task)

    def _make(self, task: T) -> None:
        try:
            answer: A | BaseException = self._call(task)
        except BaseException as error:  # handed to the caller, who raises it
            answer = error
        self._answers.put((task, answer))
