"""Signed words in links: who may unsubscribe with them is in them, and nobody else can make one.

A token is URL-safe, needs no escaping in HTML, Handlebars or a header, and is compared in constant time
(itsdangerous). Each purpose has tokens of its own, so that one found in a log cannot be used for another.
"""

from __future__ import annotations

import hmac
import os
import secrets
from pathlib import Path

from itsdangerous import BadSignature, URLSafeSerializer
from itsdangerous.encoding import base64_encode

from newsletter.config import secret
from newsletter.errors import NewsletterError

KEY_NAME = "NEWSLETTER_TOKEN_KEY"
UNSUBSCRIBE = "unsubscribe"


class Signer:
    """Makes and reads the tokens of one publication.

    An unsubscribe token does not expire: a link in an email of two years ago must still work (RFC 8058 section 3.1
    asks for a token that is hard to forge, not one that is short-lived).
    """

    def __init__(self, key: str) -> None:
        self._unsubscribe = URLSafeSerializer(key, salt=UNSUBSCRIBE)
        self._derived = self._unsubscribe.make_signer().derive_key()

    def unsubscribe_token(self, subscriber_id: int) -> str:
        """The word that lets its holder unsubscribe this one subscriber.

        It is what `URLSafeSerializer.dumps` writes, without making a signer again for each reader of a broadcast.
        """
        payload = base64_encode(str(subscriber_id))
        mac = hmac.digest(self._derived, payload, "sha1")  # RFC 2104; itsdangerous checks it when the word comes back
        return f"{payload.decode()}.{base64_encode(mac).decode()}"

    def unsubscribes(self, token: str) -> int | None:
        """The subscriber whom this token unsubscribes, or None for a token that we did not make."""
        try:
            subscriber = self._unsubscribe.loads(token)
        except BadSignature:
            return None
        return subscriber if isinstance(subscriber, int) else None


def open_signer(state: Path) -> Signer:
    """The signer with the publication's key: the secret NEWSLETTER_TOKEN_KEY, else `state/token.key`, made once.

    Raises NewsletterError where the file can neither be read nor made.
    """
    key = secret(KEY_NAME)
    return Signer(key if key else _key_in(state / "token.key"))


def _key_in(file: Path) -> str:
    try:
        if not file.exists():
            _make_key(file)
        key = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is damaged"
        raise NewsletterError(f"{file}: the signing key cannot be read or made: {reason}", "check its rights") from None
    if len(key) < 32:
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
