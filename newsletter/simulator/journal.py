"""JSON lines that survive the simulator: appended whole or not at all, and on disk before the call returns."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from newsletter.errors import NewsletterError


class FolderInUseError(NewsletterError):
    """Another simulator keeps its mails in this folder."""


class Place(NamedTuple):
    """Where a row stands in the file, in bytes."""

    start: int
    length: int


class Journal:
    """One file of JSON lines. Raises NewsletterError where it cannot be opened for writing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise NewsletterError(
                f"{path.parent}: cannot be written: {error.strerror}", "name another --data DIR"
            ) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise FolderInUseError(
                f"{path.parent}: another simulator uses this folder", "stop that one, or name another --data DIR"
            ) from None

    def append(self, rows: Sequence[dict[str, Any]]) -> list[Place]:
        """Write the rows at the end. Raises OSError on a full disk; then none of them is in the file."""
        lines = [_line(row) for row in rows]
        with self._lock:
            start = os.lseek(self._file, 0, os.SEEK_END)
            try:
                _write_all(self._file, b"".join(lines))
                os.fsync(self._file)
            except OSError:
                os.ftruncate(self._file, start)
                raise
        places = []
        for line in lines:
            places.append(Place(start, len(line)))
            start += len(line)
        return places

    def rows(self) -> Iterator[tuple[Place, dict[str, Any]]]:
        """All whole rows from the start; a last line that a crash cut short is left out.

        Raises NewsletterError where a line is no JSON object: then the file was not written here.
        """
        with self.path.open("rb") as file:
            start = 0
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    return
                try:
                    row = json.loads(line)
                except ValueError:
                    row = None
                if not isinstance(row, dict):
                    raise NewsletterError(
                        f"{self.path}:{number}: this line is not the simulator's", "name another --data DIR"
                    )
                yield Place(start, len(line)), row
                start += len(line)

    def read(self, place: Place) -> dict[str, Any]:
        """The row at `place`."""
        row: dict[str, Any] = json.loads(os.pread(self._file, place.length, place.start))
        return row

    def cut(self, size: int) -> None:
        """Forget everything after the first `size` bytes."""
        os.ftruncate(self._file, size)

    def close(self) -> None:
        """Give the file back."""
        os.close(self._file)


def _line(row: dict[str, Any]) -> bytes:
    try:
        return (json.dumps(row, ensure_ascii=False) + "\n").encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can hold and UTF-8 cannot
        return (json.dumps(row) + "\n").encode()


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
