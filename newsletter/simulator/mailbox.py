"""Every accepted email, kept in `accepted.ndjson`: on disk before the answer leaves, read back after a restart."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from newsletter.errors import NewsletterError


class Mailbox:
    """The accepted emails of one folder. Of each only its place in the file is in memory."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "accepted.ndjson"
        self._lock = threading.Lock()
        self._places: list[tuple[int, int]] = []
        self._ids: dict[str, int] = {}
        self._answers: dict[str, tuple[str, dict[str, Any]]] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a+b")
        except OSError as error:
            raise NewsletterError(f"{folder}: cannot be written: {error.strerror}", "name another --data DIR") from None
        self._read_back()

    def __len__(self) -> int:
        return len(self._places)

    def answer_to(self, key: str) -> tuple[str, dict[str, Any]] | None:
        """Digest of the body and answer that an idempotency key stands for, if it was used."""
        return self._answers.get(key)

    def take(self, emails: Sequence[dict[str, Any]], key: str, digest: str, answer: dict[str, Any]) -> None:
        """Write the emails of one call, whole or not at all. Raises OSError on a full disk; then nothing was taken."""
        call = {"idempotencyKey": key, "bodyDigest": digest, "answer": answer, "callSize": len(emails)}
        rows = [email | (call if number == 0 else {}) for number, email in enumerate(emails)]
        lines = [(json.dumps(row, ensure_ascii=False) + "\n").encode() for row in rows]
        with self._lock:
            start = self._file.seek(0, os.SEEK_END)
            try:
                self._file.write(b"".join(lines))
                self._file.flush()
                os.fsync(self._file.fileno())
            except OSError:
                self._file.truncate(start)
                raise
            for row, line in zip(rows, lines, strict=True):
                self._remember(row, start, len(line))
                start += len(line)

    def email(self, number: int) -> dict[str, Any]:
        """The email of that number, from 0 in the order of arrival."""
        start, length = self._places[number]
        with self.path.open("rb") as file:
            file.seek(start)
            email: dict[str, Any] = json.loads(file.read(length))
            return email

    def find(self, email_id: str) -> int | None:
        """The number of the email with that id."""
        return self._ids.get(email_id)

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def _remember(self, row: dict[str, Any], start: int, length: int) -> None:
        self._ids[row["emailId"]] = len(self._places)
        self._places.append((start, length))
        if row.get("idempotencyKey"):
            self._answers[row["idempotencyKey"]] = (row["bodyDigest"], row["answer"])

    def _read_back(self) -> None:
        """Take up the emails of an earlier run; a call that a crash cut short was never answered and is dropped."""
        self._file.seek(0)
        start, call = 0, list[tuple[dict[str, Any], int]]()
        for line in self._file:
            call.append((json.loads(line) if line.endswith(b"\n") else {}, len(line)))
            if len(call) == call[0][0].get("callSize") and call[-1][0]:
                for row, length in call:
                    self._remember(row, start, length)
                    start += length
                call = []
        self._file.truncate(start)
