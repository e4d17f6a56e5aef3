"""Mails that tell of mails: delivery status notifications (RFC 3464) and feedback reports (RFC 5965) as events."""

from __future__ import annotations

import hashlib
import mailbox
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header
from email.message import EmailMessage, Message
from email.utils import parseaddr, parsedate_to_datetime
from pathlib import Path

from newsletter.delivery.protocol import Event, EventKind

_ADDRESS = re.compile(r"[^\s<>;,\"]+@[^\s<>;,\"]+")
# A mail that is late, or was passed on, was taken all the same.
_KINDS = {
    "failed": EventKind.BOUNCED,
    "delivered": EventKind.DELIVERED,
    "delayed": EventKind.ACCEPTED,
    "relayed": EventKind.ACCEPTED,
    "expanded": EventKind.ACCEPTED,
}
_MAILDIR = ("new", "cur")


def mails_in(path: Path) -> Iterator[bytes]:
    """The mails of a file (an mbox begins with `From `, else it is one mail) or folder (a Maildir, or `.eml` files).

    Nothing is changed there. Raises OSError.
    """
    if path.is_dir():
        folders = [path / name for name in _MAILDIR if (path / name).is_dir()]
        files = [file for folder in folders or [path] for file in sorted(folder.iterdir()) if file.is_file()]
        yield from (file.read_bytes() for file in files if folders or file.suffix == ".eml")
        return
    with path.open("rb") as file:
        if file.read(5) != b"From ":
            file.seek(0)
            yield file.read()
            return
    box = mailbox.mbox(path, create=False)
    try:
        for mail in box:
            yield mail.as_bytes()
    finally:
        box.close()


def read_report(mail: bytes, now: datetime) -> list[Event]:
    """The events that one mail tells of; none where it is no report. Never raises for what a mail may hold."""
    try:
        parsed = message_from_bytes(mail, policy=policy.compat32)
        kind = str(parsed.get_param("report-type", "")).lower()
        if parsed.get_content_type() != "multipart/report":
            return []
        at, key = _date(parsed, now), hashlib.sha256(mail).hexdigest()
        if kind == "feedback-report":
            return _complaint(parsed, at, key)
        return _bounces(parsed, at, key) if kind == "delivery-status" else []
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return []  # whatever it is, it is no report that can be read


def _bounces(parsed: Message, at: datetime, key: str) -> list[Event]:
    """One event for each recipient block of the machine-readable part (RFC 3464 section 2.3)."""
    events = []
    original, envelope = _original(parsed), ""
    for part in parsed.walk():
        blocks = part.get_payload() if part.get_content_type() == "message/delivery-status" else ()
        for number, block in enumerate(blocks if isinstance(blocks, list) else ()):
            envelope = envelope or str(block.get("Original-Envelope-Id") or "").strip()
            recipient = str(block.get("Original-Recipient") or block.get("Final-Recipient") or "")
            kind = _KINDS.get(str(block.get("Action", "")).strip().lower())
            found = _ADDRESS.search(recipient.partition(";")[2] or recipient)
            if not found or kind is None:
                continue
            status = str(block.get("Status", "")).strip()  # RFC 3463: 4.x.x for the moment, 5.x.x for good
            reason = " ".join(str(block.get("Diagnostic-Code", "")).split())[:500]
            detail = {"reason": reason, "status": status[:20]}
            # A full mailbox (5.2.2) is no reason to think that its owner is gone.
            soft = kind is EventKind.BOUNCED and (not status.startswith("5") or status.startswith("5.2.2"))
            event_key = hashlib.sha256(f"{key} {number}".encode()).hexdigest()
            # A bounce of nothing that we know of is at least not the same as another one.
            reference = envelope or _name(original) or (key[:16] if soft else "")
            subject = _subject(original)
            events.append(Event(kind, found[0], at, event_key, reference[:200], subject, soft=soft, detail=detail))
    return events


def _complaint(parsed: Message, at: datetime, key: str) -> list[Event]:
    """The reader whom a feedback report is about (RFC 5965 section 3.2); else whom the mail in it was for."""
    fields: Message = EmailMessage()
    original = _original(parsed)
    for part in parsed.walk():
        payload = part.get_payload()
        if part.get_content_type() == "message/feedback-report":
            inner = payload[0] if isinstance(payload, list) and payload else payload
            fields = inner if isinstance(inner, Message) and inner.keys() else message_from_bytes(_bytes(part))
    kind = str(fields.get("Feedback-Type", "abuse")).strip().lower()
    address = parseaddr(str(fields.get("Original-Rcpt-To") or original.get("To") or ""))[1]
    if "@" not in address or kind not in ("abuse", "fraud", "opt-out", "opt-out-list", "other"):
        return []
    left = kind.startswith("opt-out")
    what, reference = EventKind.UNSUBSCRIBED if left else EventKind.COMPLAINED, _name(original)[:200]
    return [Event(what, address, at, key, reference, _subject(original), detail={"reason": kind})]


def _original(parsed: Message) -> Message:
    """The mail that a report is about, or its headers; empty where it brings neither."""
    for part in parsed.walk():
        if part.get_content_type() in ("message/rfc822", "text/rfc822-headers"):
            payload = part.get_payload()
            inner = payload[0] if isinstance(payload, list) and payload else message_from_bytes(_bytes(part))
            if isinstance(inner, Message):
                return inner
    return EmailMessage()


def _name(original: Message) -> str:
    """What stands before the @ of a mail's Message-ID: the key of the call, if we handed it in."""
    return str(original.get("Message-ID", "")).strip().lstrip("<").partition("@")[0].strip()


def _subject(original: Message) -> str:
    parts = decode_header(" ".join(str(original.get("Subject", "")).split()))
    return "".join(
        text.decode(charset or "ascii", "replace") if isinstance(text, bytes) else text for text, charset in parts
    )[:1000]


def _bytes(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else str(part.get_payload()).encode("utf-8", "replace")


def _date(parsed: Message, now: datetime) -> datetime:
    try:
        moment = parsedate_to_datetime(str(parsed.get("Date", "")))
    except (ValueError, TypeError, IndexError):
        return now
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(moment.astimezone(UTC), now)
