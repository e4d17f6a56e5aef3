"""One reader's mail, for providers that take whole mails: variables filled, headers safe."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

from newsletter.delivery.protocol import Message, Recipient
from newsletter.render.fill import fill
from newsletter.render.merge import safe
from newsletter.render.mime import to_mime

_ADDRESS = re.compile(r"[^@\s<>,;]{1,64}@[^@\s<>,;]{1,255}")
_BREAKS = re.compile(r"[\r\n\0]+")
_LONGEST_NAME = 200  # letters; more is no name, and a header line has its limit


def is_address(text: str) -> bool:
    """Whether a mail can go there without SMTPUTF8 (RFC 6531), which few mail programs open."""
    return text.isascii() and _ADDRESS.fullmatch(text) is not None


def shown_name(name: str) -> str:
    """A reader's name as it may stand in a header: one line of a bearable length."""
    return safe(name).strip()[:_LONGEST_NAME]


def filled(message: Message, recipient: Recipient) -> Message:
    """The message as this reader gets it: every variable has its value, and no header has more than one line."""
    values = recipient.values
    return replace(
        message,
        subject=_BREAKS.sub(" ", fill(message.subject, values, html=False)),
        html=fill(message.html, values, html=True),
        text=fill(message.text, values, html=False),
        headers={name: fill(value, values, html=False) for name, value in message.headers.items()},
    )


def mailbox(recipient: Recipient) -> str:
    """Whom the mail is to, as a header says it."""
    name = shown_name(recipient.name)
    return f"{name} <{recipient.email}>" if name else recipient.email


def mime_of(message: Message, recipient: Recipient, *, message_id: str = "") -> bytes:
    """The mail of one reader. Raises ValueError or LookupError where the message cannot be written as one."""
    to = mailbox(recipient)
    return to_mime(filled(message, recipient), to=to, date=datetime.now(UTC), message_id=message_id)
