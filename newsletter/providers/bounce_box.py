"""The mailbox that bounces come to, read over IMAP (RFC 9051): nothing is marked, moved or deleted there."""

from __future__ import annotations

import imaplib
import ssl
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from urllib.parse import unquote, urlsplit

from newsletter.errors import NewsletterError, UsageError

PASSWORD = "BOUNCES_PASSWORD"  # noqa: S105 - a name
_BACK = timedelta(days=30)  # older mails are about nothing that is open any more
_TIMEOUT = 60.0
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # RFC 9051: in English, whatever the locale


def is_mailbox(text: str) -> bool:
    """Whether `text` is the address of a mailbox rather than a file."""
    return text.startswith(("imaps://", "imap://"))


def mails_at(address: str, password: str, now: datetime) -> Iterator[bytes]:
    """The mails of the last 30 days in `imaps://USER@HOST[:PORT]/FOLDER` (`imap://`: STARTTLS, or this machine).

    Raises UsageError for an address that cannot be meant, NewsletterError where the server does not give the mails.
    """
    parts = urlsplit(address)
    folder = unquote(parts.path.strip("/")) or "INBOX"
    host, user = parts.hostname or "", unquote(parts.username or "")
    if not host or not user or parts.password or '"' in folder or "\\" in folder:
        hint = f"such as imaps://bounces@mail.example/INBOX; the password is the secret {PASSWORD}"
        raise UsageError("this is no address of a mailbox", hint)
    try:
        box = _connect(parts.scheme, host, parts.port)
    except (imaplib.IMAP4.error, OSError, ValueError) as error:
        raise NewsletterError(
            f"{host}: the mail server cannot be reached: {error}"[:200], "check the address"
        ) from None
    try:
        yield from _read(box, user, password, folder, now - _BACK)
    except (imaplib.IMAP4.error, OSError):  # the server's own words may repeat what it was told
        hint = f"check user, {PASSWORD} and folder"
        raise NewsletterError(f"{host}: the mailbox {folder} cannot be read", hint) from None
    finally:
        with suppress(imaplib.IMAP4.error, OSError):
            box.logout()


def _connect(scheme: str, host: str, port: int | None) -> imaplib.IMAP4:
    if scheme == "imaps":
        return imaplib.IMAP4_SSL(host, port or 993, ssl_context=ssl.create_default_context(), timeout=_TIMEOUT)
    box = imaplib.IMAP4(host, port or 143, timeout=_TIMEOUT)
    if host not in _LOOPBACK:
        box.starttls(ssl.create_default_context())  # raises where the server does not offer it: never in the clear
    return box


def _read(box: imaplib.IMAP4, user: str, password: str, folder: str, since: datetime) -> Iterator[bytes]:
    box.login(user, password)
    if box.select(f'"{folder}"', readonly=True)[0] != "OK":
        raise imaplib.IMAP4.error("no such folder")
    _, found = box.search(None, f"SINCE {since.day:02}-{_MONTHS[since.month - 1]}-{since.year}")
    for number in (found[0] or b"").split():
        _, told = box.fetch(number.decode("ascii"), "(BODY.PEEK[])")  # a look that leaves no mark
        yield from (part[1] for part in told if isinstance(part, tuple))
