"""What happens to a mail: checked, filled for each recipient, written down, and told of in events."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from newsletter.simulator.answers import Answer, failure, invalid, success
from newsletter.simulator.api import OLDER_FIELDS, decoded, fill, problems
from newsletter.simulator.mailbox import Mailbox
from newsletter.simulator.suppressions import GLOBAL, Suppressions

# What becomes of a mail is in its address: the part before the @, after its last +. `anna+bounce@…` bounces.
_FATES: dict[str, tuple[tuple[str, dict[str, str]], ...]] = {
    "bounce": (("email.bounced", {"bounceType": "Permanent"}),),
    "softbounce": (("email.deferred", {}), ("email.bounced", {"bounceType": "Transient"})),
    "complain": (("email.delivered", {}), ("email.spam_reported", {})),
}
_DELIVERED = (("email.delivered", dict[str, str]()),)
_REASONS = {"bounce": "BOUNCE", "complain": "SPAM_COMPLAINT"}  # fates after which the address is suppressed
_KEPT = ("replyTo", "templateId", "unsubscribeGroupId", "trackingClick", "trackingOpen")


@dataclass(frozen=True)
class Mails:
    """The calls under /mails. `page` is the address of the pages for people, for the unsubscribe link.

    `bodies` is "full", or "template" to keep the values and not each reader's HTML.
    """

    mailbox: Mailbox
    suppressions: Suppressions
    announce: Callable[[str, dict[str, Any]], None]
    page: str
    older: bool = False
    idempotency: bool = True
    bodies: str = "full"
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def take(self, mail: dict[str, Any], key: str, digest: str, *, bulk: bool) -> Answer:
        """POST /mails/send or /mails/bulk; a `key` that was used gives its first answer again."""
        if found := problems(mail, bulk=bulk, older=self.older):
            return invalid(found)
        key = key if self.idempotency else ""
        with self._lock:
            if key and (known := self.mailbox.answer_to(key)):
                return (200, known[1]) if known[0] == digest else failure(409, "the key was used for another body")
            emails, answer = self._emails(mail, digest, bulk=bulk)
            self.mailbox.take(emails, key, digest, answer[1])
        for email in emails:
            self._tell(email)
        return answer

    def status(self, email_id: str) -> Answer:
        """GET /mails/{id}/status."""
        number = self.mailbox.find(email_id)
        if number is None:
            return failure(404, "email not found")
        email = self.mailbox.email(number)
        status = _events(email["to"]["email"])[-1][0].removeprefix("email.")
        data = {"emailId": email_id, "status": status, "to": email["to"], "subject": email["subject"]}
        return success(data | {"createdAt": email["at"]})

    def unsubscribe(self, email: dict[str, Any]) -> None:
        """What the reader's click on the provider's own page does. Raises OSError on a full disk."""
        address, group = email["to"]["email"], email.get("unsubscribeGroupId") or ""
        if self.suppressions.add([address], group or GLOBAL, "unsubscribed"):
            data = {"email": address} | ({"groupId": group} if group else {})
            self.announce("email.group_unsubscribed" if group else "email.unsubscribed", data)

    def _emails(self, mail: dict[str, Any], digest: str, *, bulk: bool) -> tuple[list[dict[str, Any]], Answer]:
        """The emails that a valid call makes, and its answer."""
        call = hashlib.sha256(f"{digest} {len(self.mailbox)} {time.time_ns()}".encode()).hexdigest()[:24]
        shared = self._shared(mail) | ({"batchId": call} if bulk else {})
        recipients = mail["recipients"] if bulk else [mail["to"]]
        group = mail.get("unsubscribeGroupId") or ""
        emails = [
            self._email(mail, shared | {"emailId": f"{call}-{number}"}, to)
            for number, to in enumerate(recipients)
            if mail.get("bypassSuppressions") or not self.suppressions.bar(to["email"], group)
        ]
        if not bulk:
            data = {"emailId": f"{call}-0", "message": "Email queued successfully.", "totalRecipients": 1}
            return emails, success(data)
        counts = {"successCount": len(emails), "failedCount": len(recipients) - len(emails)}
        return emails, success({"batchId": call, "totalRecipients": len(recipients), **counts})

    def _shared(self, mail: dict[str, Any]) -> dict[str, Any]:
        kept = (*_KEPT, *(OLDER_FIELDS if self.older else ()))
        shared = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "from": mail["from"]}
        shared |= {name: mail[name] for name in kept if mail.get(name) is not None}
        if mail.get("attachments"):
            shared["attachments"] = [_facts(attachment) for attachment in mail["attachments"]]
        return shared

    def _email(self, mail: dict[str, Any], shared: dict[str, Any], to: dict[str, Any]) -> dict[str, Any]:
        values = {**(mail.get("dynamicData") or {}), **(to.get("dynamicData") or {})}
        email = shared | {"to": {"email": to["email"], "name": to.get("name") or ""}, "dynamicData": values}
        for part in ("cc", "bcc"):
            if copies := [*_list(mail.get(part)), *(_list(to.get(part)) if to is not mail.get("to") else [])]:
                email[part] = copies
        email["subject"] = fill(mail.get("subject") or "", values)
        if self.bodies == "full":
            link = {"unsubscribe": f"{self.page}/unsubscribe/{email['emailId']}"}
            email["html"] = fill(mail.get("html") or "", values | link)
            email["text"] = fill(mail.get("text") or "", values)
            email["headers"] = {name: fill(value, values) for name, value in mail.get("headers", {}).items()}
        return email

    def _tell(self, email: dict[str, Any]) -> None:
        address = email["to"]["email"]
        data = {"emailId": email["emailId"], "from": email["from"]["email"], "to": email["to"]}
        data |= {"subject": email["subject"], "test": bool(email.get("test"))}
        data |= {name: email[name] for name in ("templateId", "batchId") if name in email}
        for event, more in _events(address):
            self.announce(event, data | more)
        if reason := _REASONS.get(_word(address)):
            with contextlib.suppress(OSError):  # the mail is taken already: a full disk must not deny that
                self.suppressions.add([address], GLOBAL, reason)


def _events(address: str) -> tuple[tuple[str, dict[str, str]], ...]:
    return (("email.sent", {}), *_FATES.get(_word(address), _DELIVERED))


def _word(address: str) -> str:
    return address.partition("@")[0].rpartition("+")[2].lower()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def _facts(attachment: dict[str, Any]) -> dict[str, Any]:
    """What is kept of an attachment: not its bytes, which would stand in the file once for each reader."""
    facts = {name: attachment[name] for name in ("fileName", "fileUrl", "contentType") if attachment.get(name)}
    content = decoded(attachment)
    return facts if content is None else facts | {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
