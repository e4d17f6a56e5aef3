"""AutoSend's webhooks: is it theirs, and what does it tell.

Both envelopes are read: `{"type", "createdAt", "data"}` and the older `{"event", "timestamp", "data"}`. The signature
is the HMAC-SHA256 of the body, in hexadecimal, in `X-Webhook-Signature`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from newsletter.delivery.protocol import Event, EventKind

REPLAY_SECONDS = 600  # an attempt says when it was made; one from longer ago is somebody's recording
_KINDS = {
    "sent": EventKind.ACCEPTED,
    "accepted": EventKind.ACCEPTED,
    "delivered": EventKind.DELIVERED,
    "opened": EventKind.OPENED,
    "clicked": EventKind.CLICKED,
    "bounced": EventKind.BOUNCED,
    "spam_reported": EventKind.COMPLAINED,
    "complained": EventKind.COMPLAINED,
    "unsubscribed": EventKind.UNSUBSCRIBED,
    "group_unsubscribed": EventKind.UNSUBSCRIBED,
    "rejected": EventKind.REJECTED,
    "failed": EventKind.REJECTED,
    "dropped": EventKind.REJECTED,
}


def is_theirs(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether the holder of `secret` signed this body, and sent it just now. Compared in constant time.

    The time of the attempt (milliseconds) is not part of what is signed: it only keeps an old recording out. What is
    told twice is stored once, whatever the time says.
    """
    mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    given = headers.get("x-webhook-signature", "").strip().lower().removeprefix("sha256=")
    if not hmac.compare_digest(mac.encode(), given.encode("utf-8", "replace")):
        return False
    sent_at = headers.get("x-webhook-timestamp", "").strip()
    if not sent_at:
        return True
    if not (sent_at.isascii() and sent_at.isdigit() and len(sent_at) < 20):
        return False
    seconds = int(sent_at) / (1000 if len(sent_at) > 11 else 1)
    return abs(now.timestamp() - seconds) <= REPLAY_SECONDS


def read_event(body: bytes, now: datetime) -> Event | None:
    """What the body tells; None for what we do not keep (deferred mails, tests). Raises ValueError for no such body."""
    try:
        envelope = json.loads(body)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(envelope, dict) or not isinstance(envelope.get("data"), dict):
        raise ValueError("expected an object with data")
    data: dict[str, Any] = envelope["data"]
    name = _text(envelope.get("type") or envelope.get("event"), 60).lower().rpartition(".")[2]
    kind = _KINDS.get(name)
    email = _address(data)
    if kind is None or not email or data.get("test") is True:
        return None
    return Event(
        kind=kind,
        email=email,
        occurred_at=_moment(envelope.get("createdAt") or envelope.get("timestamp"), now),
        key=hashlib.sha256(body).hexdigest(),
        reference=_text(data.get("batchId"), 200),
        subject=_text(data.get("subject"), 1000),
        soft=kind is EventKind.BOUNCED and "perman" not in _text(data.get("bounceType") or "permanent", 40).lower(),
        detail={
            ours: text
            for ours, theirs in (("link", "link"), ("link", "url"), ("reason", "reason"), ("id", "emailId"))
            if (text := _text(data.get(theirs), 1000))
        },
    )


def _address(data: Mapping[str, Any]) -> str:
    for value in (data.get("email"), data.get("to"), data.get("recipient")):
        found = value.get("email") if isinstance(value, dict) else value
        if isinstance(found, str) and "@" in found:
            return _text(found, 320)
    return ""


def _moment(value: object, now: datetime) -> datetime:
    """When it happened; now where it does not say, or says what cannot be."""
    try:
        if isinstance(value, int | float):
            moment = datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
        else:
            moment = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return now
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return min(moment.astimezone(UTC), now) if moment.year >= 2000 else now
    except OverflowError:
        return now


def _text(value: object, longest: int) -> str:
    words = " ".join(value.split()) if isinstance(value, str) else ""
    return "".join(char for char in words if char.isprintable())[:longest]
