"""Addresses that the provider does not mail: a global list, and groups that one kind of mail belongs to."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import uuid4

from newsletter.simulator.answers import Answer, failure, invalid, success
from newsletter.simulator.api import is_email, listed
from newsletter.simulator.journal import Journal

GLOBAL = "global"
DEFAULT = "default"  # the group of a mail that names none
_PAGE = 100


class Suppressions:
    """The lists of one folder, remembered in `suppressions.ndjson`."""

    def __init__(self, folder: Path) -> None:
        self._journal = Journal(folder / "suppressions.ndjson")
        self._lock = threading.Lock()
        self._groups = {group: _group(group, group.title(), group == GLOBAL) for group in (GLOBAL, DEFAULT)}
        self._entries: dict[tuple[str, str], dict[str, Any]] = {}
        end = 0
        for place, row in self._journal.rows():
            self._apply(row)
            end = place.start + place.length
        self._journal.cut(end)

    def bar(self, email: str, group: str) -> bool:
        """Whether a mail of `group` to `email` is dropped."""
        return any((listed_in, email.lower()) in self._entries for listed_in in (GLOBAL, group or DEFAULT))

    def add(self, emails: Iterable[str], group: str, reason: str) -> int:
        """Put the addresses on a list; how many were not on it yet. Raises OSError on a full disk."""
        wanted = dict.fromkeys(email.lower() for email in emails)
        with self._lock:
            new = [email for email in wanted if (group, email) not in self._entries]
            self._write([{"do": "suppress", "email": email, "group": group, "reason": reason} for email in new])
        return len(new)

    def suppress(self, body: dict[str, Any]) -> Answer:
        """POST /suppression-groups/emails/suppress."""
        if found := _wrong(body):
            return invalid(found)
        group = GLOBAL if body.get("isGlobal") else str(body.get("groupId") or DEFAULT)
        return success({"suppressed": self.add(body["emails"], group, str(body.get("reason") or "unsubscribed"))})

    def unsuppress(self, body: dict[str, Any]) -> Answer:
        """POST /suppression-groups/emails/unsuppress; without a group from all of them."""
        if found := _wrong(body):
            return invalid(found)
        group = GLOBAL if body.get("isGlobal") else body.get("groupId")
        wanted = {email.lower() for email in body["emails"]}
        with self._lock:
            gone = [(g, email) for g, email in self._entries if email in wanted and group in (None, g)]
            self._write([{"do": "unsuppress", "email": email, "group": g} for g, email in gone])
        return success({"unsuppressed": len(gone)})

    def groups(self) -> Answer:
        """GET /suppression-groups."""
        with self._lock:
            counts = [group for group, _ in self._entries]
            rows = [group | {"suppressionCount": counts.count(group["groupId"])} for group in self._groups.values()]
        return success({"groups": rows})

    def create(self, body: dict[str, Any]) -> Answer:
        """POST /suppression-groups."""
        name = body.get("name")
        if not isinstance(name, str) or not 1 <= len(name) <= 200:
            return invalid(listed([("name", "must be 1 to 200 characters")]))
        group = _group(uuid4().hex[:6].upper(), name, is_global=False)
        with self._lock:
            self._write([{"do": "group", **group, "description": str(body.get("description") or "")}])
        return success(self._groups[group["groupId"]])

    def entries(self, body: dict[str, Any]) -> Answer:
        """POST /suppression-groups/entries: a page of one group's entries, or of all."""
        page, limit = body.get("page", 1), body.get("limit", 20)
        if not isinstance(page, int) or page < 1 or not isinstance(limit, int) or not 1 <= limit <= _PAGE:
            return failure(400, f"page is 1 or more, limit 1 to {_PAGE}")
        with self._lock:
            found = [entry for entry in self._entries.values() if body.get("groupId") in (None, entry["groupId"])]
        pagination = {"page": page, "limit": limit, "total": len(found), "pages": -(-len(found) // limit)}
        return success({"entries": found[(page - 1) * limit : page * limit], "pagination": pagination})

    def close(self) -> None:
        """Give the file back."""
        self._journal.close()

    def _write(self, rows: list[dict[str, Any]]) -> None:
        rows = [row | {"at": now()} for row in rows]
        self._journal.append(rows)
        for row in rows:
            self._apply(row)

    def _apply(self, row: dict[str, Any]) -> None:
        if row["do"] == "group":
            self._groups[row["groupId"]] = {name: value for name, value in row.items() if name not in ("do", "at")}
            return
        key = (row["group"], row["email"])
        if row["do"] == "unsuppress":
            self._entries.pop(key, None)
        else:
            entry = {"email": row["email"], "groupId": row["group"], "reason": row["reason"]}
            self._entries[key] = entry | {"createdAt": row["at"], "updatedAt": row["at"]}


def now() -> str:
    """The present moment as the documentation writes moments."""
    seconds, rest = divmod(time.time(), 1)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{int(rest * 1000):03}Z"


def _group(group_id: str, name: str, is_global: bool) -> dict[str, Any]:
    group = {"id": group_id, "groupId": group_id, "name": name, "description": "", "isActive": True}
    return group | {"isGlobal": is_global}


def _wrong(body: dict[str, Any]) -> list[dict[str, str]]:
    emails = body.get("emails")
    if not isinstance(emails, list) or not emails:
        return listed([("emails", "must be a list of at least one address")])
    return listed((f"emails[{n}]", "must be a valid email address") for n, e in enumerate(emails) if not is_email(e))
