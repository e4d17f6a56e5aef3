"""Which call under /v1 does what."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from newsletter.simulator.answers import Answer, failure
from newsletter.simulator.contacts import Contacts
from newsletter.simulator.mails import Mails
from newsletter.simulator.suppressions import Suppressions


@dataclass(frozen=True)
class Call:
    """One HTTP request: `path` is what follows /v1, without the query."""

    method: str
    path: str
    body: bytes = b""
    key: str = ""

    @property
    def is_mail(self) -> bool:
        """Whether the call sends mail; only such calls meet faults."""
        return self.method == "POST" and self.path in ("/mails/send", "/mails/bulk")


@dataclass(frozen=True)
class Routes:
    """Everything that the documented calls need."""

    mails: Mails
    contacts: Contacts
    suppressions: Suppressions

    def answer(self, call: Call) -> Answer:
        """Do what the call asks for; never raises for anything that a client can send."""
        parts = [unquote(part) for part in call.path.strip("/").split("/")]
        try:
            if call.method == "POST":
                return self._post(call, parts)
            return self._by_path(call, parts)
        except OSError as error:
            return failure(500, f"the simulator cannot write: {error.strerror}")

    def _by_path(self, call: Call, parts: list[str]) -> Answer:
        match call.method, parts:
            case "GET", ["mails", email_id, "status"]:
                return self.mails.status(email_id)
            case "GET", ["contacts", contact_id]:
                return self.contacts.get(contact_id)
            case "DELETE", ["contacts", contact_id]:
                return self.contacts.delete(contact_id)
            case "GET", ["suppression-groups"]:
                return self.suppressions.groups()
        return _nothing(call)

    def _post(self, call: Call, parts: list[str]) -> Answer:
        act = self._acts(call).get("/".join(parts))
        if act is None:
            return _nothing(call)
        body = _object(call.body)
        return failure(400, "the body is no JSON object") if body is None else act(body)

    def _acts(self, call: Call) -> dict[str, Callable[[dict[str, Any]], Answer]]:
        digest = hashlib.sha256(call.body).hexdigest()
        return {
            "mails/send": lambda body: self.mails.take(body, call.key, digest, bulk=False),
            "mails/bulk": lambda body: self.mails.take(body, call.key, digest, bulk=True),
            "contacts": self.contacts.create,
            "contacts/email": self.contacts.upsert,
            "contacts/bulk-update": self.contacts.update_all,
            "contacts/search/emails": self.contacts.search,
            "contacts/remove": self.contacts.remove,
            "suppression-groups": self.suppressions.create,
            "suppression-groups/emails/suppress": self.suppressions.suppress,
            "suppression-groups/emails/unsuppress": self.suppressions.unsuppress,
            "suppression-groups/entries": self.suppressions.entries,
        }


def _nothing(call: Call) -> Answer:
    return failure(404, f"there is no {call.method} /v1{call.path}"[:200])


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
