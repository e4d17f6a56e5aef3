"""The contacts of the account, as far as the documented calls go: create, upsert, read, search, update, remove."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

from newsletter.simulator.answers import Answer, failure, invalid, success
from newsletter.simulator.api import is_email, listed
from newsletter.simulator.journal import Journal
from newsletter.simulator.suppressions import now

_TEXTS = ("firstName", "lastName", "userId")
_MOST = 100  # contacts a bulk update

Announce = Callable[[str, dict[str, Any]], None]


class Contacts:
    """The contacts of one folder, remembered in `contacts.ndjson`; `announce` is told of every change."""

    def __init__(self, folder: Path, announce: Announce) -> None:
        self._journal = Journal(folder / "contacts.ndjson")
        self._announce = announce
        self._lock = threading.Lock()
        self._by_id: dict[str, dict[str, Any]] = {}
        self._ids: dict[str, str] = {}
        end = 0
        for place, row in self._journal.rows():
            self._apply(row)
            end = place.start + place.length
        self._journal.cut(end)

    def create(self, body: dict[str, Any]) -> Answer:
        """POST /contacts. Raises OSError on a full disk, as all that write do."""
        if found := listed(_wrong(body)):
            return invalid(found)
        with self._lock:
            if body["email"].lower() in self._ids:
                return invalid(listed([("email", "a contact with this email exists; /contacts/email updates it")]))
            return success(self._put([body])[0])

    def upsert(self, body: dict[str, Any]) -> Answer:
        """POST /contacts/email: create, or change what is named."""
        if found := listed(_wrong(body)):
            return invalid(found)
        with self._lock:
            return success(self._put([body])[0])

    def update_all(self, body: dict[str, Any]) -> Answer:
        """POST /contacts/bulk-update: 1 to 100 upserts; what is invalid is counted, the others are done."""
        contacts = body.get("contacts")
        if not isinstance(contacts, list) or not 1 <= len(contacts) <= _MOST:
            return invalid(listed([("contacts", f"must be a list of 1 to {_MOST} contacts")]))
        good = [contact for contact in contacts if isinstance(contact, dict) and not list(_wrong(contact))]
        with self._lock:
            self._put(good)
        counts = {"successCount": len(good), "failedCount": len(contacts) - len(good)}
        return success(counts | {"totalCount": len(contacts)})

    def search(self, body: dict[str, Any]) -> Answer:
        """POST /contacts/search/emails."""
        emails = _emails(body)
        if not emails:
            return invalid(listed([("emails", "must be a list of at least one address")]))
        with self._lock:
            found = [self._by_id[self._ids[email]] for email in emails if email in self._ids]
        return success({"contacts": found})

    def get(self, contact_id: str) -> Answer:
        """GET /contacts/{id}."""
        with self._lock:
            contact = self._by_id.get(contact_id)
        return success(contact) if contact else failure(404, "contact not found")

    def delete(self, contact_id: str) -> Answer:
        """DELETE /contacts/{id}."""
        with self._lock:
            if contact_id not in self._by_id:
                return failure(404, "contact not found")
            self._remove([contact_id])
        return success()

    def remove(self, body: dict[str, Any]) -> Answer:
        """POST /contacts/remove: by email; an address that is no contact is no error."""
        emails = _emails(body)
        if not emails:
            return invalid(listed([("emails", "must be a list of at least one address")]))
        with self._lock:
            self._remove([self._ids[email] for email in emails if email in self._ids])
        return success()

    def close(self) -> None:
        """Give the file back."""
        self._journal.close()

    def _put(self, bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Create or change contacts; two of one call may be the same one."""
        contacts: dict[str, dict[str, Any]] = {}
        for body in bodies:
            email = body["email"].lower()
            known = contacts.get(email) or self._by_id.get(self._ids.get(email, ""))
            contacts[email] = _merged(known or {"id": uuid4().hex[:24], "email": email, "createdAt": now()}, body)
        self._journal.append(list(contacts.values()))
        for contact in contacts.values():
            self._announce("contact.updated" if contact["id"] in self._by_id else "contact.created", contact)
            self._apply(contact)
        return list(contacts.values())

    def _remove(self, ids: list[str]) -> None:
        rows: list[dict[str, Any]] = [{"id": contact_id, "removed": True} for contact_id in ids]
        self._journal.append(rows)
        for row in rows:
            self._announce("contact.deleted", self._by_id[row["id"]])
            self._apply(row)

    def _apply(self, row: dict[str, Any]) -> None:
        if row.get("removed"):
            del self._ids[self._by_id.pop(row["id"])["email"]]
        else:
            self._by_id[row["id"]] = row
            self._ids[row["email"]] = row["id"]


def _merged(known: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """`known` with what `body` says; lists are added to, a custom field of null is taken away."""
    fields = {**known.get("customFields", {}), **(body.get("customFields") or {})}
    lists = dict.fromkeys([*known.get("listIds", []), *(body.get("listIds") or [])])
    texts = {name: body[name] for name in _TEXTS if body.get(name) is not None}
    rest = {"listIds": list(lists), "customFields": {name: v for name, v in fields.items() if v is not None}}
    return {**known, **texts, **rest, "projectId": "simulator", "updatedAt": now()}


def _wrong(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if not is_email(body.get("email")):
        yield "email", "must be a valid email address"
    for name in _TEXTS:
        if not isinstance(body.get(name), str | None):
            yield name, "must be a text"
    if not isinstance(body.get("customFields"), dict | None):
        yield "customFields", "must be an object"
    lists = body.get("listIds") or []
    if not isinstance(lists, list) or not all(isinstance(value, str) for value in lists):
        yield "listIds", "must be a list of texts"


def _emails(body: dict[str, Any]) -> list[str]:
    """The addresses of a call, once each; empty where there is no list of texts."""
    emails = body.get("emails")
    if not isinstance(emails, list) or not all(isinstance(email, str) for email in emails):
        return []
    return list(dict.fromkeys(email.lower() for email in emails))
