"""Every accepted email, kept in `accepted.ndjson`: on disk before the answer leaves, read back after a restart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from newsletter.simulator.journal import Journal, Place


class Mailbox:
    """The accepted emails of one folder. Of each only its place in the file is in memory."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "accepted.ndjson"
        self._journal = Journal(self.path)
        self._places: list[Place] = []
        self._ids: dict[str, int] = {}
        self._answers: dict[str, tuple[str, dict[str, Any]]] = {}
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
        for row, place in zip(rows, self._journal.append(rows), strict=True):
            self._remember(row, place)

    def email(self, number: int) -> dict[str, Any]:
        """The email of that number, from 0 in the order of arrival."""
        return self._journal.read(self._places[number])

    def find(self, email_id: str) -> int | None:
        """The number of the email with that id."""
        return self._ids.get(email_id)

    def close(self) -> None:
        """Give the file back."""
        self._journal.close()

    def _remember(self, row: dict[str, Any], place: Place) -> None:
        self._ids[row["emailId"]] = len(self._places)
        self._places.append(place)
        if row.get("idempotencyKey"):
            self._answers[row["idempotencyKey"]] = (row["bodyDigest"], row["answer"])

    def _read_back(self) -> None:
        """Take up the emails of an earlier run; a call that a crash cut short was never answered and is dropped."""
        end, call = 0, list[tuple[dict[str, Any], Place]]()
        for place, row in self._journal.rows():
            call.append((row, place))
            if len(call) == call[0][0].get("callSize"):
                for taken in call:
                    self._remember(*taken)
                end, call = place.start + place.length, []
        self._journal.cut(end)
