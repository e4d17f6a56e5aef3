"""Signed words in links: who may unsubscribe with them is in them, and nobody else can make one.

A token is URL-safe, needs no escaping in HTML, Handlebars or a header, and is compared in constant time
(itsdangerous). Each purpose has tokens of its own, so that one found in a log cannot be used for another.
"""

from __future__ import annotations

import hmac
import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from itsdangerous import BadData, URLSafeSerializer, URLSafeTimedSerializer
from sqlalchemy import Connection, delete, select

from newsletter.config import revealed
from newsletter.errors import NewsletterError
from newsletter.store.tables import facts

KEY_NAME = "NEWSLETTER_TOKEN_KEY"
UNSUBSCRIBE = "unsubscribe"
CONFIRM = "confirm"
PREFERENCES = "preferences"
MOVE = "move"
GO = "go"
_MARK = "token_key"
_LONGEST = 2000  # characters; no token of ours has so many


@dataclass(frozen=True)
class Word:
    """What a token said, and when it was made."""

    value: Any
    made_at: datetime


class Signer:
    """Makes and reads the tokens of one publication. `key` is one key or several words, of which the last one signs.

    Keys rotate so: add a new one behind the old ones, and links of any age still work. Take an old one away when no
    mail with its links matters any more.

    An unsubscribe token does not expire: a link in an email of two years ago must still work (RFC 8058 section 3.1
    asks for a token that is hard to forge, not one that is short-lived).
    """

    def __init__(self, key: str) -> None:
        self._keys: Sequence[str] = key.split()
        self._unsubscribe = URLSafeSerializer(self._keys, salt=UNSUBSCRIBE)
        self._derived = self._unsubscribe.make_signer().derive_key()
        self._go = URLSafeSerializer(self._keys, salt=GO)
        self._measuring = self._go.make_signer().derive_key()

    @property
    def mark(self) -> str:
        """What tells the key that signs from every other one, and gives none away."""
        return hmac.digest(self._derived, b"mark", "sha256").hex()[:16]

    def unsubscribe_token(self, subscriber_id: int) -> str:
        """The word that lets its holder unsubscribe this one subscriber.

        It is what `URLSafeSerializer.dumps` writes, without making a signer again for each reader of a broadcast.
        """
        return _signed(str(subscriber_id), self._derived)

    def unsubscribes(self, token: str) -> int | None:
        """The subscriber whom this token unsubscribes, or None for a token that we did not make."""
        try:
            subscriber = self._unsubscribe.loads(token[:_LONGEST])
        except (BadData, ValueError):
            return None
        return subscriber if isinstance(subscriber, int) else None

    def measuring_token(self, broadcast_id: int, subscriber_id: int) -> str:
        """The word in the measured links of one mail: whose they are. It lets its holder do nothing."""
        return _signed(f"[{broadcast_id},{subscriber_id}]", self._measuring)

    def measures(self, token: str) -> tuple[int, int] | None:
        """The broadcast and the subscriber that a measured link is of, or None for a token that we did not make."""
        try:
            broadcast_id, subscriber_id = self._go.loads(token[:_LONGEST])
        except (BadData, ValueError, TypeError):
            return None
        return broadcast_id, subscriber_id

    def token(self, purpose: str, value: Any) -> str:
        """A word that says `value`, for this purpose only, and knows when it was made."""
        return str(URLSafeTimedSerializer(self._keys, salt=purpose).dumps(value))

    def read(self, purpose: str, token: str, within: timedelta) -> Word | None:
        """What a token of this purpose says, or None for one that we did not make, or longer ago than `within`."""
        serializer = URLSafeTimedSerializer(self._keys, salt=purpose)
        try:
            age = int(within.total_seconds())
            value, made_at = serializer.loads(token[:_LONGEST], max_age=age, return_timestamp=True)
        except (BadData, ValueError):
            return None
        return Word(value, made_at)


def _signed(text: str, key: bytes) -> str:
    payload = urlsafe_b64encode(text.encode()).rstrip(b"=")
    mac = hmac.digest(key, payload, "sha1")  # RFC 2104; itsdangerous checks it when the word comes back
    return (payload + b"." + urlsafe_b64encode(mac).rstrip(b"=")).decode()


def open_signer(state: Path) -> Signer:
    """The signer with the publication's key: the secret NEWSLETTER_TOKEN_KEY, else `state/token.key`, made once.

    Raises NewsletterError where the file can neither be read nor made.
    """
    key = revealed(KEY_NAME)
    return Signer(key if key else _key_in(state / "token.key"))


def note_mark(connection: Connection, signer: Signer) -> None:
    """Write down whose links the mails to come carry, for workers on other machines."""
    if known_mark(connection) != signer.mark:
        connection.execute(delete(facts).where(facts.c.name == _MARK))
        connection.execute(facts.insert(), {"name": _MARK, "value": signer.mark})


def known_mark(connection: Connection) -> str:
    """The mark of the key that the mails are to be signed with; empty where it was never written."""
    return connection.execute(select(facts.c.value).where(facts.c.name == _MARK)).scalar() or ""


def _key_in(file: Path) -> str:
    try:
        if not file.exists():
            _make_key(file)
        key = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is damaged"
        raise NewsletterError(f"{file}: the signing key cannot be read or made: {reason}", "check its rights") from None
    if not key or min(map(len, key.split())) < 32:
        raise NewsletterError(f"{file}: the signing key is damaged", "restore it from a backup: old links depend on it")
    return key


def _make_key(file: Path) -> None:
    """Write a new key whole or not at all; of two processes at once, the first one's key stays."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            out.write(secrets.token_hex(32) + "\n")
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(draft, file)  # fails where another process was first, and then its key is the one
        except FileExistsError:
            return
    finally:
        draft.unlink(missing_ok=True)
